"""How capacity came to be used: a point an hour, thinned as it ages, and a line through the
last of them that says when a place will be full."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.utils import timezone

from agent.protocol import HostStats
from core.units import MIB
from infra.models import CapacityPoint, Host, HostCapacity, HostTrend
from infra.services import capacities
from infra.services.reports import on_host_stats
from jobs.schedules import every

_LEVELS = ("zone", "pod", "cluster")
_HOUR = timedelta(hours=1)
#: Older than this: only points at these hours stay.
_THINNING = (
    (timedelta(days=3), (0, 6, 12, 18)),
    (timedelta(days=30), (0,)),
)
_FORGOTTEN_AFTER = timedelta(days=400)
_LOOK_BACK = timedelta(days=14)  # what a forecast goes by
_LEAST_POINTS, _LEAST_SPAN_DAYS = 4, 0.125
_TOO_FAR_DAYS = 3650

_HOST_EVERY_S = 600
_HOST_POINTS = 144  # a day of ten minutes
_GIVEN_EVERY_S = 6 * 3600
_GIVEN_POINTS = 57  # two weeks of six hours, both ends
_HOSTS_AT_ONCE = 500
#: capacity type → what there is and what is given away, in the order of HostTrend.given
_KINDS = {
    capacities.CPU: ("cpu_limit_mhz", "cpu_used_mhz"),
    capacities.MEMORY: ("memory_limit_mb", "memory_used_mb"),
    capacities.CPU_CORE: ("cores_total", "cores_used"),
}


@dataclass(frozen=True)
class Reading:
    """How full one place is of one kind of capacity now. ``scope`` as in CapacityPoint."""

    scope: str
    holder: int
    type: int
    total: int
    used: int


#: () → readings of what lives above infra (pools)
Reader = Callable[[], Iterable[Reading]]
_readers: list[Reader] = []


def read_also(reader: Reader) -> Reader:
    _readers.append(reader)
    return reader


@every(900, "infra.capacity_history")
def note() -> int:
    """Writes this hour's points, or corrects them; returns how many."""
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    readings = [r for level in _LEVELS for r in _places(level)]
    readings += [r for reader in _readers for r in reader()]
    named = connection.features.supports_update_conflicts_with_target
    CapacityPoint.objects.bulk_create(
        [
            CapacityPoint(
                scope=r.scope, holder=r.holder, type=r.type, at=now, total=r.total, used=r.used
            )
            for r in readings
        ],
        batch_size=500,
        update_conflicts=True,
        unique_fields=["scope", "holder", "type", "at"] if named else None,
        update_fields=["total", "used"],
    )
    return len(readings)


def _places(level: str) -> Iterable[Reading]:
    for amount in capacities.amounts(level):
        holder = getattr(amount, f"{level}_id")
        if holder is not None and amount.total:
            yield Reading(level, holder, amount.type, amount.total, amount.used)


@every(86400, "infra.thin_capacity_history")
def thin() -> int:
    now = timezone.now()
    gone = CapacityPoint.objects.filter(at__lt=now - _FORGOTTEN_AFTER).delete()[0]
    for age, hours in _THINNING:
        old = CapacityPoint.objects.filter(at__lt=now - age).exclude(at__hour__in=hours)
        gone += old.delete()[0]
    return gone


# -- reading ---------------------------------------------------------------------------

Series = dict[tuple[int, int], list[CapacityPoint]]


