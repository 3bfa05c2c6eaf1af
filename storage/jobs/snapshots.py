"""Taking, deleting and going back to volume snapshots."""

from __future__ import annotations

from django.db import transaction

from agent import protocol as p
from core.steps import Run, Step, plan
from infra import agents
from infra.models import Host
from storage import states
from storage.models import Snapshot, Volume
from storage.services import quota, reach

_S, _SE = states.Snapshots, states.SnapshotEvent
_V, _VE = states.Volumes, states.VolumeEvent


@plan()
def take_snapshot(
    snapshot: Snapshot,
    *,
    volume: Volume,
    domain_uuid: str = "",
    device_id: int = 0,
    quiesce: bool = False,
    host: Host | None = None,
) -> list[Step]:
    return [
        Step(copy_to_store, undo=drop_snapshot, label="Copy the volume to secondary storage"),
        Step(mark_taken),
    ]


def copy_to_store(
    run: Run,
    snapshot: Snapshot,
    volume: Volume,
    domain_uuid: str = "",
    device_id: int = 0,
    quiesce: bool = False,
    host: Host | None = None,
) -> dict[str, int]:
    wanted = p.SnapshotVolume(
        reach.disk_ref(volume), reach.snapshot_path(snapshot), domain_uuid, device_id, quiesce
    )
    host = host or reach.host_for(volume.pool)
    info = reach.on_pool(host, volume.pool, "volume.snapshot", wanted, run)
    return {"size_bytes": info.virtual_bytes, "physical_bytes": info.physical_bytes}


def drop_snapshot(run: Run, snapshot: Snapshot, volume: Volume) -> None:
    """No file, nothing counted, no row to be seen; the volume is free again."""
    snapshot.refresh_from_db()
    if not snapshot.removed:
        host = reach.host_for_store(snapshot.zone)
        agents.call(host, "image.delete", p.DeleteImage(reach.snapshot_path(snapshot)), run)
    with transaction.atomic():
        if not snapshot.removed:
            if snapshot.state == _S.CREATING:
                snapshot.apply(_SE.FAILED)
            quota.give_back(snapshot)
            snapshot.remove()
        free_volume(volume)


def mark_taken(run: Run, snapshot: Snapshot, volume: Volume) -> None:
    found = run.results["copy_to_store"]
    with transaction.atomic():
        snapshot.refresh_from_db()
        if snapshot.state == _S.CREATING:
            snapshot.apply(_SE.TAKEN, **found)
            # Promised as large as the volume; counted as large as it came out.
            quota.resize(snapshot, found["physical_bytes"], forced=True)
        free_volume(volume)


def free_volume(volume: Volume) -> None:
    volume.refresh_from_db()
    if volume.state == _V.SNAPSHOTTING:
        volume.apply(_VE.DONE)


@plan(cancellable=False)
def delete_snapshot(snapshot: Snapshot) -> list[Step]:
    return [Step(delete_image, undo=keep_snapshot, patience_s=600), Step(forget_snapshot)]


def delete_image(run: Run, snapshot: Snapshot) -> None:
    if snapshot.store_id is not None:
        host = reach.host_for_store(snapshot.zone)
        agents.call(host, "image.delete", p.DeleteImage(reach.snapshot_path(snapshot)), run)


def keep_snapshot(snapshot: Snapshot) -> None:
    snapshot.refresh_from_db()
    if snapshot.state == _S.DESTROYING and not snapshot.removed:
        snapshot.apply(_SE.FAILED)


def forget_snapshot(snapshot: Snapshot) -> None:
    with transaction.atomic():
        snapshot.refresh_from_db()
        if snapshot.removed:
            return
        quota.give_back(snapshot)
        Snapshot.objects.filter(pk=snapshot.pk).update(store=None)
        snapshot.apply(_SE.DONE)
        snapshot.remove()


@plan(cancellable=False)
def revert_volume(snapshot: Snapshot, *, volume: Volume, host: Host | None = None) -> list[Step]:
    return [Step(put_back, undo=end_revert, label="Put the snapshot's bytes back"),
            Step(mark_reverted)]  # fmt: skip


def put_back(run: Run, snapshot: Snapshot, volume: Volume, host: Host | None = None) -> None:
    wanted = p.RevertVolume(
        reach.snapshot_path(snapshot), reach.disk_ref(volume), volume.size_bytes
    )
    host = host or reach.host_for(volume.pool)
    reach.on_pool(host, volume.pool, "volume.revert", wanted, run)


def end_revert(volume: Volume) -> None:
    volume.refresh_from_db()
    if volume.state == _V.REVERTING:
        volume.apply(_VE.FAILED)


def mark_reverted(volume: Volume) -> None:
    """The file is whole now: it builds on no template any more."""
    volume.refresh_from_db()
    if volume.state == _V.REVERTING:
        volume.apply(_VE.DONE, base=None)
