"""How busy places are: what their hosts have, use and have given away, summed by the database.

Each function answers for a whole page of rows in one query.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, F, Max, Min, Q, Sum

from core import briefly
from infra.models import Host

#: (keys of hosts) → running and all machines of each host that has any
Guests = Callable[[Sequence[int]], Mapping[int, tuple[int, int]]]
_guests: list[Guests] = []


def count_guests_with(function: Guests) -> Guests:
    """Machines live above infra: they say themselves how many there are."""
    _guests.append(function)
    return function


def guests(keys: Sequence[int]) -> dict[int, tuple[int, int]]:
    found: dict[int, tuple[int, int]] = {}
    for function in _guests:
        found |= function(keys)
    return found


@dataclass(frozen=True)
class Load:
    """Of all hosts of a place. ``*_limit`` is the total times the overcommit factors."""

    hosts: int = 0
    hosts_up: int = 0
    cpu_mhz: int = 0
    cpu_used_mhz: float = 0
    cpu_given_mhz: int = 0
    cpu_limit_mhz: int = 0
    memory_mb: int = 0
    memory_used_mb: int = 0
    memory_given_mb: int = 0
    memory_limit_mb: int = 0
    cpu_deviation: float = 0  # of the busiest, or idlest, host from the mean; percent
    memory_deviation: float = 0

    @property
    def cpu_used(self) -> float:
        return share(self.cpu_used_mhz, self.cpu_mhz)

    @property
    def cpu_given(self) -> float:
        return share(self.cpu_given_mhz, self.cpu_limit_mhz)

    @property
    def memory_used(self) -> float:
        return share(self.memory_used_mb, self.memory_mb)

    @property
    def memory_given(self) -> float:
        return share(self.memory_given_mb, self.memory_limit_mb)


def share(part: float, whole: float) -> float:
    return 100.0 * part / whole if whole else 0.0


def of_places(level: str, keys: Sequence[int]) -> dict[int, Load]:
    """``level`` is zone, pod or cluster. Places without hosts are not in it; those with very many
    may be as they were seconds ago."""
    return briefly.kept(("loads", level, *keys), lambda: _of_places(level, keys))


def _of_places(level: str, keys: Sequence[int]) -> tuple[int, dict[int, Load]]:
    mhz = F("cpus") * F("cpu_speed_mhz")
    memory = 100.0 * F("sample__memory_used_mb") / F("memory_mb")
    rows = (
        Host.objects.filter(**{f"{level}__in": list(keys)}, memory_mb__gt=0)
        .values_list(level)
        .order_by(level)
        .annotate(
            hosts=Count("pk"),
            up=Count("pk", filter=Q(status="Up")),
            mhz=Sum(mhz),
            mhz_used=Sum(mhz * F("sample__cpu_used_percent") / 100.0),
            mhz_given=Sum("capacity__cpu_used_mhz"),
            mhz_limit=Sum("capacity__cpu_limit_mhz"),
            mb=Sum("memory_mb"),
            mb_used=Sum("sample__memory_used_mb"),
            mb_given=Sum("capacity__memory_used_mb"),
            mb_limit=Sum("capacity__memory_limit_mb"),
            **_spread("cpu", "sample__cpu_used_percent"),
            **_spread("memory", memory),
        )
    )
    found = {row[0]: _load([value or 0 for value in row[1:]]) for row in rows}
    return sum(load.hosts for load in found.values()), found


def _spread(name: str, of: Any) -> dict[str, Any]:
    return {f"{name}_mean": Avg(of), f"{name}_most": Max(of), f"{name}_least": Min(of)}


def _load(row: list[Any]) -> Load:
    *sums, mean, most, least, memory_mean, memory_most, memory_least = row
    return Load(
        *(float(v) if at == 3 else int(v) for at, v in enumerate(sums)),
        cpu_deviation=max(most - mean, mean - least),
        memory_deviation=max(memory_most - memory_mean, memory_mean - memory_least),
    )
