"""What pools and stores really hold, compared with what the rows say.

A file nobody knows is not deleted by itself: after a database was restored from yesterday,
today's disks look just like that. It is shown under *Needs attention* with a button.
"""

from __future__ import annotations

import logging
import uuid as uuids

from accounts.caller import Caller
from agent import protocol as p
from core.errors import ResourceUnavailable
from core.steps import Plan, Run, Step, plan
from core.units import size
from infra import agents
from infra.models import Host
from jobs.models import AsyncJob, Trouble
from jobs.schedules import every
from jobs.submit import submit
from jobs.troubles import close_troubles, open_trouble, repair
from storage import states
from storage.models import (
    ImageStore,
    PoolTemplate,
    Snapshot,
    StoragePool,
    TemplateCopy,
    Volume,
)
from storage.services import reach

log = logging.getLogger(__name__)

LEFTOVERS, MISSING = "files-nobody-knows", "volume-file-missing"
_SHOWN = 50


@every(3600, "storage.compare")
def compare_all() -> None:
    for pool in StoragePool.objects.filter(state=states.Pools.UP):
        try:
            compare_pool(pool)
        except p.AgentError as error:
            log.info("pool %s is not compared: %s", pool, error)
    for store in ImageStore.objects.filter(state=states.Stores.READY):
        try:
            compare_store(store)
        except p.AgentError as error:
            log.info("store %s is not compared: %s", store, error)


def compare_pool(pool: StoragePool) -> None:
    # The files first, the rows after: a row is written before its file is made.
    host = reach.host_for(pool)
    found = reach.on_pool(host, pool, "pool.list", p.PreparePool(reach.pool_ref(pool)), None)
    known = known_on_pool(pool)
    _tell(pool, [f for f in _ours(found) if f.name not in known])
    _tell_missing(pool, host, {f.name for f in found.files})


def known_on_pool(pool: StoragePool) -> set[str]:
    volumes = Volume.everything.filter(pool=pool).exclude(path="")
    bases = PoolTemplate.objects.filter(pool=pool)
    return {
        *volumes.values_list("path", flat=True),
        *map(str, bases.values_list("uuid", flat=True)),
    }


def compare_store(store: ImageStore) -> None:
    host = reach.host_for_store(store.zone)
    found = agents.call(host, "store.list", p.PrepareStore(reach.store_ref(store)))
    known = known_in_store(store)
    _tell(store, [f for f in _ours(found) if f.name not in known])


def known_in_store(store: ImageStore) -> set[str]:
    copies = TemplateCopy.objects.filter(store=store).values_list("uuid", flat=True)
    snapshots = Snapshot.everything.filter(store=store, removed=None)
    return {*map(str, copies), *map(str, snapshots.values_list("uuid", flat=True))}


def _ours(found: p.FileList) -> list[p.FoundFile]:
    """Files whose names could be ours; whatever else lies there is the operator's."""
    return [f for f in found.files if _is_uuid(f.name)]


def _is_uuid(text: str) -> bool:
    try:
        return str(uuids.UUID(text)) == text
    except ValueError:
        return False


def _tell(place: StoragePool | ImageStore, files: list[p.FoundFile]) -> None:
    if not files:
        close_troubles(place, LEFTOVERS)
        return
    total = sum(f.physical_bytes for f in files)
    open_trouble(
        LEFTOVERS, place,
        f"{place} holds {len(files)} files ({size(total)}) that belong to no volume, template "
        "or snapshot.",
        evidence={"files": [f.name for f in files[:_SHOWN]], "count": len(files),
                  "bytes": total},
        repair="storage.delete_leftovers",
    )  # fmt: skip


def _tell_missing(pool: StoragePool, host: Host, names: set[str]) -> None:
    ready = Volume.objects.filter(pool=pool, state=states.Volumes.READY).exclude(path="")
    for volume in ready.exclude(path__in=names).order_by("pk")[:_SHOWN]:
        # It may have come since the list was made, or be on its way out by now.
        if _has_file(host, volume) or not ready.filter(pk=volume.pk).exists():
            continue
        open_trouble(
            MISSING, volume,
            f"The file of volume {volume} is not on storage pool {pool}.",
            evidence={"pool": pool.name, "path": volume.path},
        )  # fmt: skip
    known = Trouble.objects.filter(kind=MISSING, closed=None).values_list(
        "resource_uuid", flat=True
    )
    for volume in Volume.everything.filter(pool=pool, uuid__in=list(known), path__in=names):
        close_troubles(volume, MISSING)
    for volume in Volume.everything.filter(uuid__in=list(known), path=""):
        close_troubles(volume, MISSING)  # it is gone, and its file with it


def _has_file(host: Host, volume: Volume) -> bool:
    wanted = p.VolumeRef(reach.disk_ref(volume))
    try:
        reach.on_pool(host, volume.pool, "volume.info", wanted, None)
    except p.NoSuchVolume:
        return False
    return True


@repair("storage.delete_leftovers")
def delete_leftovers(trouble: Trouble) -> AsyncJob:
    """A job that deletes the files that were shown and that still nobody knows."""
    place = (
        StoragePool.objects.filter(uuid=trouble.resource_uuid).first()
        or ImageStore.objects.filter(uuid=trouble.resource_uuid).first()
    )
    if place is None:
        raise ResourceUnavailable(f"{trouble.resource_name} is not there any more.")
    names = {"names": trouble.evidence.get("files", [])}
    kind = clear_pool if isinstance(place, StoragePool) else clear_store
    account = Caller.system().account
    return submit(Plan(kind, place, names), account=account, command="deleteLeftovers")


@plan()
def clear_pool(pool: StoragePool, *, names: list[str]) -> list[Step]:
    return [Step(delete_from_pool)]


def delete_from_pool(run: Run, pool: StoragePool, names: list[str]) -> int:
    host, known = reach.host_for(pool), known_on_pool(pool)
    wanted = [n for n in names if n not in known]
    for name in wanted:
        disk = p.DiskRef(reach.pool_ref(pool), name)
        reach.on_pool(host, pool, "volume.delete", p.VolumeRef(disk), run)
    compare_pool(pool)
    return len(wanted)


@plan()
def clear_store(store: ImageStore, *, names: list[str]) -> list[Step]:
    return [Step(delete_from_store)]


def delete_from_store(run: Run, store: ImageStore, names: list[str]) -> int:
    host, known = reach.host_for_store(store.zone), known_in_store(store)
    wanted = [n for n in names if n not in known]
    for name in wanted:
        path = p.StorePath(reach.store_ref(store), name)
        agents.call(host, "image.delete", p.DeleteImage(path), run)
    compare_store(store)
    return len(wanted)
