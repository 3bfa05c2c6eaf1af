"""Many jobs begun by one: what a step starts for each of many things, and waits for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from core.errors import CloudError
from core.steps import Plan, Run
from jobs.models import AsyncJob, JobStatus

#: A quarter of a worker's threads: whoever asks for something meanwhile finds one free, and
#: the processors are busy with as few anyway.
_AT_ONCE = 4


def for_each(
    run: Run,
    rows: QuerySet,
    begin: Callable[[Any], Plan],
    *,
    command: str,
    event_type: str = "",
) -> int:
    """Have ``begin``'s plan run for each row; returns how many rows are not done yet.

    A step calls it again and again, with the rows that are still there, until it answers 0.
    A row on which anybody's job is at work is waited for; few are begun at once. One that
    cannot be done does not keep the others: when nothing but such rows is left, CloudError
    names the first.
    """
    left = rows.count()
    if not left:
        return 0
    begun = AsyncJob.objects.filter(correlation_id=run.correlation_id).exclude(uuid=run.job_uuid)
    at_work = begun.filter(status=JobStatus.PENDING).count()
    failed = begun.exclude(status__in=(JobStatus.PENDING, JobStatus.DONE))
    refused: list[CloudError] = []
    free = _AT_ONCE - at_work
    if free > 0:
        busy = AsyncJob.objects.filter(status=JobStatus.PENDING, instance_uuid__isnull=False)
        idle = rows.exclude(uuid__in=busy.values("instance_uuid"))
        idle = idle.exclude(uuid__in=failed.filter(instance_uuid__isnull=False).values(
            "instance_uuid"
        ))  # fmt: skip
        at_work += _begin(run, idle, begin, free, refused, command, event_type)
    if not at_work and not _others_at_work(rows):
        raise _stuck(rows, failed, refused)
    return left


def _begin(
    run: Run,
    idle: QuerySet,
    begin: Callable[[Any], Plan],
    free: int,
    refused: list[CloudError],
    command: str,
    event_type: str,
) -> int:
    started = 0
    after = 0
    while started < free:
        page = list(idle.filter(pk__gt=after).order_by("pk")[: free - started])
        if not page:
            break
        after = page[-1].pk
        for row in page:
            try:
                with transaction.atomic():
                    run.start(begin(row), command=command, event_type=event_type)
            except CloudError as error:
                refused.append(error)
            else:
                started += 1
    return started


def _others_at_work(rows: QuerySet) -> bool:
    pending = AsyncJob.objects.filter(status=JobStatus.PENDING)
    return pending.filter(instance_uuid__in=rows.values("uuid")).exists()


def _stuck(rows: QuerySet, failed: QuerySet, refused: list[CloudError]) -> CloudError:
    """Why the rows that are left do not go."""
    texts = dict(failed.order_by("pk").values_list("instance_uuid", "error_text"))
    row = rows.filter(uuid__in=[uuid for uuid in texts if uuid]).order_by("pk").first()
    if row is not None:
        return _sentence(row, f": {texts[row.uuid] or 'was cancelled'}")
    return refused[0] if refused else _sentence(rows.first(), " does not go away.")


def _sentence(row: Any, why: str) -> CloudError:
    kind = str(row._meta.verbose_name)
    return CloudError(f"{kind[:1].upper()}{kind[1:]} {row}{why}")
