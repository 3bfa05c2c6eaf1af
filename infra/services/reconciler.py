"""Compares what the database wants with what there is, context by context.

A context registers a comparer with ``@reconcile``. It mends what is safe by itself and yields
a Finding for the rest; each becomes a row of *Needs attention*, which is closed when a later
run no longer finds it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from core import live
from core.config import Setting
from jobs.models import Trouble
from jobs.schedules import every
from jobs.troubles import open_trouble

log = logging.getLogger(__name__)

INTERVAL = Setting(
    "reconciler.interval",
    30,
    "Seconds between two comparisons of what is wanted with what hosts report.",
    minimum=5,
    maximum=3600,
)


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be: about ``row``, in a sentence, with what was
    wanted and seen. ``repair`` names a repair of ``jobs.troubles`` a person may start."""

    kind: str
    row: Any
    sentence: str
    evidence: dict[str, Any] = field(default_factory=dict)
    repair: str = ""


Comparer = Callable[[], Iterable[Finding]]


@dataclass(frozen=True)
class _Registered:
    name: str
    kinds: tuple[str, ...]
    compare: Comparer


COMPARERS: dict[str, _Registered] = {}


def reconcile(name: str, *kinds: str) -> Callable[[Comparer], Comparer]:
    """Registers a comparer. ``kinds`` are all the kinds of finding it may yield: those of them
    that it does not yield again are closed."""

    def register(function: Comparer) -> Comparer:
        COMPARERS[name] = _Registered(name, kinds, function)
        return function

    return register


@every(INTERVAL.get, "infra.reconcile")
def run_all() -> int:
    """Run every comparer; returns how many troubles are open now."""
    return sum(run(registered) for registered in list(COMPARERS.values()))


def run(registered: _Registered) -> int:
    """One comparer. One that fails opens and closes nothing."""
    try:
        found = list(registered.compare())
    except Exception:
        log.exception("comparing %s failed", registered.name)
        return 0
    still: set[tuple[str, Any]] = set()
    for finding in found:
        open_trouble(
            finding.kind,
            finding.row,
            finding.sentence,
            evidence=finding.evidence,
            repair=finding.repair,
        )
        still.add((finding.kind, finding.row.uuid))
    gone = [
        trouble
        for trouble in Trouble.objects.filter(kind__in=registered.kinds, closed=None)
        if (trouble.kind, trouble.resource_uuid) not in still
    ]
    Trouble.objects.filter(pk__in=[t.pk for t in gone]).update(closed=timezone.now())
    for trouble in gone:
        live.changed(trouble)
    return len(found)
