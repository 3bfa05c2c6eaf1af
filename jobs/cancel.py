"""Ending a job before its time: undone step by step, or, when even that cannot go on, given
up by an administrator."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core import live, steps
from core.errors import NotAllowedInState, PermissionDenied
from jobs import clock, leases
from jobs.models import AsyncJob, JobStatus, Phase, Trouble
from jobs.troubles import close_troubles
from jobs.wake import wake_workers


def cancel(job: AsyncJob) -> None:
    """Ask for it: the job stops at its next step or report of progress, and unwinds."""
    kind = steps.PLANS.get(job.plan)
    if kind is not None and not kind.cancellable:
        raise NotAllowedInState(f"Job {job} cannot be cancelled: it would leave half a thing.")
    running = AsyncJob.objects.filter(pk=job.pk, status=JobStatus.PENDING)
    asked = running.exclude(phase=Phase.UNWINDING).update(cancel_asked=True)
    if not asked:
        job.refresh_from_db()
        now = "has ended" if job.status != JobStatus.PENDING else "is being undone already"
        raise NotAllowedInState(f"Job {job} {now}.")
    # One that sleeps need not sleep out; one that waits for another's lease still must.
    running.filter(worker=None, waits_for=None).update(due=clock.now())
    live.changed(job)
    transaction.on_commit(wake_workers)


@transaction.atomic
def give_up(job: AsyncJob) -> None:
    """End a job that can go neither forward nor back; what it did stays as it is.

    Raises PermissionDenied unless it is known under *Needs attention*: a job that works is
    cancelled, not abandoned.
    """
    if not Trouble.objects.filter(resource_uuid=job.uuid, closed=None).exists():
        raise PermissionDenied(
            f"Job {job} is not among the jobs that need attention; cancel it without forced."
        )
    ended = AsyncJob.objects.filter(pk=job.pk, status=JobStatus.PENDING).update(
        status=JobStatus.FAILED,
        phase=Phase.ENDED,
        completed=timezone.now(),
        worker=None,
        claim=F("claim") + 1,
        sealed={},
        note="",
        error_code=job.error_code or 530,
        error_text=job.error_text
        or "Given up by an administrator; what it had done was not undone.",
    )
    if not ended:
        raise NotAllowedInState(f"Job {job} has ended.")
    job.refresh_from_db()
    leases.release(job)
    close_troubles(job)
    live.changed(job)
