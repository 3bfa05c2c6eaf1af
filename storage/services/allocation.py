"""A volume's row before and after its file: counted, promised room on a pool, let go again."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Mapping, Sequence

from django.db import transaction

from accounts.models import Account
from core import live
from core.errors import ResourceUnavailable
from infra.models import Zone
from storage import states
from storage.models import DiskOffering, Snapshot, StoragePool, Template, Volume
from storage.services import quota, space

_V, _E = states.Volumes, states.VolumeEvent


def allocate(
    account: Account,
    zone: Zone,
    *,
    name: str,
    size_bytes: int,
    type: str = "DATADISK",
    offering: DiskOffering | None = None,
    template: Template | None = None,
    snapshot: Snapshot | None = None,
    provisioning: str = "",
    min_iops: int | None = None,
    max_iops: int | None = None,
    display: bool = True,
    uuid: uuids.UUID | None = None,
    tags: Sequence[str] = (),
    counted: Mapping[str, object] | None = None,
) -> Volume:
    """A volume in Allocated, counted towards its account's limits; it has no pool yet.

    Raises LimitExceeded. ``template`` (not an ISO) or ``snapshot`` is what its file will be
    made from, ``tags`` the storage tags of a disk without an offering of its own. ``counted``
    are the fields of its ``quota.share`` where that is reserved already.
    """
    if counted is None:
        counted = quota.take(account, Volume, size_bytes, offering.tags if offering else tags)
    volume = Volume.objects.create(
        **({"uuid": uuid} if uuid else {}),
        account=account,
        zone=zone,
        name=name,
        type=type,
        size_bytes=size_bytes,
        disk_offering=offering,
        template=template,
        snapshot=snapshot,
        provisioning=provisioning or (offering.provisioning if offering else "thin"),
        min_iops=min_iops,
        max_iops=max_iops,
        display=display,
        **counted,
    )
    live.changed(volume)
    return volume


def assign(volume: Volume, pool: StoragePool) -> None:
    """Promise room on ``pool`` to a volume without a file, in the caller's transaction.

    Nothing happens when it already has this pool. Raises InsufficientCapacity.
    """
    if volume.pool_id == pool.pk:
        return
    if volume.pool_id is not None:
        raise ResourceUnavailable(f"Volume {volume} already lies on {volume.pool}.")
    space.reserve(pool, volume.size_bytes)
    fields = {
        "pool": pool,
        "pool_name": pool.name,
        "path": str(uuids.uuid4()),
        "reserved_bytes": volume.size_bytes,
    }
    Volume.objects.filter(pk=volume.pk).update(**fields)
    for name, value in fields.items():
        setattr(volume, name, value)


def unassign(volume: Volume) -> None:
    """The volume lets go of pool and base; its file must be gone. Harmless when repeated."""
    with transaction.atomic():
        rows = Volume.everything.select_for_update().filter(pk=volume.pk)
        held = rows.exclude(pool=None).first()
        if held is not None:
            space.release(held.pool_id, held.reserved_bytes)
            rows.update(pool=None, base=None, reserved_bytes=0, path="", physical_bytes=0)
    volume.pool = volume.base = None
    volume.reserved_bytes = volume.physical_bytes = 0
    volume.path = ""


def discard(volume: Volume) -> None:
    """Undo ``allocate`` (and ``assign``) of a volume without a file: nothing of it is left but
    a removed row. Harmless when repeated; in any other state it is somebody else's now."""
    with transaction.atomic():
        volume.refresh_from_db()
        if volume.state == _V.ALLOCATED:
            volume.apply(_E.DESTROY)
            volume.apply(_E.EXPUNGE)
            forget(volume)


def forget(volume: Volume) -> None:
    """The end of a volume in Expunging whose file is gone."""
    with transaction.atomic():
        quota.give_back(volume)
        unassign(volume)
        volume.apply(_E.DONE, expunge_due=None)
        volume.remove()
