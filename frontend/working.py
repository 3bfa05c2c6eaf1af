"""What is being done to a thing right now: its running job, as a row of a list shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from accounts.caller import Caller
from frontend import texts
from jobs.models import AsyncJob, JobStatus, JobStep, Phase, StepState

_UUID = 36
_DONE = {StepState.DONE, StepState.UNDONE}


@dataclass(frozen=True)
class Progress:
    """A running job: how many of its steps are behind it, and the one it is at."""

    job: str
    title: str
    at: int
    of: int
    percent: int
    note: str
    since: datetime
    unwinding: bool


def of(caller: Caller, uuids: list[str]) -> dict[str, Progress]:
    """Running jobs of these things, by uuid; two queries, or one when nothing runs."""
    uuids = [u for u in uuids if len(u) == _UUID]  # VLANs and regions have numbers
    if not uuids:
        return {}
    jobs = list(
        AsyncJob.objects.all()
        .visible_to(caller)
        .filter(status=JobStatus.PENDING, instance_uuid__in=uuids)
        .order_by("created")
    )
    if not jobs:
        return {}
    steps = steps_of(jobs)
    return {str(job.instance_uuid): progress(job, steps.get(job.pk, [])) for job in jobs}


def steps_of(jobs: list[AsyncJob] | QuerySet) -> dict[int, list[JobStep]]:
    found: dict[int, list[JobStep]] = {}
    for step in JobStep.objects.filter(job__in=jobs).order_by("job_id", "index"):
        found.setdefault(step.job_id, []).append(step)
    return found


def progress(job: AsyncJob, steps: list[JobStep]) -> Progress:
    behind = sum(1 for s in steps if s.state in _DONE)
    current: Any = next(
        (s for s in steps if s.state in (StepState.RUNNING, StepState.UNDOING)), None
    )
    count = max(len(steps), 1)
    partly = (current.percent / 100 if current else 0) if job.phase != Phase.UNWINDING else 0
    return Progress(
        job=str(job.uuid),
        title=texts.say(current.title) if current else "",
        at=min(behind + 1, count) if current else behind,
        of=count,
        percent=round(100 * min(1.0, (behind + partly) / count)),
        note=texts.say(job.note or (current.note if current else "")),
        since=job.started or job.created,
        unwinding=job.phase == Phase.UNWINDING,
    )
