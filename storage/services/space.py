"""What each primary pool can still take: filtered, explained, and promised under a row lock."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import F

from core.config import Scope, Setting
from core.errors import InsufficientCapacity
from core.units import size
from infra.models import Host, Zone
from storage import states
from storage.models import StoragePool

_SCOPES = (Scope.GLOBAL, Scope.ZONE, Scope.STORAGE_POOL)
FACTOR = Setting(
    "storage.overprovisioning.factor", 2.0,
    "How many times a pool's capacity may be promised to thin volumes.",
    scopes=_SCOPES, minimum=1.0, maximum=100.0,
)  # fmt: skip
USED_THRESHOLD = Setting(
    "pool.storage.capacity.disablethreshold", 0.85,
    "Part of a pool that may really be full before it takes no new volumes.",
    scopes=_SCOPES, minimum=0.0, maximum=1.0, category="Alert",
)  # fmt: skip
ALLOCATED_THRESHOLD = Setting(
    "pool.storage.allocated.capacity.disablethreshold", 0.85,
    "Part of what a pool may promise that can be promised before it takes no new volumes.",
    scopes=_SCOPES, minimum=0.0, maximum=1.0, category="Alert",
)  # fmt: skip
RESIZE_THRESHOLD = Setting(
    "pool.storage.allocated.resize.capacity.disablethreshold", 0.90,
    "The same part for volumes that grow, when volume.resize.allowed.beyond.allocation is set.",
    scopes=_SCOPES, minimum=0.0, maximum=1.0, category="Alert",
)  # fmt: skip
RESIZE_BEYOND = Setting(
    "volume.resize.allowed.beyond.allocation", False,
    "Whether growing volumes may use the pool up to the threshold for growing.",
    scopes=_SCOPES,
)  # fmt: skip


def limit_bytes(pool: StoragePool) -> int:
    """What may be promised in all: the capacity, times the overcommit factor."""
    return int(pool.capacity_bytes * FACTOR.get(pool))


def refusal(pool: StoragePool, size_bytes: int, *, growing: bool = False) -> str:
    """Why the pool cannot take this much more, or "" when it can."""
    if pool.state != states.Pools.UP:
        return f"it is {pool.state}"
    if not pool.capacity_bytes:
        return "no host has measured it yet"
    used = pool.used_bytes / pool.capacity_bytes
    if used > USED_THRESHOLD.get(pool):
        return (
            f"{used:.0%} of it is full; above {USED_THRESHOLD.get(pool):.0%} it takes nothing new"
        )
    ceiling = _ceiling(pool, growing)
    if pool.allocated_bytes + size_bytes > ceiling:
        return (
            f"{size(size_bytes)} are needed, and of {size(limit_bytes(pool))} it may promise "
            f"{size(pool.allocated_bytes)} are promised (at most {size(ceiling)})"
        )
    return ""


def _ceiling(pool: StoragePool, growing: bool) -> int:
    beyond = growing and RESIZE_BEYOND.get(pool)
    threshold = RESIZE_THRESHOLD if beyond else ALLOCATED_THRESHOLD
    return int(limit_bytes(pool) * threshold.get(pool))


def candidates(
    zone: Zone,
    host: Host | None,
    tags: Iterable[str] = (),
    size_bytes: int = 0,
    *,
    storage_type: str = "",
) -> list[tuple[StoragePool, str]]:
    """Every pool that ``host`` (any host, when None) could use, with "" or why not.

    Pools that fit come first, the emptiest leading. ``storage_type`` is local, shared or "".
    """
    pools = StoragePool.objects.filter(zone=zone).exclude(state=states.Pools.REMOVED)
    if host is not None:
        pools = pools.reachable_from(host)
    judged = [(pool, _unfit(pool, set(tags), size_bytes, storage_type)) for pool in pools]
    return sorted(judged, key=lambda found: (bool(found[1]), -_free(found[0]), found[0].pk))


def _unfit(pool: StoragePool, tags: set[str], size_bytes: int, storage_type: str) -> str:
    missing = tags - set(pool.tags)
    if missing:
        return f"it lacks storage tag {', '.join(sorted(missing))}"
    if storage_type == "local" and not pool.is_local:
        return "it is shared storage, and the offering wants local"
    if storage_type == "shared" and pool.is_local:
        return "it is local storage, and the offering wants shared"
    return refusal(pool, size_bytes)


def _free(pool: StoragePool) -> int:
    return limit_bytes(pool) - pool.allocated_bytes


def choose(
    zone: Zone, host: Host | None, tags: Iterable[str], size_bytes: int, *, storage_type: str = ""
) -> StoragePool:
    """The best pool. Raises InsufficientCapacity with the table of all and why each was not."""
    found = candidates(zone, host, tags, size_bytes, storage_type=storage_type)
    for pool, why in found:
        if not why:
            return pool
    table = [{"pool": pool.name, "refused": why} for pool, why in found]
    words = "; ".join(f"{row['pool']}: {row['refused']}" for row in table[:5])
    raise InsufficientCapacity(
        f"No storage pool of zone {zone} can take {size(size_bytes)}: "
        + (words or "there is none")
        + ".",
        details=table,
    )


def reserve(pool: StoragePool, size_bytes: int, *, growing: bool = False) -> None:
    """Promise this much of the pool, in the caller's transaction; the check and the row lock
    are one statement. Raises InsufficientCapacity."""
    ceiling = _ceiling(pool, growing)
    taken = StoragePool.objects.filter(
        pk=pool.pk, state=states.Pools.UP, allocated_bytes__lte=ceiling - size_bytes
    ).update(allocated_bytes=F("allocated_bytes") + size_bytes)
    if not taken:
        pool.refresh_from_db()
        why = refusal(pool, size_bytes, growing=growing) or "somebody else took the last of it"
        raise InsufficientCapacity(
            f"Storage pool {pool} cannot take {size(size_bytes)}: {why}.",
            details=[{"pool": pool.name, "refused": why}],
        )


def release(pool_id: int, size_bytes: int) -> None:
    """Give back what ``reserve`` took, in the transaction that forgets what it was for."""
    StoragePool.everything.filter(pk=pool_id).update(
        allocated_bytes=F("allocated_bytes") - size_bytes
    )
