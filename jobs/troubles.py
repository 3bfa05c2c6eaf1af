"""*Needs attention*: opened with evidence, closed when the evidence is gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone

from core import live
from core.errors import InvalidParameter, NotAllowedInState
from jobs import clock
from jobs.models import AsyncJob, JobStatus, Trouble
from jobs.wake import wake_workers

#: name → what a repair button does; takes the trouble's row.
REPAIRS: dict[str, Callable[[Trouble], Any]] = {}


def repair(name: str) -> Callable[[Callable[[Trouble], Any]], Callable[[Trouble], Any]]:
    def register(function: Callable[[Trouble], Any]) -> Callable[[Trouble], Any]:
        REPAIRS[name] = function
        return function

    return register


def open_trouble(
    kind: str, row: Any, sentence: str, *, evidence: dict[str, Any], repair: str = ""
) -> Trouble:
    """One row per kind and thing, however often it is seen."""
    now = timezone.now()
    gone = Trouble.objects.filter(kind=kind, resource_uuid=row.uuid).exclude(closed=None)
    gone.update(first_seen=now)
    trouble, _ = Trouble.objects.update_or_create(
        kind=kind,
        resource_uuid=row.uuid,
        defaults={
            "resource_type": type(row).__name__,
            "resource_name": str(row)[:255],
            "sentence": sentence,
            "evidence": evidence,
            "repair": repair,
            "last_seen": now,
            "closed": None,
        },
    )
    live.changed(trouble)
    return trouble


def close_troubles(row: Any, kind: str = "") -> None:
    found = Trouble.objects.filter(resource_uuid=row.uuid, closed=None)
    (found.filter(kind=kind) if kind else found).update(closed=timezone.now())


def begin_repair(trouble: Trouble) -> None:
    """The trouble is closed by whoever sees that its cause is gone, not by the button."""
    if trouble.closed is not None:
        raise NotAllowedInState(f"{trouble.resource_name} needs no repair any more.")
    function = REPAIRS.get(trouble.repair)
    if function is None:
        raise InvalidParameter(f"There is no repair for {trouble.kind}; see its evidence.")
    function(trouble)


@repair("jobs.retry_now")
def retry_now(trouble: Trouble) -> None:
    """Wake a job that sleeps between its attempts."""
    AsyncJob.objects.filter(
        uuid=trouble.resource_uuid, status=JobStatus.PENDING, worker=None
    ).update(due=clock.now(), waits_for=None)
    transaction.on_commit(wake_workers)
