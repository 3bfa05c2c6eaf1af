"""Pools for the disks of a machine on a given host, and the reason against each of the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db.models import Q

from compute.placement.hosts import Judged
from compute.placement.refusal import Refusal
from compute.placement.wanted import DiskWish, Wanted
from infra.models import Host
from storage.models import StoragePool
from storage.services import space

#: Of a disk's index in ``Wanted.new_disks`` → its pool.
Assignment = dict[int, StoragePool]


def within_reach(wanted: Wanted, hosts: Iterable[Host | Judged]) -> list[StoragePool]:
    """The pools that any of these hosts reaches, in one query, the emptiest first."""
    rows = list(hosts)
    near = Q(host__in=[h.pk for h in rows])
    near |= Q(host=None, cluster__in={h.cluster_id for h in rows})
    near |= Q(host=None, cluster=None)
    return _fit_kind(wanted, StoragePool.objects.filter(near, zone=wanted.zone))


def all_of(wanted: Wanted) -> list[StoragePool]:
    return _fit_kind(wanted, StoragePool.objects.filter(zone=wanted.zone))


def _fit_kind(wanted: Wanted, rows: Iterable[StoragePool]) -> list[StoragePool]:
    pools = [p for p in rows if p.hypervisor in ("", wanted.hypervisor)]
    return sorted(pools, key=lambda p: (p.allocated_bytes - space.limit_bytes(p), p.pk))


def reaches(host: Host | Judged, pool: StoragePool) -> bool:
    if pool.host_id:
        return pool.host_id == host.pk
    return pool.cluster_id in (None, host.cluster_id)


def assign(wanted: Wanted, host: Host | Judged, pools: Iterable[StoragePool]) -> Assignment | None:
    """A pool for each new disk, such that all of them fit together; None when one has none."""
    near = [p for p in pools if reaches(host, p)]
    promised: dict[int, int] = {}
    found: Assignment = {}
    for index, disk in enumerate(wanted.new_disks):
        for pool in sorted(near, key=lambda p: p.is_local != disk.local):
            if refusal(wanted, disk, pool, promised) is None:
                found[index] = pool
                promised[pool.pk] = promised.get(pool.pk, 0) + disk.size_bytes
                break
        else:
            return None
    return found


def refusal(
    wanted: Wanted, disk: DiskWish, pool: StoragePool, promised: Mapping[int, int] | None = None
) -> Refusal | None:
    """Why the pool does not take the disk. ``promised``: bytes meant for others of the plan.

    A disk of a *shared* offering may lie on local storage where the zone allows that: on one
    machine there is nothing else, and where there is, shared pools are taken first.
    """
    missing = set(disk.tags) - set(pool.tags)
    if missing:
        return Refusal("storage tag", f"it lacks storage tag {', '.join(sorted(missing))}")
    if disk.local and not pool.is_local:
        return Refusal("storage", "it is shared storage, and the offering wants local")
    if pool.is_local and not disk.local and not wanted.zone.local_storage_enabled:
        return Refusal("storage", "it is local storage, which the zone allows to nobody")
    words = space.refusal(pool, disk.size_bytes + (promised or {}).get(pool.pk, 0))
    return Refusal("storage", words) if words else None
