"""Bringing pools up, taking them down, and into maintenance."""

from __future__ import annotations

import contextlib

from django.db import transaction
from django.utils import timezone

from agent import protocol as p
from core.errors import ResourceUnavailable
from core.steps import Run, Step, plan
from infra import agents
from infra.models import Host
from infra.services.alerts import AlertType, raise_alert
from storage import states
from storage.models import PoolTemplate, StoragePool
from storage.services import bases, reach

_EVENT = states.PoolEvent


@plan()
def bring_up(pool: StoragePool) -> list[Step]:
    return [Step(prepare_on_hosts, undo=forget_on_hosts_and_remove), Step(mark_up)]


def prepare_on_hosts(run: Run, pool: StoragePool) -> dict[str, int]:
    """Every host that is up has the folder ready; the measures of one are the pool's."""
    reach.await_hosts(reach.hosts_of(pool), f"storage pool {pool}")
    hosts = list(reach.hosts_of(pool).filter(status="Up").order_by("pk"))
    if not hosts:
        raise ResourceUnavailable(
            f"No host that could reach storage pool {pool} is up; add or start one first."
        )
    stats = p.PoolStats(0, 0)
    for done, host in enumerate(hosts):
        run.progress(100 * done / len(hosts), f"Host {host.name}")
        stats = agents.call(host, "pool.prepare", p.PreparePool(reach.pool_ref(pool)), run)
    return {"capacity_bytes": stats.capacity_bytes, "used_bytes": stats.used_bytes}


def forget_on_hosts_and_remove(run: Run, pool: StoragePool) -> None:
    pool.refresh_from_db()
    if pool.removed:
        return
    for host in reach.hosts_of(pool).filter(status="Up"):
        _forget_on(host, pool, run)
    with transaction.atomic():
        raise_alert(
            AlertType.STORAGE_MISC, pool, f"Storage pool {pool} could not be added",
            f"The hosts could not prepare {pool.path}; its job says why.",
        )  # fmt: skip
        if pool.state == states.Pools.CREATING:
            pool.apply(_EVENT.FAILED)
        pool.remove()


def _forget_on(host: Host, pool: StoragePool, run: Run) -> None:
    """A folder that belongs to another pool, has other files, or was never made, stays."""
    with contextlib.suppress(p.OperationFailed, p.NoSuchPool, p.VolumeInUse):
        agents.call(host, "pool.remove", p.RemovePool(reach.pool_ref(pool)), run)


def mark_up(run: Run, pool: StoragePool) -> None:
    pool.refresh_from_db()
    if pool.state != states.Pools.CREATING:
        return
    stats = run.results["prepare_on_hosts"]
    pool.apply(
        _EVENT.PREPARED,
        capacity_bytes=stats["capacity_bytes"],
        used_bytes=stats["used_bytes"],
        measured=timezone.now(),
    )


@plan(cancellable=False)
def take_down(pool: StoragePool, *, forced: bool = False) -> list[Step]:
    return [
        Step(delete_bases, undo=keep_pool, patience_s=300),
        Step(forget_on_hosts, patience_s=300),
        Step(forget_pool),
    ]


def delete_bases(run: Run, pool: StoragePool, forced: bool = False) -> None:
    """The template files on the pool, which no volume builds on any more."""
    for base in PoolTemplate.objects.filter(pool=pool).order_by("pk"):
        bases.drop(run, base, host=_host(pool, forced))


def _host(pool: StoragePool, forced: bool) -> Host | None:
    try:
        return reach.host_for(pool)
    except p.HostUnavailable:
        if forced:
            return None
        raise


def forget_on_hosts(run: Run, pool: StoragePool, forced: bool = False) -> None:
    """A shared folder is given up once, a local one by its host."""
    host = _host(pool, forced)
    if host is not None:
        agents.call(host, "pool.remove", p.RemovePool(reach.pool_ref(pool)), run)


def forget_pool(pool: StoragePool) -> None:
    pool.refresh_from_db()
    if not pool.removed:
        pool.remove()


def keep_pool(pool: StoragePool) -> None:
    pool.refresh_from_db()
    if pool.state == states.Pools.REMOVED and not pool.removed:
        pool.apply(_EVENT.KEEP)


@plan(cancellable=False)
def enter_maintenance(pool: StoragePool) -> list[Step]:
    return [Step(mark_maintained, undo=mark_maintenance_failed)]


def mark_maintained(pool: StoragePool) -> None:
    pool.refresh_from_db()
    if pool.state == states.Pools.PREPARING_MAINTENANCE:
        pool.apply(_EVENT.MAINTAINED)


def mark_maintenance_failed(pool: StoragePool) -> None:
    pool.refresh_from_db()
    if pool.state == states.Pools.PREPARING_MAINTENANCE:
        pool.apply(_EVENT.FAILED)


@plan(cancellable=False)
def leave_maintenance(pool: StoragePool) -> list[Step]:
    return [Step(measure_again, undo=stay_in_maintenance), Step(mark_resumed)]


def measure_again(run: Run, pool: StoragePool) -> dict[str, int]:
    host = reach.host_for(pool)
    stats = agents.call(host, "pool.prepare", p.PreparePool(reach.pool_ref(pool)), run)
    return {"capacity_bytes": stats.capacity_bytes, "used_bytes": stats.used_bytes}


def stay_in_maintenance(pool: StoragePool) -> None:
    pool.refresh_from_db()
    if pool.state == states.Pools.ENDING_MAINTENANCE:
        pool.apply(_EVENT.FAILED)


def mark_resumed(run: Run, pool: StoragePool) -> None:
    pool.refresh_from_db()
    if pool.state == states.Pools.ENDING_MAINTENANCE:
        pool.apply(_EVENT.RESUMED, measured=timezone.now(), **run.results["measure_again"])
