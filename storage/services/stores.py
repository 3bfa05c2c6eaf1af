"""Secondary stores: adding, changing, removing, and which one takes what."""

from __future__ import annotations

from accounts.caller import Caller
from core import live
from core.config import Setting
from core.errors import InsufficientCapacity, InvalidParameter
from core.steps import Plan
from core.units import size
from infra.models import Zone
from infra.services.usage import refuse_if_used
from storage import states
from storage.jobs import stores as jobs
from storage.models import ImageStore
from storage.services import builtin
from storage.services.addresses import store_place
from storage.services.follow import follow_up

FULL_AT = Setting(
    "secondary.storage.capacity.threshold", 0.90,
    "Part of a secondary store that may be full before nothing more is written to it.",
    minimum=0.0, maximum=1.0,
)  # fmt: skip

#: CloudStack's names of providers; ours keeps images in a folder that every host reaches.
PROVIDERS = ("NFS", "Directory")
_NOT_YET = ("S3", "Swift", "SMB", "SolidFire", "Sample")


def create(
    caller: Caller,
    *,
    provider: str,
    url: str,
    zone: Zone | None,
    name: str = "",
    details: dict[str, str] | None = None,
) -> ImageStore:
    """A store in Creating; a job that starts at once has a host prepare the folder and brings
    it to Ready, or removes it and says why."""
    protocol, address, path = store_place(url, zone)
    store = ImageStore.objects.create(
        name=name or url,
        zone=zone,
        provider=_provider(provider),
        protocol=protocol,
        url=address,
        path=path,
        details=details or {},
    )
    follow_up(Plan(jobs.bring_up, store), caller, "addImageStore")
    live.changed(store)
    return store


def _provider(name: str) -> str:
    for known in PROVIDERS:
        if known.lower() == name.strip().lower():
            return known
    if name.strip().lower() in (n.lower() for n in _NOT_YET):
        raise InvalidParameter(f"Image stores of provider {name} cannot be added yet; use NFS.")
    raise InvalidParameter(f"There is no image store provider {name}; use NFS.")


def update(
    store: ImageStore, *, name: str | None = None, read_only: bool | None = None
) -> ImageStore:
    if name:
        store.name = name
    if read_only is not None:
        store.read_only = read_only
    store.save(update_fields=["name", "read_only"])
    live.changed(store)
    return store


def delete(caller: Caller, store: ImageStore) -> None:
    """Raises InUse, naming them, while templates, ISOs or snapshots lie in the store; what every
    zone has by itself goes with it."""
    store.apply(states.StoreEvent.REMOVE)
    files = builtin.withdraw(store)
    refuse_if_used(store)
    follow_up(Plan(jobs.take_down, store, {"files": files}), caller, "deleteImageStore")


def choose(zone: Zone | None, size_bytes: int = 0) -> ImageStore:
    """The emptiest store of the zone that may be written to and has the room.

    Raises InsufficientCapacity with the table of all and why each was not.
    """
    stores = list(ImageStore.objects.exclude(state=states.Stores.REMOVED))
    if zone is not None:
        stores = [s for s in stores if s.zone_id in (None, zone.pk)]
    judged = [(store, refusal(store, size_bytes)) for store in stores]
    fit = [store for store, why in judged if not why]
    if fit:
        return max(fit, key=lambda s: (s.capacity_bytes - s.used_bytes, -s.pk))
    table = [{"store": store.name, "refused": why} for store, why in judged]
    words = "; ".join(f"{row['store']}: {row['refused']}" for row in table[:5])
    where = f" of zone {zone}" if zone is not None else ""
    raise InsufficientCapacity(
        f"No secondary store{where} can take more: {words or 'there is none; add one first'}.",
        details=table,
    )


def refusal(store: ImageStore, size_bytes: int = 0) -> str:
    """Why the store takes nothing more, or ""."""
    if store.state != states.Stores.READY:
        return f"it is {store.state}"
    if store.read_only:
        return "it is read-only"
    if store.capacity_bytes and store.used_bytes > store.capacity_bytes * FULL_AT.get():
        return f"{store.used_bytes / store.capacity_bytes:.0%} of it is full"
    free = store.capacity_bytes - store.used_bytes
    if store.capacity_bytes and size_bytes > free:
        return f"{size(size_bytes)} are needed and {size(free)} are free"
    return ""