def series(
    scope: str,
    holders: Sequence[int],
    *,
    kind: int | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Series:
    """Points by holder and type, oldest first."""
    rows = CapacityPoint.objects.filter(scope=scope, holder__in=list(holders))
    if kind is not None:
        rows = rows.filter(type=kind)
    if start is not None:
        rows = rows.filter(at__gte=start)
    if end is not None:
        rows = rows.filter(at__lte=end)
    found: Series = {}
    for point in rows.order_by("at"):
        found.setdefault((point.holder, point.type), []).append(point)
    return found


def full_in_days(points: Sequence[CapacityPoint]) -> float | None:
    """When a straight line through the last two weeks reaches the total: days from the last
    point. None: not within ten years, or too little is known; 0: it is full."""
    if not points:
        return None
    last = points[-1]
    if last.used >= last.total:
        return 0.0
    since = last.at - _LOOK_BACK
    days = [(p.at - last.at) / timedelta(days=1) for p in points if p.at >= since]
    used = [float(p.used) for p in points if p.at >= since]
    if len(days) < _LEAST_POINTS or -days[0] < _LEAST_SPAN_DAYS:
        return None
    slope = _slope(days, used)
    if slope <= 0:
        return None
    left = (last.total - last.used) / slope
    return round(left, 1) if left < _TOO_FAR_DAYS else None


def _slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Of the least-squares line."""
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - mean_x) ** 2 for x in xs)
    both = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    return both / spread if spread else 0.0


# -- hosts -----------------------------------------------------------------------------

_noted: dict[int, float] = {}


@on_host_stats
def keep_host(host: Host, stats: HostStats, taken_at: datetime) -> None:
    """Every ten minutes a point of the host's last day."""
    now = time.monotonic()
    if now - _noted.get(host.pk, -_HOST_EVERY_S) < _HOST_EVERY_S * 0.95:
        return
    _noted[host.pk] = now
    points = HostTrend.objects.filter(host=host).values_list("points", flat=True).first() or []
    point = [
        int(taken_at.timestamp()),
        round(stats.cpu_used_percent, 1),
        stats.memory_used_mb,
        round(stats.load_1m, 2),
    ]
    fresh = {"at": taken_at, "points": [*points, point][-_HOST_POINTS:]}
    # The monitor is the only one that writes these columns: no lock is needed.
    if not HostTrend.objects.filter(host=host).update(**fresh):
        HostTrend.objects.bulk_create([HostTrend(host=host, **fresh)], ignore_conflicts=True)


@every(_GIVEN_EVERY_S, "infra.host_capacity_history")
def note_hosts() -> int:
    """Notes what each host has given away; returns how many hosts."""
    at, noted = int(timezone.now().timestamp()), 0
    rows = HostCapacity.objects.filter(host__removed=None)
    while bite := list(rows.order_by("host_id")[noted : noted + _HOSTS_AT_ONCE]):
        _note_given(at, {row.host_id: row for row in bite})
        noted += len(bite)
    return noted


def _note_given(at: int, capacity: dict[int, HostCapacity]) -> None:
    HostTrend.objects.bulk_create(
        [HostTrend(host_id=key) for key in capacity], ignore_conflicts=True
    )
    trends = list(HostTrend.objects.filter(host__in=capacity).only("host_id", "given"))
    for trend in trends:
        row = capacity[trend.host_id]
        point = [at, *(amount for total, used in _KINDS.values() for amount in (
            getattr(row, total), getattr(row, used)
        ))]  # fmt: skip
        trend.given = [*trend.given, point][-_GIVEN_POINTS:]
    HostTrend.objects.bulk_update(trends, ["given"])


def of_host(
    host: Host,
    *,
    kind: int | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Series:
    """As ``series`` is: what the host had and gave away."""
    given = HostTrend.objects.filter(host=host).values_list("given", flat=True).first() or []
    found: Series = {}
    for at, *amounts in given:
        moment = datetime.fromtimestamp(at, UTC)
        if (start and moment < start) or (end and moment > end):
            continue
        for place, type_ in enumerate(_KINDS):
            if kind in (None, type_):
                unit = MIB if type_ == capacities.MEMORY else 1
                total, used = (n * unit for n in amounts[2 * place : 2 * place + 2])
                point = CapacityPoint(
                    scope="host", holder=host.pk, type=type_, at=moment, total=total, used=used
                )
                found.setdefault((host.pk, type_), []).append(point)
    return found
