"""What is done to a volume's file on a host: bodies of steps, for plans here and in compute.

Each brings the world and the row to one end and is harmless when repeated. Rows are read
anew first: a step may run long after its plan was made, or for the second time.
"""

from __future__ import annotations

from django.db import transaction

from agent import protocol as p
from core.steps import Run
from infra.models import Host
from storage import states
from storage.models import PoolTemplate, StoragePool, Template, Volume
from storage.services import allocation, bases, reach

_V, _E = states.Volumes, states.VolumeEvent


def ensure_template_on_pool(
    run: Run, template: Template, pool: StoragePool, host: Host
) -> PoolTemplate:
    """The template is on the pool, ready to be built on; see ``bases.ensure``."""
    return bases.ensure(run, template, pool, host)


def give_up_template(run: Run, template: Template | None, pool: StoragePool | None) -> None:
    """Undo of ``ensure_template_on_pool``: another job may bring it there."""
    bases.give_up(run, template, pool)


def create_on_pool(run: Run, volume: Volume, host: Host) -> None:
    """The volume's file is on its pool: empty, on top of its template, or a snapshot's copy.

    Allocated → Creating → Ready. Raises AgentError, ResourceUnavailable, InsufficientCapacity.
    """
    volume.refresh_from_db(from_queryset=Volume.everything.select_related("pool", "template"))
    create_file(run, volume, host)


def create_file(run: Run, volume: Volume, host: Host) -> None:
    """``create_on_pool`` of a row that was read just now."""
    if volume.state == _V.READY:
        return
    if volume.snapshot_id and volume.snapshot.store_id:
        _begin(volume)
        info = _copy_snapshot(run, volume, host)
    else:
        info = _create(run, volume, host)
    volume.apply(_E.DONE, physical_bytes=info.physical_bytes)


def _begin(volume: Volume) -> None:
    if volume.state == _V.ALLOCATED:
        volume.apply(_E.CREATE)


def _create(run: Run, volume: Volume, host: Host) -> p.VolumeInfo:
    template = volume.template
    base = None
    if template is not None and not template.is_iso:
        base = bases.ensure(run, template, volume.pool, host)
    with transaction.atomic():
        if base is not None:
            bases.bind(volume, base)
        _begin(volume)
    wanted = p.CreateVolume(
        reach.disk_ref(volume),
        volume.size_bytes,
        base=reach.base_ref(base) if base else None,
        provisioning=volume.provisioning,
    )
    info = reach.on_pool(host, volume.pool, "volume.create", wanted, run)
    if base is not None and not info.backing:
        Volume.objects.filter(pk=volume.pk).update(base=None)  # a full copy stands alone
        volume.base = None
    return info


def _copy_snapshot(run: Run, volume: Volume, host: Host) -> p.VolumeInfo:
    source = reach.snapshot_path(volume.snapshot)
    wanted = p.CopyToPool(source, reach.disk_ref(volume), volume.size_bytes)
    return reach.on_pool(host, volume.pool, "volume.copy_to_pool", wanted, run)


def delete_file(run: Run, volume: Volume, host: Host | None = None) -> None:
    """Undo of ``create_on_pool``: no file, no pool, the volume is Allocated again.

    ``host`` defaults to one that reaches the pool. A volume past that is left alone.
    """
    volume.refresh_from_db()
    if volume.removed or volume.state not in (_V.ALLOCATED, _V.CREATING, _V.READY):
        return
    _delete(run, volume, host)
    with transaction.atomic():
        if volume.state != _V.ALLOCATED:
            volume.apply(_E.UNMAKE)
        allocation.unassign(volume)


def expunge(run: Run, volume: Volume, host: Host | None = None) -> None:
    """Whatever the volume was, nothing is left of it: no file, no promise, nothing counted."""
    volume.refresh_from_db()
    if volume.removed:
        return
    if volume.state in (_V.ALLOCATED, _V.CREATING, _V.READY):
        volume.apply(_E.DESTROY)
    if volume.state == _V.DESTROY:
        volume.apply(_E.EXPUNGE)
    _delete(run, volume, host)
    allocation.forget(volume)


def _delete(run: Run, volume: Volume, host: Host | None) -> None:
    if volume.pool is None or not volume.path:
        return
    host = host or reach.host_for(volume.pool)
    reach.on_pool(host, volume.pool, "volume.delete", p.VolumeRef(reach.disk_ref(volume)), run)
