"""How full pools and stores are, asked again and again; lists read what was noted."""

from __future__ import annotations

import logging

from django.utils import timezone

from agent import protocol as p
from core import live
from core.config import Setting
from infra import agents
from jobs.schedules import every
from storage import states
from storage.models import ImageStore, StoragePool
from storage.services import reach

log = logging.getLogger(__name__)

INTERVAL_MS = Setting(
    "storage.stats.interval", 60000, "Milliseconds between two measures of each pool and store.",
    minimum=1000,
)  # fmt: skip


@every(lambda: max(INTERVAL_MS.get() // 1000, 1), "storage.measure")
def measure_all() -> None:
    """One that cannot be asked now keeps its last measure; the others are not held up."""
    for pool in StoragePool.objects.filter(state__in=(states.Pools.UP, states.Pools.DISABLED)):
        try:
            measure_pool(pool)
        except p.AgentError as error:
            log.info("pool %s is not measured: %s", pool, error)
    for store in ImageStore.objects.filter(state=states.Stores.READY):
        try:
            measure_store(store)
        except p.AgentError as error:
            log.info("store %s is not measured: %s", store, error)


def measure_pool(pool: StoragePool) -> None:
    host = reach.host_for(pool)
    stats = reach.on_pool(host, pool, "pool.stats", p.PreparePool(reach.pool_ref(pool)), None)
    _note(pool, stats)


def measure_store(store: ImageStore) -> None:
    host = reach.host_for_store(store.zone)
    _note(store, agents.call(host, "store.stats", p.PrepareStore(reach.store_ref(store))))


def _note(row: StoragePool | ImageStore, stats: p.PoolStats) -> None:
    found = {"capacity_bytes": stats.capacity_bytes, "used_bytes": stats.used_bytes}
    type(row).objects.filter(pk=row.pk).update(measured=timezone.now(), **found)
    if (row.capacity_bytes, row.used_bytes) != (stats.capacity_bytes, stats.used_bytes):
        live.changed(row)
