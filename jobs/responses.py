"""Jobs, events and what needs attention, as clients know them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.utils import timezone

from accounts import owners
from core import steps
from core.responses import Field, Response, computed, date, flag, several, text
from jobs.models import AsyncJob, Event, JobStatus, JobStep, StepState, Trouble


def _result_code(status: int, error_code: int) -> int:
    """0 while it is well; a cancelled job has no code of its own."""
    return 0 if status in (JobStatus.PENDING, JobStatus.DONE) else error_code or 530


def _cancellable(status: int, plan: str) -> bool:
    kind = steps.PLANS.get(plan)
    return status == JobStatus.PENDING and kind is not None and kind.cancellable


def _steps(keys: Sequence[int], caller: Any) -> dict[int, dict[str, Any]]:
    found: dict[int, list[dict[str, Any]]] = {key: [] for key in keys}
    for step in JobStep.objects.filter(job__in=keys).order_by("job", "index"):
        found[step.job_id].append(_step(step))
    return {key: {"steps": rows, "percent": _percent(rows)} for key, rows in found.items()}


def _step(step: JobStep) -> dict[str, Any]:
    """``elapsed`` in seconds, of a step that runs until now."""
    shown: dict[str, Any] = {
        "name": step.title,
        "state": step.state,
        "percent": round(step.percent, 1),
        "attempts": step.attempts,
    }
    if step.note:
        shown["note"] = step.note
    if step.started:
        until = step.completed or timezone.now()
        shown["started"] = step.started
        shown["elapsed"] = round((until - step.started).total_seconds(), 3)
    return shown


def _percent(rows: list[dict[str, Any]]) -> int:
    behind = sum(100 if r["state"] == StepState.DONE else _partly(r) for r in rows)
    return round(behind / len(rows)) if rows else 0


def _partly(row: dict[str, Any]) -> float:
    return row["percent"] if row["state"] == StepState.RUNNING else 0


jobstep = Response(
    "jobstep",
    None,
    (
        Field("name"),
        Field("state"),
        Field("percent", "float"),
        Field("attempts", "integer"),
        Field("note"),
        Field("started", "date"),
        Field("elapsed", "float"),
    ),
)

asyncjobs = Response(
    "asyncjobs",
    AsyncJob,
    (
        text("jobid", "uuid"),
        text("id", "uuid"),
        text("cmd", "command"),
        *owners.account(),
        text("accountid", "account__uuid"),
        text("domainid", "account__domain__uuid"),
        text("domainpath", "account__domain__name_path"),
        text("userid", "user__uuid"),
        Field("jobstatus", "integer", "status"),
        Field("jobprocstatus", "integer"),
        computed("jobresultcode", ("status", "error_code"), _result_code, "integer"),
        Field("jobresulttype"),
        Field("jobresult", "responseobject"),
        text("jobinstancetype", "instance_type"),
        text("jobinstanceid", "instance_uuid"),
        text("jobinstancename", "instance_name"),
        date("created"),
        date("completed"),
        text("phase"),
        text("note"),
        computed("failure", ("error_text",), lambda text: text or None),
        text("correlationid", "correlation_id"),
        computed("cancellable", ("status", "plan"), _cancellable, "boolean"),
        several(
            _steps, Field("steps", "list", of=jobstep), Field("percent", "integer"), group="steps"
        ),
    ),
    always={"jobprocstatus": 0},
)

#: What a client polls: those in use know 0, 1 and 2 and wait for ever on a 3 (cancelled).
asyncjob = replace(
    asyncjobs,
    fields=tuple(
        computed("jobstatus", ("status",), lambda status: min(status, 2), "integer")
        if f.name == "jobstatus"
        else f
        for f in asyncjobs.fields
    ),
)

event = Response(
    "event",
    Event,
    (
        text("id", "uuid"),
        text("type"),
        text("level"),
        text("state"),
        text("description"),
        text("resourcetype", "resource_type"),
        text("resourceid", "resource_uuid"),
        text("resourcename", "resource_name"),
        *owners.account(),
        *owners.project(),
        text("domain", "domain__name"),
        text("domainid", "domain__uuid"),
        text("domainpath", "domain__name_path"),
        text("username", "user__username"),
        text("parentid", "parent__uuid"),
        flag("archived"),
        date("created"),
        text("correlationid", "correlation_id"),
        text("jobid", "job_uuid"),
        computed("command", ("command",), lambda name: name or None),
        computed(
            "address",
            ("address", "parent__address"),
            lambda own, begun: own or begun or None,
            admin_only=True,
        ),
    ),
)

eventtype = Response("eventtype", None, (Field("name"),))

trouble = Response(
    "trouble",
    Trouble,
    (
        text("id", "uuid"),
        text("kind"),
        text("sentence"),
        text("resourcetype", "resource_type"),
        text("resourceid", "resource_uuid"),
        text("resourcename", "resource_name"),
        Field("evidence", "map", "evidence"),
        text("repair"),
        date("firstseen", "first_seen"),
        date("lastseen", "last_seen"),
        date("closed"),
    ),
)
