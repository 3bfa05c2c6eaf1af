"""Who may work on what. A lease row is never deleted: its number must only grow."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F, Q

from jobs.models import AsyncJob, JobStatus, Lease


def take(job: AsyncJob) -> dict[str, int] | AsyncJob:
    """All of the job's resources, or none.

    Returns the fencing numbers by resource, or the job that holds one of them. Taking anew
    (a resumed job) gives higher numbers, which shuts out the worker that had it before.
    """
    wanted = list(job.resources)  # sorted when submitted: everybody takes in one order
    missing = set(wanted) - set(
        Lease.objects.filter(resource__in=wanted).values_list("resource", flat=True)
    )
    Lease.objects.bulk_create([Lease(resource=r) for r in sorted(missing)], ignore_conflicts=True)
    free = Q(job=None) | Q(job=job) | ~Q(job__status=JobStatus.PENDING)
    with transaction.atomic():
        locked = Lease.objects.select_for_update().filter(resource__in=wanted)
        rows = list(locked.order_by("resource"))
        ours = Lease.objects.filter(pk__in=[r.pk for r in rows]).filter(free)
        if ours.count() < len(rows):
            holder = next(r for r in rows if r.job_id and r.job_id != job.pk)
            return AsyncJob.objects.get(pk=holder.job_id)
        Lease.objects.filter(pk__in=[r.pk for r in rows]).update(job=job, number=F("number") + 1)
    return {r.resource: r.number + 1 for r in rows}


def release(job: AsyncJob) -> None:
    Lease.objects.filter(job=job).update(job=None)
