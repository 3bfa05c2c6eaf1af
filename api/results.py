"""What a finished job came to, as the reply of the command that began it would show it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.apps import apps

from accounts.caller import Caller
from api import wire
from core import vault
from core.commands import COMMANDS
from core.responses import SUCCESS, Response, number
from jobs.models import AsyncJob, JobStatus

if TYPE_CHECKING:
    from api.dispatch import Outcome

#: Commands that show jobs; their records carry ``jobid``.
_SHOWN_BY = ("queryAsyncJobResult", "listAsyncJobs")


def add_job_results(outcome: Outcome) -> None:
    """Puts ``jobresult`` into the records of a command that shows jobs."""
    if outcome.command.name not in _SHOWN_BY:
        return
    if outcome.records is None:
        outcome.value = outcome.record()
    records = [outcome.value] if outcome.records is None else outcome.records
    jobs = AsyncJob.objects.filter(uuid__in=[r["jobid"] for r in records])
    found = of_jobs(jobs, outcome.caller)
    for record in records:
        result = found.get(str(record["jobid"]))
        if result is not None:
            record["jobresult"] = result
            record["jobresulttype"] = "object"


def of_jobs(jobs: Iterable[AsyncJob], caller: Caller) -> dict[str, dict[str, Any]]:
    """Job uuid → result of each job that has ended, in a few queries however many jobs."""
    out: dict[str, dict[str, Any]] = {}
    shown: dict[tuple[str, str], list[AsyncJob]] = defaultdict(list)
    for job in jobs:
        if job.status == JobStatus.PENDING:
            continue
        if job.status != JobStatus.DONE:
            out[str(job.uuid)] = _failure(job)
        elif _response(job) is None:
            out[str(job.uuid)] = {"success": True}
        else:
            shown[job.command, _row(job)["__row__"]].append(job)
    for (command, label), group in shown.items():
        rows = _rendered(COMMANDS[command].response, label, group, caller)
        for job in group:
            out[str(job.uuid)] = _success(job, rows.get(_row(job)["pk"]), caller)
    return out


def _failure(job: AsyncJob) -> dict[str, Any]:
    failed: dict[str, Any] = {
        "errorcode": job.error_code or 530,
        "errortext": job.error_text or "The job was cancelled.",
    }
    if job.error_details is not None:
        failed["details"] = job.error_details
    return failed


def _response(job: AsyncJob) -> Response | None:
    command = COMMANDS.get(job.command)
    response = command.response if command else None
    return None if response in (None, SUCCESS) or not _row(job) else response


def _row(job: AsyncJob) -> dict[str, Any]:
    row = job.response_row or job.subject
    return row if isinstance(row, dict) and "__row__" in row else {}


def _rendered(
    response: Response, label: str, jobs: list[AsyncJob], caller: Caller
) -> dict[int, dict[str, Any]]:
    """Rows by key as they are now; one that is gone for good is simply not there."""
    model = apps.get_model(label)
    if response.model is not None and response.model is not model:
        return {}
    keyed = replace(response, fields=(*response.fields, number("_key", "pk")))
    keys = sorted({_row(job)["pk"] for job in jobs})
    return {record.pop("_key"): record for record in keyed.page(model, keys, caller)}


def _success(job: AsyncJob, record: dict[str, Any] | None, caller: Caller) -> dict[str, Any]:
    if record is None:
        return {"success": True}
    shape = wire.shape(job.command)
    record = {**record, **_told_once(job, caller)}
    return {shape.key: record} if shape.key else record


def _told_once(job: AsyncJob, caller: Caller) -> dict[str, str]:
    """Secrets the job left for whoever asked (a new password): nobody else reads them."""
    if caller.user is None or job.user_id != caller.user.pk:
        return {}
    prefix = "reply."
    return {
        name.removeprefix(prefix): vault.unseal(text)
        for name, text in job.sealed.items()
        if name.startswith(prefix)
    }
