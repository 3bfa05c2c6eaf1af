"""What runs again and again. The due times are rows, so that of many workers one runs it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from jobs import clock
from jobs.models import Schedule, Worker

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recurring:
    name: str
    function: Callable[[], object]
    interval_s: Callable[[], int]


RECURRING: dict[str, Recurring] = {}


def every(
    interval_s: int | Callable[[], int], name: str = ""
) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Registers a function to run each ``interval_s`` seconds (a callable reads a setting;
    0 means not now, asked again in a minute)."""

    def register(function: Callable[[], object]) -> Callable[[], object]:
        key = name or f"{function.__module__}.{function.__qualname__}"
        seconds = interval_s if callable(interval_s) else lambda: interval_s
        RECURRING[key] = Recurring(key, function, seconds)
        return function

    return register


def claim_due(worker: Worker | None = None) -> list[Recurring]:
    """What is due now and nobody else runs; each is the caller's to run."""
    rows = _rows()
    now = clock.now()
    claimed = []
    for row in rows:
        seconds = RECURRING[row.name].interval_s()
        if seconds != row.interval_s:
            _move(row, seconds)
        if row.due > now or row.worker_id is not None:
            continue
        mine = Schedule.objects.filter(pk=row.pk, due=row.due, worker=None).update(
            due=now + timedelta(seconds=seconds or 60),
            interval_s=seconds,
            last_run=now if seconds else row.last_run,
            worker=worker if seconds else None,
        )
        if mine and seconds:
            claimed.append(RECURRING[row.name])
    return claimed


def _move(row: Schedule, seconds: int) -> None:
    """A changed interval counts at once, from the last run on; not only after the old one."""
    due = row.due
    if seconds and row.last_run is not None:
        due = row.last_run + timedelta(seconds=seconds)
    unmoved = Schedule.objects.filter(pk=row.pk, due=row.due, interval_s=row.interval_s)
    if unmoved.update(due=due, interval_s=seconds):
        row.due, row.interval_s = due, seconds


def run_due() -> int:
    """Run whatever is due, in this thread; returns how many ran."""
    claimed = claim_due()
    for recurring in claimed:
        run(recurring)
    return len(claimed)


def run(recurring: Recurring) -> None:
    """Run one that was claimed. A failure is logged and kept on its row."""
    began = time.monotonic()
    error = ""
    try:
        recurring.function()
    except Exception as failure:
        log.exception("schedule %s failed", recurring.name)
        error = f"{type(failure).__name__}: {failure}"
    Schedule.objects.filter(name=recurring.name).update(
        last_error=error, last_duration_ms=int((time.monotonic() - began) * 1000), worker=None
    )


def let_go(worker: Worker, besides: set[str]) -> None:
    """Free what this worker claimed and is not running any more."""
    Schedule.objects.filter(worker=worker).exclude(name__in=besides).update(worker=None)


def _rows() -> list[Schedule]:
    found = list(Schedule.objects.filter(name__in=list(RECURRING)))
    missing = set(RECURRING) - {row.name for row in found}
    if not missing:
        return found
    Schedule.objects.bulk_create(
        [Schedule(name=n, interval_s=RECURRING[n].interval_s()) for n in sorted(missing)],
        ignore_conflicts=True,
    )
    return list(Schedule.objects.filter(name__in=list(RECURRING)))
