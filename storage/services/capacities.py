"""Storage among the capacities that are listed, watched and alerted on (``infra``)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Q, Sum

from core.config import Scope
from infra.models import ConfigurationValue, Zone
from infra.services import capacities, summary
from infra.services.capacities import Amount
from storage import states
from storage.models import ImageStore, StoragePool
from storage.services.space import FACTOR, limit_bytes

SECONDARY_STORAGE, LOCAL_STORAGE = 6, 9
_PLACE = ("zone_id", "pod_id", "cluster_id")
_COUNTED = (states.Pools.UP, states.Pools.DISABLED)


@capacities.register_provider
def storage(level: str, where: dict[str, Any]) -> Iterable[Amount]:
    """What pools really hold, what is promised on shared and on local ones; for zones also
    what their secondary stores hold."""
    found: dict[tuple, list[int]] = {}  # (type, *place) → [used, total]
    for place, is_local, measures in _pools(capacities.grouping(level), where):
        capacity, used, promised, limit = measures
        kind = LOCAL_STORAGE if is_local else capacities.STORAGE_ALLOCATED
        for key, more in (((capacities.STORAGE, *place), (used, capacity)),
                          ((kind, *place), (promised, limit))):  # fmt: skip
            sums = found.setdefault(key, [0, 0])
            sums[0] += more[0]
            sums[1] += more[1]
    for (kind, *place), (used, total) in found.items():
        yield _amount(kind, place, total, used)
    if level == "zone":
        yield from _secondary(where)


Measured = tuple[list[int | None], bool, tuple[int, int, int, int]]


def _pools(columns: list[str], where: dict[str, Any]) -> Iterable[Measured]:
    """Places with capacity, use, promises and what may be promised: summed by the database for
    pools that go by their zone's factor, one by one for the few that have their own."""
    pools = StoragePool.objects.filter(state__in=_COUNTED, **where)
    own = _with_own_factor()
    is_local = ExpressionWrapper(Q(host__isnull=False), output_field=BooleanField())
    sums = (
        pools.exclude(pk__in=own)
        .annotate(is_local=is_local)
        .values_list(*columns, "is_local")
        .order_by(*columns)
        .annotate(Sum("capacity_bytes"), Sum("used_bytes"), Sum("allocated_bytes"))
    )
    for *place, local, capacity, used, promised in sums:
        limit = int(capacity * FACTOR.get(Zone(pk=place[0])))
        yield place, bool(local), (int(capacity), int(used), int(promised), limit)
    for pool in pools.filter(pk__in=own) if own else ():
        place = [getattr(pool, column) for column in columns]
        measures = (pool.capacity_bytes, pool.used_bytes, pool.allocated_bytes, limit_bytes(pool))
        yield place, pool.is_local, measures


def _with_own_factor() -> list[int]:
    rows = ConfigurationValue.objects.filter(name=FACTOR.name, scope=Scope.STORAGE_POOL)
    return list(rows.values_list("holder", flat=True))


def _secondary(where: dict[str, Any]) -> Iterable[Amount]:
    stores = ImageStore.objects.filter(state=states.Stores.READY, zone__isnull=False, **where)
    sums = stores.values_list("zone_id").order_by("zone_id")
    for zone_id, total, used in sums.annotate(Sum("capacity_bytes"), Sum("used_bytes")):
        yield _amount(SECONDARY_STORAGE, (zone_id,), int(total), int(used))


def _amount(kind: int, place: Iterable[int | None], total: int, used: int) -> Amount:
    where = dict(zip(_PLACE, place, strict=False))
    return Amount(kind, total=total, used=used, allocated=used, **where)


summary.register_counter("storagepools", lambda: StoragePool.objects.count())
summary.register_counter("imagestores", lambda: ImageStore.objects.count())
