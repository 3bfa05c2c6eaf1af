"""Rows in a state that only a job may leave, without one: brought to a state that is true.

Such a row comes of a restored database or of a defect; jobs themselves resume or unwind.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import transaction

from core.steps import Plan, Run, Step, plan
from infra.services.usage import users_of
from jobs.models import AsyncJob, JobStatus
from jobs.schedules import every
from jobs.submit import submit
from storage import states
from storage.jobs import snapshots as snapshot_jobs
from storage.jobs import templates as template_jobs
from storage.jobs import volumes as volume_jobs
from storage.models import Snapshot, Template, TemplateCopy, Volume
from storage.services import disks

log = logging.getLogger(__name__)

_V, _VE = states.Volumes, states.VolumeEvent
_BUSY = (_V.CREATING, _V.EXPUNGING, _V.SNAPSHOTTING, _V.RESIZING, _V.REVERTING, _V.ATTACHING)


@every(60, "storage.mend")
def mend_all() -> int:
    """Returns how many rows were without a job."""
    found = [
        *_mend(Volume.objects.filter(state__in=_BUSY), _BUSY, _mend_volume),
        *_mend(Snapshot.objects.filter(state__in=_SNAPSHOT_BUSY), _SNAPSHOT_BUSY, _mend_snapshot),
        *_mend(
            Template.objects.filter(state=states.Templates.INACTIVE.value),
            (states.Templates.INACTIVE,),
            _mend_template,
        ),
        *_mend(
            TemplateCopy.objects.filter(state__in=_COPY_BUSY, store__state=states.Stores.READY),
            _COPY_BUSY,
            _mend_copy,
        ),
    ]
    for row in found:
        log.warning("%s %s was %s without a job; mending it", type(row).__name__, row, row.state)
    return len(found)


def _mend(rows, busy: tuple[str, ...], mend: Callable) -> list:
    done = []
    for row in rows.order_by("pk")[:100]:
        with transaction.atomic():
            # A row's state and the job that may leave it are committed together: with the
            # row locked, no job means that none will come.
            held = type(row)._base_manager.select_for_update().filter(pk=row.pk).first()
            if held is not None and held.state in busy and not has_job(held) and mend(held):
                done.append(held)
    return done


def has_job(row) -> bool:
    """Whether a job that has not ended names the row: as its subject, argument or lease."""
    name = f"{row._meta.model_name}:{row.uuid}"
    mark = {"__row__": row._meta.label_lower, "pk": row.pk}
    pending = AsyncJob.objects.filter(status=JobStatus.PENDING)
    for subject, args, resources in pending.values_list("subject", "args", "resources"):
        if subject == mark or name in resources or _names(args, mark):
            return True
    return False


def _names(value: object, mark: dict[str, object]) -> bool:
    if value == mark:
        return True
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_names(v, mark) for v in inner)


def _submit(kind: Callable, row, args: dict | None = None, resources: list | None = None) -> None:
    account = row.account if hasattr(row, "account_id") else row.template.account
    submit(Plan(kind, row, args or {}, resources or []), account=account, command="mend")


@plan(cancellable=False)
def clear_volume(volume: Volume) -> list[Step]:
    return [Step(clear_file)]


def clear_file(run: Run, volume: Volume) -> None:
    disks.delete_file(run, volume)


def _mend_volume(volume: Volume) -> bool:
    """One that a machine has is mended with the machine, by who knows machines."""
    if users_of(volume):
        return False
    if volume.state == _V.EXPUNGING:
        _submit(volume_jobs.expunge_volume, volume)
    elif volume.state == _V.CREATING:
        _submit(clear_volume, volume)
    elif volume.state == _V.RESIZING:
        wanted = volume.reserved_bytes or volume.size_bytes
        _submit(volume_jobs.resize_volume, volume, {"size_bytes": wanted})
    else:
        volume.apply(_VE.FAILED)
    return True


_SNAPSHOT_BUSY = (states.Snapshots.CREATING, states.Snapshots.DESTROYING)


def _mend_snapshot(snapshot: Snapshot) -> bool:
    _submit(snapshot_jobs.delete_snapshot, snapshot)
    if snapshot.state == states.Snapshots.CREATING:
        snapshot.apply(states.SnapshotEvent.FAILED)
        snapshot.apply(states.SnapshotEvent.DESTROY)
    return True


def _mend_template(template: Template) -> bool:
    _submit(template_jobs.delete_template, template)
    return True


_COPY_BUSY = (states.Copies.CREATING, states.Copies.ALLOCATED)


def _mend_copy(copy: TemplateCopy) -> bool:
    template = copy.template
    if template.state != states.Templates.ACTIVE or has_job(template) or not template.url:
        return False
    args = {"copy": copy}
    if template.copies.filter(state=states.Copies.READY).exists():
        kind = template_jobs.copy_to_other_store
    else:
        kind = template_jobs.download
        args["allow_file"] = template.url.startswith("file:")
    plan_ = Plan(kind, template, args, [copy])
    submit(plan_, account=template.account, command="mend")
    return True
