"""What runs again and again. The due times are rows, so that of many workers one runs it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from jobs.models import Schedule

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
    """Registers a function to run each ``interval_s`` seconds (a callable reads a setting)."""

    def register(function: Callable[[], object]) -> Callable[[], object]:
        key = name or f"{function.__module__}.{function.__qualname__}"
        seconds = interval_s if callable(interval_s) else lambda: interval_s
        RECURRING[key] = Recurring(key, function, seconds)
        return function

    return register


def run_due() -> int:
    """Run whatever is due now; returns how many ran. A failure is kept on its row."""
    missing = set(RECURRING) - set(Schedule.objects.values_list("name", flat=True))
    Schedule.objects.bulk_create(
        [Schedule(name=n, interval_s=RECURRING[n].interval_s()) for n in sorted(missing)],
        ignore_conflicts=True,
    )
    now = timezone.now()
    ran = 0
    for row in Schedule.objects.filter(due__lte=now, name__in=RECURRING):
        recurring = RECURRING[row.name]
        seconds = recurring.interval_s()
        claimed = Schedule.objects.filter(pk=row.pk, due=row.due).update(
            due=now + timedelta(seconds=seconds), interval_s=seconds, last_run=now
        )
        if claimed:
            _run(recurring)
            ran += 1
    return ran


def _run(recurring: Recurring) -> None:
    began = time.monotonic()
    error = ""
    try:
        recurring.function()
    except Exception as failure:
        log.exception("schedule %s failed", recurring.name)
        error = f"{type(failure).__name__}: {failure}"
    Schedule.objects.filter(name=recurring.name).update(
        last_error=error, last_duration_ms=int((time.monotonic() - began) * 1000)
    )
