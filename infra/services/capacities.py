"""What there is and what is given away, summed per zone, pod or cluster in one query each.

Storage and addresses add their own rows through ``register_provider``: infra knows only
hosts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Sum

from core.units import MIB
from infra.models import Cluster, HostCapacity, Pod, Zone

MEMORY, CPU, STORAGE, STORAGE_ALLOCATED = 0, 1, 2, 3
PUBLIC_IP, PRIVATE_IP, SECONDARY_STORAGE, VLAN = 4, 5, 6, 7
DIRECT_PUBLIC_IP, LOCAL_STORAGE = 8, 9
CPU_CORE = 90

#: CloudStack's capacity types by number.
NAMES = {
    0: "MEMORY",
    1: "CPU",
    2: "STORAGE",
    3: "STORAGE_ALLOCATED",
    4: "VIRTUAL_NETWORK_PUBLIC_IP",
    5: "PRIVATE_IP",
    6: "SECONDARY_STORAGE",
    7: "VLAN",
    8: "DIRECT_ATTACHED_PUBLIC_IP",
    9: "LOCAL_STORAGE",
    10: "VIRTUAL_NETWORK_IPV6_SUBNET",
    19: "GPU",
    90: "CPU_CORE",
}
_LEVELS = {"zone": ("zone",), "pod": ("zone", "pod"), "cluster": ("zone", "pod", "cluster")}


@dataclass(frozen=True)
class Amount:
    """One kind of capacity in one place. Bytes, MHz or pieces, by its type."""

    type: int
    zone_id: int
    pod_id: int | None = None
    cluster_id: int | None = None
    total: int = 0
    used: int = 0
    allocated: int = 0

    @property
    def percent(self) -> float:
        return 100.0 * self.used / self.total if self.total else 0.0

    @property
    def place(self) -> tuple[int, int | None, int | None]:
        return self.zone_id, self.pod_id, self.cluster_id


#: (level, ORM conditions on zone/pod/cluster keys) → amounts at that level. ``level`` is
#: zone, pod or cluster; conditions look like {"zone__in": [1, 2]} or {"cluster": 7}.
Provider = Callable[[str, dict[str, Any]], Iterable[Amount]]
_providers: list[Provider] = []


def register_provider(provider: Provider) -> Provider:
    _providers.append(provider)
    return provider


def grouping(level: str, prefix: str = "") -> list[str]:
    """Columns to group by at a level: ``grouping("pod", "host__")``."""
    return [f"{prefix}{name}_id" for name in _LEVELS[level]]


def amounts(level: str, where: dict[str, Any] | None = None) -> list[Amount]:
    """Everything at ``level`` within ``where``, types in order within a place."""
    where = where or {}
    found = [*_of_hosts(level, where)]
    for provider in _providers:
        found += provider(level, where)
    return sorted(found, key=lambda a: (tuple(k or 0 for k in a.place), a.type))


def _of_hosts(level: str, where: dict[str, Any]) -> Iterable[Amount]:
    """CPU, memory and cores of the hosts that may be used."""
    columns = grouping(level, "host__")
    rows = (
        HostCapacity.objects.filter(host__removed=None, host__resource_state="Enabled")
        .filter(**{f"host__{path}": value for path, value in where.items()})
        .values_list(*columns)
        .order_by(*columns)
        .annotate(
            Sum("cpu_limit_mhz"),
            Sum("cpu_used_mhz"),
            Sum("memory_limit_mb"),
            Sum("memory_used_mb"),
            Sum("cores_total"),
            Sum("cores_used"),
        )
    )
    for row in rows:
        *sums, cores, cores_used = row[len(columns) :]
        mhz, mhz_used, mb, mb_used = (int(v) for v in sums)
        place = dict(zip(("zone_id", "pod_id", "cluster_id"), row[: len(columns)], strict=False))
        yield _amount(MEMORY, mb * MIB, mb_used * MIB, place)
        yield _amount(CPU, mhz, mhz_used, place)
        yield _amount(CPU_CORE, int(cores), int(cores_used), place)


def _amount(kind: int, total: int, used: int, place: dict[str, Any]) -> Amount:
    return Amount(kind, total=total, used=used, allocated=used, **place)


def records(found: Sequence[Amount]) -> list[dict[str, Any]]:
    """Amounts as CloudStack's capacity objects, with the names of their places."""
    zones = Zone.everything.in_bulk({a.zone_id for a in found})
    pods = Pod.everything.in_bulk({a.pod_id for a in found if a.pod_id})
    clusters = Cluster.everything.in_bulk({a.cluster_id for a in found if a.cluster_id})
    out = []
    for amount in found:
        record: dict[str, Any] = {
            "type": amount.type,
            "name": NAMES.get(amount.type, str(amount.type)),
            "capacitytotal": amount.total,
            "capacityused": amount.used,
            "capacityallocated": amount.allocated,
            "percentused": f"{amount.percent:.2f}",
        }
        for word, rows, key in (
            ("zone", zones, amount.zone_id),
            ("pod", pods, amount.pod_id),
            ("cluster", clusters, amount.cluster_id),
        ):
            if key in rows:
                record[f"{word}id"], record[f"{word}name"] = rows[key].uuid, rows[key].name
        out.append(record)
    return out


def beside(level: str) -> Callable[[Sequence[int], Any], dict[int, list[dict[str, Any]]]]:
    """A response's bulk field: the capacities of each place of a page."""

    def bulk(keys: Sequence[int], caller: Any) -> dict[int, list[dict[str, Any]]]:
        found = amounts(level, {f"{level}__in": list(keys)})
        out: dict[int, list[dict[str, Any]]] = {}
        for amount, record in zip(found, records(found), strict=True):
            out.setdefault(getattr(amount, f"{level}_id"), []).append(record)
        return out

    return bulk


def total(found: Iterable[Amount]) -> list[Amount]:
    """One amount per type over all places (the dashboard's)."""
    sums: dict[int, Amount] = {}
    for a in found:
        before = sums.get(a.type, Amount(a.type, a.zone_id))
        sums[a.type] = replace(
            before,
            total=before.total + a.total,
            used=before.used + a.used,
            allocated=before.allocated + a.allocated,
        )
    return [sums[kind] for kind in sorted(sums)]
