"""The task tray: what is running, what failed, what is done; it survives a reload because it
is read from the jobs themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from core.steps import PLANS
from frontend import htmx, tabs, texts, working
from frontend.reader import Reader
from frontend.sections import SECTIONS
from frontend.states import JOB_STATES
from frontend.views.gate import signed_in
from jobs.models import AsyncJob, JobStatus, JobStep

MOST = 20


@dataclass
class Line:
    """A job in the tray."""

    job: AsyncJob
    title: str
    state: str
    url: str
    steps: list[JobStep]
    progress: working.Progress | None
    error: str
    again: str  # where to try again, or ""
    may_cancel: bool = False


@require_GET
@signed_in
def tray(request: HttpRequest) -> HttpResponse:
    return htmx.render(
        request, "frontend/tasks.html", {"lines": lines(request.reader)},
        fragment="frontend/parts/tasks.html",
    )  # fmt: skip


def open_count(reader: Reader) -> int:
    return _mine(reader).filter(status=JobStatus.PENDING).count()


def _mine(reader: Reader) -> Any:
    """Jobs that this account asked for; an administrator's tray is not everybody's."""
    jobs = AsyncJob.objects.all().visible_to(reader.caller)
    return jobs.filter(account=reader.caller.account)


def lines(reader: Reader) -> list[Line]:
    since = timezone.now() - timedelta(days=1)
    mine = _mine(reader)
    running = list(mine.filter(status=JobStatus.PENDING).order_by("-created")[:MOST])
    ended = list(
        mine.exclude(status=JobStatus.PENDING)
        .filter(created__gte=since)
        .order_by("-created")[:MOST]
    )
    jobs = running + ended
    steps = working.steps_of(jobs)
    may_cancel = reader.may("cancelAsyncJob")
    return [_line(job, steps.get(job.pk, []), may_cancel) for job in jobs]


def _line(job: AsyncJob, steps: list[JobStep], may_cancel: bool) -> Line:
    pending = job.status == JobStatus.PENDING
    return Line(
        job=job,
        title=tabs.command_title(job.command),
        state=JOB_STATES.get(job.status, "Working"),
        url=f"/jobs/{job.uuid}",
        steps=steps,
        progress=working.progress(job, steps) if pending else None,
        error=texts.say(job.error_text),
        may_cancel=may_cancel and pending and PLANS[job.plan].cancellable,
        again=_again(job) if job.status == JobStatus.FAILED else "",
    )


def _again(job: AsyncJob) -> str:
    """The same action's form on the same thing, where it has a page."""
    for section in SECTIONS.values():
        if section.kind != (job.instance_type or "").lower():
            continue
        for action in section.actions:
            if action.command == job.command and action.param == "id" and not action.url:
                return (
                    f"/do/{job.command}?from={section.key}&of={job.instance_uuid}&as={action.key}"
                )
    return ""
