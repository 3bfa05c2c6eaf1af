"""Which host can do what for a pool or a store, and the words hosts understand for them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from agent import protocol as p
from core.errors import ResourceUnavailable
from core.steps import Later, Run
from infra import agents
from infra.models import Host, Zone
from storage.models import ImageStore, PoolTemplate, Snapshot, StoragePool, TemplateCopy, Volume

_RESTING = ("Maintenance", "PrepareForMaintenance", "Degraded")


def pool_ref(pool: StoragePool) -> p.PoolRef:
    return p.PoolRef(str(pool.uuid), pool.type, pool.path)


def store_ref(store: ImageStore) -> p.StoreRef:
    return p.StoreRef(str(store.uuid), store.path)


def disk_ref(volume: Volume) -> p.DiskRef:
    """The volume's file. Raises ResourceUnavailable when it has none (never attached)."""
    if volume.pool is None or not volume.path:
        raise ResourceUnavailable(f"Volume {volume} has no file yet.")
    return p.DiskRef(pool_ref(volume.pool), volume.path, volume.format)


def base_ref(base: PoolTemplate) -> p.DiskRef:
    return p.DiskRef(pool_ref(base.pool), base.name)


def copy_path(copy: TemplateCopy) -> p.StorePath:
    return p.StorePath(store_ref(copy.store), copy.name)


def snapshot_path(snapshot: Snapshot) -> p.StorePath:
    return p.StorePath(store_ref(snapshot.store), snapshot.path)


def hosts_of(pool: StoragePool):
    """The hosts whose pool this is, up or not."""
    if pool.host_id:
        return Host.objects.filter(pk=pool.host_id)
    if pool.cluster_id:
        return Host.objects.filter(cluster=pool.cluster_id)
    hosts = Host.objects.filter(zone=pool.zone_id)
    return hosts.filter(hypervisor=pool.hypervisor) if pool.hypervisor else hosts


def host_for(pool: StoragePool) -> Host:
    """A host that is up and reaches the pool. Raises HostUnavailable: it may come back."""
    found = hosts_of(pool).filter(status="Up").order_by("link", "pk").first()
    if found is None:
        raise p.HostUnavailable(f"No host that reaches storage pool {pool} is up.")
    return found


def await_hosts(hosts: QuerySet[Host], what: str) -> None:
    """Whatever is added right after its hosts waits until these are ready. Raises Later."""
    states = set(hosts.values_list("status", flat=True))
    if "Up" not in states and states & {"Creating", "Connecting"}:
        raise Later(0.5, f"Waits for the hosts of {what} to come up.")


def host_for_store(zone: Zone | None, pool: StoragePool | None = None) -> Host:
    """A host that is up to work on secondary storage, and on ``pool`` where one is given."""
    if pool is not None:
        return host_for(pool)
    up = Host.objects.filter(status="Up").exclude(resource_state__in=_RESTING)
    up = up.filter(zone=zone) if zone is not None else up
    found = up.order_by("link", "pk").first()
    if found is None:
        where = f"zone {zone}" if zone is not None else "any zone"
        raise p.HostUnavailable(f"No host of {where} is up to reach secondary storage.")
    return found


def on_pool(host: Host, pool: StoragePool, operation: str, argument: Any, run: Run | None) -> Any:
    """Call ``host``; if the pool is new to it, have it prepared and call once more."""
    try:
        return agents.call(host, operation, argument, run)
    except p.NoSuchPool:
        agents.call(host, "pool.prepare", p.PreparePool(pool_ref(pool)), run)
        return agents.call(host, operation, argument, run)
