"""Many jobs begun by one: what a step starts for each of many things, and waits for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db import transaction

from core.errors import CloudError
from core.steps import Plan, Run
from jobs.models import AsyncJob, JobStatus

_AT_ONCE = 20


def for_each(
    run: Run,
    rows: Iterable[Any],
    begin: Callable[[Any], Plan],
    *,
    command: str,
    event_type: str = "",
) -> int:
    """Have ``begin``'s plan run for each row; returns how many rows are not done yet.

    A step calls it again and again, with the rows that are still there, until it answers 0.
    A row on which anybody's job is at work is waited for; at most 20 are begun at once.
    Raises CloudError when a job that was begun here failed, naming the row.
    """
    left = list(rows)
    uuids = [row.uuid for row in left]
    busy = _uuids(uuids, status=JobStatus.PENDING)
    failed = _failures(run, uuids)
    free = _AT_ONCE - len(busy)
    for row in left:
        if row.uuid in busy:
            continue
        if row.uuid in failed:
            raise CloudError(f"{row._meta.verbose_name} {row}: {failed[row.uuid]}".capitalize())
        if free > 0:
            with transaction.atomic():
                run.start(begin(row), command=command, event_type=event_type)
            free -= 1
    return len(left)


def _uuids(uuids: list[Any], **which: Any) -> set[Any]:
    found = AsyncJob.objects.filter(instance_uuid__in=uuids, **which)
    return set(found.values_list("instance_uuid", flat=True))


def _failures(run: Run, uuids: list[Any]) -> dict[Any, str]:
    """What went wrong, by row, in jobs that this very job began."""
    found = AsyncJob.objects.filter(
        instance_uuid__in=uuids, correlation_id=run.correlation_id
    ).exclude(status__in=(JobStatus.PENDING, JobStatus.DONE))
    texts = dict(found.order_by("pk").values_list("instance_uuid", "error_text"))
    return {uuid: text or "was cancelled" for uuid, text in texts.items()}
