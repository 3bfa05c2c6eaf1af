"""Pools among the places whose capacity is written down hour by hour."""

from __future__ import annotations

from collections.abc import Iterable

from infra.services import capacities, trends
from infra.services.trends import Reading
from storage.models import StoragePool
from storage.services.space import limit_bytes


@trends.read_also
def pools() -> Iterable[Reading]:
    for pool in StoragePool.objects.filter(capacity_bytes__gt=0).select_related("zone"):
        yield Reading(
            "pool", pool.pk, capacities.STORAGE, pool.capacity_bytes, pool.used_bytes
        )
        yield Reading(
            "pool", pool.pk, capacities.STORAGE_ALLOCATED, limit_bytes(pool), pool.allocated_bytes
        )
