"""Pools with how full they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.responses import Field, computed, several
from core.units import GIB
from infra.services import capacities
from infra.services.thresholds import THRESHOLDS
from storage.models import StoragePool
from storage.responses.pools import storagepool
from storage.services.space import ALLOCATED_THRESHOLD, USED_THRESHOLD, limit_bytes

_USED, _ALLOCATED = THRESHOLDS[capacities.STORAGE], THRESHOLDS[capacities.STORAGE_ALLOCATED]


def _gb(size_bytes: int) -> str:
    return f"{size_bytes / GIB:.2f} GB"


def _facts(keys: Sequence[int], caller: Any) -> Mapping[int, dict[str, Any]]:
    rows = StoragePool.everything.filter(pk__in=list(keys)).select_related("cluster", "zone")
    return {pool.pk: _fullness(pool) for pool in rows}


def _fullness(pool: StoragePool) -> dict[str, Any]:
    limit = limit_bytes(pool)
    used = pool.used_bytes / pool.capacity_bytes if pool.capacity_bytes else 0.0
    allocated = pool.allocated_bytes / limit if limit else 0.0
    place = pool.cluster or pool.zone
    return {
        "disksizeunallocatedgb": _gb(max(limit - pool.allocated_bytes, 0)),
        "storageusagethreshold": used > _USED.get(place),
        "storageusagedisablethreshold": used > USED_THRESHOLD.get(pool),
        "storageallocatedthreshold": allocated > _ALLOCATED.get(place),
        "storageallocateddisablethreshold": allocated > ALLOCATED_THRESHOLD.get(pool),
    }


storagepoolmetrics = replace(
    storagepool,
    fields=(
        *storagepool.fields,
        computed("disksizetotalgb", ("capacity_bytes",), _gb),
        computed("disksizeusedgb", ("used_bytes",), _gb),
        computed("disksizeallocatedgb", ("allocated_bytes",), _gb),
        several(
            _facts,
            Field("disksizeunallocatedgb"),
            Field("storageusagethreshold", "boolean"),
            Field("storageusagedisablethreshold", "boolean"),
            Field("storageallocatedthreshold", "boolean"),
            Field("storageallocateddisablethreshold", "boolean"),
        ),
    ),
)
