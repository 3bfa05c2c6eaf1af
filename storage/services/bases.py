"""Templates on pools: the files that overlays build on. Brought there once, however many
deployments ask at the same time."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from agent import protocol as p
from core.errors import ResourceUnavailable
from core.steps import Later, Run
from infra import agents
from infra.models import Host, Zone
from jobs.models import AsyncJob, JobStatus
from storage import states
from storage.models import PoolTemplate, StoragePool, Template, TemplateCopy, Volume
from storage.services import reach, space

_WAIT_S = 0.5
_USE_S = timedelta(minutes=1)
_Copies, _Event = states.Copies, states.CopyEvent


def source_copy(template: Template, zone: Zone) -> TemplateCopy:
    """A whole copy in a store that the zone reaches. Raises ResourceUnavailable."""
    copies = template.copies.filter(state=_Copies.READY).select_related("store")
    in_zone = [c for c in copies if c.store.zone_id in (None, zone.pk)]
    if not in_zone:
        kind = "ISO" if template.is_iso else "Template"
        raise ResourceUnavailable(
            f"{kind} {template} is not ready in zone {zone}; wait for its download to end."
        )
    return in_zone[0]


def ensure(run: Run, template: Template, pool: StoragePool, host: Host) -> PoolTemplate:
    """The template's file is on the pool, brought there by this job or by another.

    A job that finds another one at it sleeps until that is done; if that one dies or fails,
    the next takes over. Raises InsufficientCapacity, ResourceUnavailable, AgentError.
    """
    base = _row(template, pool)
    if base.state == _Copies.READY:
        _note_use(base)
        return base
    if not _claim(base, run.job_uuid):
        raise Later(_WAIT_S, f"Waits until template {template} is on storage pool {pool}.")
    try:
        copy = source_copy(template, pool.zone)
        wanted = p.InstallTemplate(reach.copy_path(copy), reach.base_ref(base))
        reach.on_pool(host, pool, "volume.install_template", wanted, run)
    except Exception as error:
        if not getattr(error, "transient", False):
            _give_up(base, run.job_uuid, str(error))
        raise
    mine = PoolTemplate.objects.filter(pk=base.pk, installer=run.job_uuid)
    mine.update(state=_Copies.READY, installer=None, last_used=timezone.now())
    base.refresh_from_db()
    return base


def _note_use(base: PoolTemplate) -> None:
    """To the minute: a thousand deployments of one template do not wait for one row."""
    now = timezone.now()
    if base.last_used is None or base.last_used < now - _USE_S:
        PoolTemplate.objects.filter(pk=base.pk).update(last_used=now)


def give_up(run: Run, template: Template | None, pool: StoragePool | None) -> None:
    """Undo of ``ensure``: whoever needs the file next brings it there."""
    if template is None or pool is None:
        return
    for base in PoolTemplate.objects.filter(template=template, pool=pool):
        _give_up(base, run.job_uuid, "the job that brought it there was undone")


def _row(template: Template, pool: StoragePool) -> PoolTemplate:
    found = PoolTemplate.objects.filter(template=template, pool=pool).first()
    if found is not None:
        found.template, found.pool = template, pool
        return found
    with transaction.atomic():
        # The pool's row is locked first, so that of two only one makes the row and reserves.
        StoragePool.objects.select_for_update().get(pk=pool.pk)
        found = PoolTemplate.objects.filter(template=template, pool=pool).first()
        if found is None:
            space.reserve(pool, template.physical_bytes)
            found = PoolTemplate.objects.create(
                template=template, pool=pool, reserved_bytes=template.physical_bytes
            )
    return found


def _claim(base: PoolTemplate, job_uuid: str) -> bool:
    """Become the one that brings the file there. False while another does, or one deletes it."""
    base.refresh_from_db()
    if base.state == _Copies.CREATING and str(base.installer) == job_uuid:
        return True
    holder = base.installer
    if holder and AsyncJob.objects.filter(uuid=holder, status=JobStatus.PENDING).exists():
        return False
    if base.state == _Copies.DESTROYING:
        return False
    free = PoolTemplate.objects.filter(pk=base.pk, state=base.state, installer=holder)
    return bool(free.update(state=_Copies.CREATING, installer=job_uuid, error=""))


def _give_up(base: PoolTemplate, job_uuid: str, reason: str) -> None:
    mine = PoolTemplate.objects.filter(pk=base.pk, installer=job_uuid, state=_Copies.CREATING)
    mine.update(state=_Copies.FAILED, installer=None, error=reason)


def bind(volume: Volume, base: PoolTemplate) -> None:
    """Have the volume hold on to its base, before its overlay is made. In a transaction.

    Raises ResourceUnavailable when the base is just being deleted.
    """
    ready = PoolTemplate.objects.select_for_update().filter(pk=base.pk, state=_Copies.READY)
    if not ready.values_list("pk").first():
        raise ResourceUnavailable(
            f"Template {base.template} is just leaving storage pool {base.pool}; try again."
        )
    Volume.everything.filter(pk=volume.pk).update(base=base)
    volume.base = base


# -- letting go ----------------------------------------------------------------------------


def unused(template: Template | None = None):
    """Bases that nothing builds on, of one template or of all that were deleted, and those
    that never came to be."""
    rows = PoolTemplate.objects.filter(overlays=None)
    if template is not None:
        return rows.filter(template=template)
    return rows.exclude(template__removed=None) | rows.filter(
        state__in=(_Copies.FAILED, _Copies.DESTROYING)
    )


def drop(run: Run | None, base: PoolTemplate, *, host: Host | None) -> None:
    """Delete the file and the row. Raises VolumeInUse while overlays build on it.

    ``host`` None: none is left that could delete the file (a forced removal).
    """
    with transaction.atomic():
        held = PoolTemplate.objects.select_for_update().filter(pk=base.pk).first()
        if held is None:
            return
        if Volume.everything.filter(base=held).exists():
            raise p.VolumeInUse(f"Volumes build on template {base.template} on {base.pool}.")
        PoolTemplate.objects.filter(pk=held.pk).update(state=_Copies.DESTROYING, installer=None)
    if host is not None:
        wanted = p.VolumeRef(reach.base_ref(base))
        agents.call(host, "volume.delete", wanted, run)
    with transaction.atomic():
        held = PoolTemplate.objects.select_for_update().filter(pk=base.pk).first()
        if held is not None:
            space.release(held.pool_id, held.reserved_bytes)
            held.delete()
