"""What happens to volumes by themselves; those in machines are compute's, with these steps."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from agent import protocol as p
from core import live
from core.steps import Run, Step, plan
from infra.models import Host
from jobs.troubles import close_troubles, open_trouble
from storage import states
from storage.models import DiskOffering, Volume
from storage.services import allocation, disks, quota, reach, space

_V, _E = states.Volumes, states.VolumeEvent
_TELL_AFTER = 5  # failed tries to expunge before a person is told


@plan()
def create_volume(volume: Volume) -> list[Step]:
    """A volume without a machine has a file only if it comes from a snapshot."""
    return [Step(make_file, undo=unmake, label="Make the volume")]


def make_file(run: Run, volume: Volume) -> None:
    volume.refresh_from_db()
    if volume.snapshot_id and volume.pool_id:
        disks.create_on_pool(run, volume, reach.host_for(volume.pool))


def unmake(run: Run, volume: Volume) -> None:
    disks.delete_file(run, volume)
    allocation.discard(volume)


@plan(cancellable=False)
def destroy_volume(volume: Volume) -> list[Step]:
    return [Step(stay_destroyed)]


def stay_destroyed() -> None:
    """The request did it all; the job is what clients wait for."""


@plan(cancellable=False)
def expunge_volume(volume: Volume) -> list[Step]:
    return [Step(delete_file_and_row, undo=back_to_destroy, label="Delete the volume's file")]


def delete_file_and_row(run: Run, volume: Volume) -> None:
    disks.expunge(run, volume)
    close_troubles(volume)


def back_to_destroy(run: Run, volume: Volume) -> None:
    """It is tried again later, ever more seldom; after some tries a person is told."""
    with transaction.atomic():
        volume.refresh_from_db()
        if volume.removed or volume.state != _V.EXPUNGING:
            return
        attempts = volume.expunge_attempts + 1
        pause = timedelta(minutes=min(2**attempts, 24 * 60))
        volume.apply(_E.FAILED, expunge_attempts=attempts, expunge_due=timezone.now() + pause)
        if attempts >= _TELL_AFTER:
            open_trouble(
                "volume-cannot-be-expunged", volume,
                f"Volume {volume} could not be expunged {attempts} times; its file on "
                f"{volume.pool_name or 'no pool'} may still be there.",
                evidence={"pool": volume.pool_name, "path": volume.path, "attempts": attempts,
                          "job": run.job_uuid},
                repair="storage.expunge_again",
            )  # fmt: skip


@plan()
def update_volume(volume: Volume, *, changes: dict[str, object]) -> list[Step]:
    return [Step(save_changes)]


def save_changes(volume: Volume, changes: dict[str, object]) -> None:
    Volume.objects.filter(pk=volume.pk).update(**changes)
    live.changed(volume)


# -- resize --------------------------------------------------------------------------------


@plan(cancellable=False)
def resize_volume(
    volume: Volume,
    *,
    size_bytes: int,
    offering: DiskOffering | None = None,
    shrink_ok: bool = False,
    domain_uuid: str = "",
    device_id: int = 0,
    host: Host | None = None,
) -> list[Step]:
    return [Step(resize_file, undo=keep_size), Step(note_size)]


def resize_file(
    run: Run,
    volume: Volume,
    size_bytes: int,
    shrink_ok: bool = False,
    domain_uuid: str = "",
    device_id: int = 0,
    host: Host | None = None,
) -> None:
    volume.refresh_from_db()
    if volume.pool is None:
        return
    wanted = p.ResizeVolume(reach.disk_ref(volume), size_bytes, shrink_ok, domain_uuid, device_id)
    host = host or reach.host_for(volume.pool)
    reach.on_pool(host, volume.pool, "volume.resize", wanted, run)


def keep_size(
    run: Run,
    volume: Volume,
    size_bytes: int,
    offering: DiskOffering | None = None,
    host: Host | None = None,
) -> None:
    """What was promised for growing goes back, unless the file did change its size before the
    host's answer was lost: then that is the size it has."""
    volume.refresh_from_db()
    if volume.state not in (_V.RESIZING, _V.ALLOCATED):
        return
    if volume.pool is not None:
        wanted = p.VolumeRef(reach.disk_ref(volume))
        host = host or reach.host_for(volume.pool)
        info = reach.on_pool(host, volume.pool, "volume.info", wanted, run)
        if info.virtual_bytes == size_bytes != volume.size_bytes:
            note_size(volume, size_bytes, offering)
            return
    with transaction.atomic():
        if volume.state == _V.RESIZING:
            volume.apply(_E.FAILED)
        _settle(volume, volume.size_bytes, _tags_before(volume, offering))


def _tags_before(volume: Volume, offering: DiskOffering | None) -> list[str] | None:
    if offering is None:
        return None
    if volume.disk_offering is not None:
        return volume.disk_offering.tags
    return sorted(set(volume.counted_tags.split(",")) - {t.lower() for t in offering.tags})


def note_size(volume: Volume, size_bytes: int, offering: DiskOffering | None = None) -> None:
    with transaction.atomic():
        volume.refresh_from_db()
        also = {"size_bytes": size_bytes}
        if offering is not None:
            also["disk_offering"] = offering
        if volume.state == _V.RESIZING:
            volume.apply(_E.DONE, **also)
        else:
            Volume.objects.filter(pk=volume.pk).update(**also)
            live.changed(volume)
        _settle(volume, size_bytes, offering.tags if offering else None)


def _settle(volume: Volume, size_bytes: int, tags: list[str] | None) -> None:
    """Counted and promised are what the volume really has."""
    if volume.counted:
        quota.resize(volume, size_bytes, tags=tags, forced=True)
    if volume.pool_id is not None and volume.reserved_bytes != size_bytes:
        space.release(volume.pool_id, volume.reserved_bytes - size_bytes)
        Volume.objects.filter(pk=volume.pk).update(reserved_bytes=size_bytes)
