"""Who may work on what: all of a job's resources or none, each with a fencing number."""

from __future__ import annotations

import time

from django.db import transaction

from jobs.models import AsyncJob, JobStatus, Lease


class Busy(Exception):
    """Another job holds one of the resources."""

    def __init__(self, holder: AsyncJob) -> None:
        super().__init__(f"Waits for {holder}.")
        self.holder = holder


def take(job: AsyncJob) -> dict[str, int]:
    """Fencing numbers by resource, for this run of the job. Raises Busy.

    Taking anew (a resumed job) gives higher numbers, which shuts out the worker that had it
    before. Numbers grow with the clock as well, so that hosts take them for new even after
    the database was restored from a copy. Must run in a transaction.
    """
    wanted = list(job.resources)  # sorted when submitted: everybody locks in one order
    rows = _locked(wanted)
    if len(rows) < len(wanted):
        if number := _take_new(job, wanted, rows):
            return dict.fromkeys(wanted, number)
        rows = _locked(wanted)
    number = _next_number(job, rows)
    Lease.objects.filter(pk__in=[row.pk for row in rows]).update(job=job, number=number)
    return dict.fromkeys(wanted, number)


def _take_new(job: AsyncJob, wanted: list[str], rows: list[Lease]) -> int:
    """Makes the leases that are not there yet and takes all; 0 when another job was at one of
    them meanwhile."""
    number = _next_number(job, rows)
    known = {row.resource for row in rows}
    made = [Lease(resource=r) for r in wanted if r not in known]
    Lease.objects.bulk_create(made, ignore_conflicts=True)
    free = Lease.objects.filter(resource__in=wanted, job=None, number__lt=number)
    return number if free.update(job=job, number=number) == len(wanted) else 0


def _next_number(job: AsyncJob, rows: list[Lease]) -> int:
    _refuse_if_busy(job, rows)
    return max([int(time.time() * 1000), *(row.number + 1 for row in rows)])


def release(job: AsyncJob) -> None:
    """Lets go, and wakes the jobs that waited for this one. Must run in a transaction."""
    Lease.objects.filter(job=job).update(job=None)
    waiting = AsyncJob.objects.filter(waits_for=job)
    waiting.update(waits_for=None, due=job.completed)


def _locked(wanted: list[str]) -> list[Lease]:
    rows = Lease.objects.select_for_update().filter(resource__in=wanted)
    return list(rows.order_by("resource"))


def _refuse_if_busy(job: AsyncJob, rows: list[Lease]) -> None:
    others = {row.job_id for row in rows} - {None, job.pk}
    if not others:
        return
    holder = AsyncJob.objects.filter(pk__in=others, status=JobStatus.PENDING).first()
    if holder is not None:
        raise Busy(holder)


def prune(unused_for_s: int) -> int:
    """Forget leases that nobody holds and nobody took for long; a new one begins higher."""
    with transaction.atomic():
        limit = int((time.time() - unused_for_s) * 1000)
        return Lease.objects.filter(job=None, number__lt=limit).delete()[0]
