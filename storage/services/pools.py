"""Primary pools: adding, changing and removing them."""

from __future__ import annotations

from collections.abc import Iterable

from accounts.caller import Caller
from core import live
from core.errors import InUse, InvalidParameter
from core.steps import Plan
from infra.models import Cluster, Pod, Zone
from storage import states
from storage.jobs import pools as jobs
from storage.models import StoragePool, Volume
from storage.services.addresses import Place, pool_place
from storage.services.follow import follow_up
from storage.services.space import candidates
from storage.services.tags import clean_tags

__all__ = ["candidates", "cancel_maintenance", "create", "delete", "enable_maintenance", "update"]


def create(
    caller: Caller,
    *,
    name: str,
    url: str,
    zone: Zone,
    pod: Pod | None = None,
    cluster: Cluster | None = None,
    scope: str = "",
    tags: Iterable[str] = (),
    hypervisor: str = "",
    details: dict[str, str] | None = None,
) -> StoragePool:
    """A pool in Creating; a job that starts at once has its hosts prepare it and brings it to
    Up, or removes it and says why."""
    hypervisor = "" if hypervisor.lower() == "any" else hypervisor
    place = pool_place(url, zone, pod, cluster, scope, hypervisor)
    _refuse_taken(place)
    pool = StoragePool.objects.create(
        name=name,
        zone=zone,
        pod=place.host.pod if place.host else (cluster.pod if cluster else None),
        cluster=place.host.cluster if place.host else cluster,
        host=place.host,
        type=place.type,
        path=place.path,
        location=place.location,
        scope=place.scope,
        hypervisor=hypervisor or place.hypervisor or (cluster.hypervisor if cluster else ""),
        tags=clean_tags(tags),
        details=details or {},
    )
    follow_up(Plan(jobs.bring_up, pool), caller, "createStoragePool")
    live.changed(pool)
    return pool


def _refuse_taken(place: Place) -> None:
    there = StoragePool.objects.filter(location=place.location).first()
    if there is not None:
        raise InvalidParameter(
            f"{place.path} is already storage pool {there.name}; use another folder."
        )


def update(
    pool: StoragePool,
    *,
    name: str | None = None,
    tags: Iterable[str] | None = None,
    enabled: bool | None = None,
    details: dict[str, str] | None = None,
) -> StoragePool:
    """Raises NotAllowedInState for enabling what is not Disabled, or the reverse."""
    if enabled is not None and (pool.state == states.Pools.UP) != enabled:
        pool.apply(states.PoolEvent.ENABLE if enabled else states.PoolEvent.DISABLE)
    if name:
        pool.name = name
    if tags is not None:
        pool.tags = clean_tags(tags)
    if details is not None:
        pool.details = {**pool.details, **details}
    pool.save(update_fields=["name", "tags", "details"])
    live.changed(pool)
    return pool


def delete(caller: Caller, pool: StoragePool, *, forced: bool = False) -> None:
    """Take the pool out of use now and clean it up in a job.

    Raises InUse, naming them, while volumes that are not expunged lie on it. ``forced`` does
    not wait for hosts that are down.
    """
    pool.apply(states.PoolEvent.REMOVE)  # the row is locked from here: nothing new comes on it
    _refuse_used(pool)
    follow_up(Plan(jobs.take_down, pool, {"forced": forced}), caller, "deleteStoragePool")


def _refuse_used(pool: StoragePool) -> None:
    volumes = Volume.everything.filter(pool=pool)
    count = volumes.count()
    if count:
        raise InUse(
            f"Storage pool {pool} is in use by {count} volume{'s' * (count > 1)}: "
            + ", ".join(f"{v.name} ({v.state})" for v in volumes.order_by("pk")[:5])
            + (" …" if count > 5 else "")
            + "; delete and expunge them, or move them elsewhere, first."
        )


def enable_maintenance(pool: StoragePool) -> Plan:
    """Nothing new is placed on the pool; what runs from it goes on."""
    pool.apply(states.PoolEvent.MAINTAIN)
    return Plan(jobs.enter_maintenance, pool)


def cancel_maintenance(pool: StoragePool) -> Plan:
    pool.apply(states.PoolEvent.END_MAINTENANCE)
    return Plan(jobs.leave_maintenance, pool)
