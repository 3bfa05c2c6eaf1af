"""Fetching, making, copying and deleting templates and ISOs."""

from __future__ import annotations

import time
from typing import Any

from django.db import transaction
from django.utils import timezone

from agent import protocol as p
from core import live
from core.errors import CloudError, ResourceUnavailable
from core.steps import Run, Step, plan
from infra import agents
from infra.models import Host
from infra.services.alerts import AlertType, raise_alert, resolve
from jobs import events
from storage import states
from storage.models import Snapshot, Template, TemplateCopy, Volume
from storage.services import bases, egress, quota, reach

_C, _CE = states.Copies, states.CopyEvent
_V, _VE = states.Volumes, states.VolumeEvent
_SHOW_EVERY_S = 0.5


class _Shown:
    """The job's ``run`` with its progress also written on the copy, where lists read it."""

    def __init__(self, run: Run, copy: TemplateCopy) -> None:
        self._run, self._copy, self._shown = run, copy, 0.0
        self.job_uuid, self.correlation_id = run.job_uuid, run.correlation_id

    def fences(self) -> dict[str, int]:
        return self._run.fences()

    def progress(self, percent: float, note: str = "") -> None:
        self._run.progress(percent, note)
        now = time.monotonic()
        if now - self._shown >= _SHOW_EVERY_S or percent >= 100:
            self._shown = now
            TemplateCopy.objects.filter(pk=self._copy.pk).update(percent=percent)
            live.changed(self._copy.template)


@plan()
def download(template: Template, *, copy: TemplateCopy, allow_file: bool = False) -> list[Step]:
    return [Step(fetch, undo=fail_copy, label="Download"), Step(settle)]


def fetch(
    run: Run, template: Template, copy: TemplateCopy, allow_file: bool = False
) -> dict[str, Any]:
    _begin(copy)
    wanted = p.DownloadImage(
        url=template.url,
        target=reach.copy_path(copy),
        format=template.format,
        checksum=template.wanted_checksum,
        rules=egress.rules(allow_file=allow_file, max_bytes=quota.left(template)),
    )
    return _bring(run, copy, "image.download", wanted, reach.host_for_store(copy.store.zone))


def _bring(run: Run, copy: TemplateCopy, operation: str, wanted: Any, host: Host) -> dict[str, Any]:
    """Have a host put the image in its place; the copy shows how far it is, or what is wrong."""
    try:
        info = agents.call(host, operation, wanted, _Shown(run, copy))
    except (p.AgentError, CloudError) as error:
        note_error(copy, error.message)
        raise
    return {
        "size_bytes": info.virtual_bytes,
        "physical_bytes": info.physical_bytes,
        "checksum": info.checksum,
        "format": info.format,
    }


def _begin(copy: TemplateCopy) -> None:
    copy.refresh_from_db()
    if copy.store is None or copy.template.state != states.Templates.ACTIVE:
        raise ResourceUnavailable(f"{copy.template.kind} {copy.template} was deleted.")
    if copy.state in (_C.ALLOCATED, _C.FAILED):
        copy.apply(_CE.CREATE, error="", percent=0, begun=timezone.now())


def note_error(copy: TemplateCopy, message: str) -> None:
    TemplateCopy.objects.filter(pk=copy.pk).update(error=message)
    live.changed(copy.template)


def settle(run: Run, template: Template, copy: TemplateCopy) -> None:
    """The copy is whole; what the image really is becomes the template's. Raises
    LimitExceeded when the owner has no room in secondary storage for it."""
    found = next(r for r in run.results.values() if isinstance(r, dict) and "checksum" in r)
    try:
        with transaction.atomic():
            copy.refresh_from_db()
            if copy.state == _C.READY:
                return
            _learn(template, found)
            copy.apply(
                _CE.DONE, percent=100, error="", physical_bytes=found["physical_bytes"],
                format=found["format"],
            )  # fmt: skip
            resolve(AlertType.UPLOAD_FAILED, template)
    except CloudError as error:
        note_error(copy, error.message)
        raise
    live.changed(template)


def _learn(template: Template, found: dict[str, Any]) -> None:
    template.refresh_from_db()
    if template.counted and template.counted_bytes != found["physical_bytes"]:
        quota.resize(template, found["physical_bytes"])
    template.size_bytes = found["size_bytes"]
    template.physical_bytes = found["physical_bytes"]
    template.checksum = found["checksum"]
    template.format = found["format"] if not template.is_iso else "ISO"
    template.save(update_fields=["size_bytes", "physical_bytes", "checksum", "format"])


def fail_copy(run: Run, template: Template, copy: TemplateCopy) -> None:
    """Nothing of the file stays; the copy says why (unless it was cancelled, in so many words)."""
    copy.refresh_from_db()
    if copy.store is None:
        return
    _delete_file(run, copy)
    with transaction.atomic():
        copy.refresh_from_db()
        template.refresh_from_db()
        error = copy.error or "It was cancelled, or could not be begun."
        if copy.state in (_C.ALLOCATED, _C.CREATING):
            copy.apply(_CE.FAILED, error=error, percent=0)
        if template.state == states.Templates.ACTIVE:
            _tell(template, copy, error, run.correlation_id)
    live.changed(template)


def _tell(template: Template, copy: TemplateCopy, error: str, correlation_id: str) -> None:
    raise_alert(
        AlertType.UPLOAD_FAILED,
        template,
        f"{template.kind} {template} is not usable",
        f"Bringing it to image store {copy.store} failed: {error}",
        zone=copy.store.zone,
    )
    events.record(
        "TEMPLATE.DOWNLOAD.FAILED",
        f"{template.name}: {error}",
        account=template.account,
        row=template,
        level="ERROR",
        correlation_id=correlation_id,
    )


# -- copies ----------------------------------------------------------------------------------


@plan()
def copy_to_other_store(template: Template, *, copy: TemplateCopy) -> list[Step]:
    return [Step(copy_image, undo=fail_copy, label="Copy the image"), Step(settle)]


def copy_image(run: Run, template: Template, copy: TemplateCopy) -> dict[str, Any]:
    _begin(copy)
    source = template.copies.filter(state=_C.READY).select_related("store").first()
    if source is None:
        note_error(copy, "no other store has it whole")
        raise CloudError(f"No image store has {template} whole any more.")
    wanted = p.CopyImage(reach.copy_path(source), reach.copy_path(copy))
    return _bring(run, copy, "image.copy", wanted, reach.host_for_store(copy.store.zone))


# -- templates made here ------------------------------------------------------------------------


@plan()
def make_from_snapshot(template: Template, *, copy: TemplateCopy, snapshot: Snapshot) -> list[Step]:
    return [Step(copy_snapshot, undo=forget_new_template), Step(settle)]


def copy_snapshot(
    run: Run, template: Template, copy: TemplateCopy, snapshot: Snapshot
) -> dict[str, Any]:
    _begin(copy)
    wanted = p.CopyImage(reach.snapshot_path(snapshot), reach.copy_path(copy))
    return _bring(run, copy, "image.copy", wanted, reach.host_for_store(copy.store.zone))


@plan()
def make_from_volume(template: Template, *, copy: TemplateCopy, volume: Volume) -> list[Step]:
    return [
        Step(copy_volume, undo=forget_new_template_free_volume),
        Step(settle),
        Step(free_volume),
    ]


def copy_volume(run: Run, template: Template, copy: TemplateCopy, volume: Volume) -> dict[str, Any]:
    _begin(copy)
    wanted = p.CopyToStore(reach.disk_ref(volume), reach.copy_path(copy))
    return _bring(run, copy, "volume.copy_to_store", wanted, reach.host_for(volume.pool))


def free_volume(volume: Volume) -> None:
    volume.refresh_from_db()
    if volume.state == _V.SNAPSHOTTING:
        volume.apply(_VE.DONE)


def forget_new_template(run: Run, template: Template, copy: TemplateCopy) -> None:
    """A template that never came to be leaves nothing behind."""
    template.refresh_from_db()
    if template.removed:
        return
    _delete_file(run, copy)
    with transaction.atomic():
        _let_go(copy)
        quota.give_back(template)
        if template.state == states.Templates.ACTIVE:
            template.apply(states.TemplateEvent.DELETE)
        template.remove()


def forget_new_template_free_volume(
    run: Run, template: Template, copy: TemplateCopy, volume: Volume
) -> None:
    forget_new_template(run, template, copy)
    free_volume(volume)


# -- the end -------------------------------------------------------------------------------------


@plan(cancellable=False)
def delete_template(template: Template) -> list[Step]:
    return [Step(delete_copies, undo=keep_template, patience_s=600), Step(drop_bases),
            Step(forget_template)]  # fmt: skip


def delete_copies(run: Run, template: Template) -> None:
    for copy in template.copies.exclude(store=None).select_related("store").order_by("pk"):
        if copy.can(_CE.DESTROY):
            copy.apply(_CE.DESTROY)
        _delete_file(run, copy)
        _let_go(copy)


def _delete_file(run: Run, copy: TemplateCopy) -> None:
    host = reach.host_for_store(copy.store.zone)
    agents.call(host, "image.delete", p.DeleteImage(reach.copy_path(copy)), run)


def _let_go(copy: TemplateCopy) -> None:
    """The file is gone, and with it the claim on the store."""
    TemplateCopy.objects.filter(pk=copy.pk).update(state=_C.DESTROYED, store=None, percent=0)


def keep_template(template: Template) -> None:
    """Still usable from the copies that are whole; what is left is tried again later."""
    template.refresh_from_db()
    whole = template.copies.filter(state=_C.READY).exists()
    if whole and template.state == states.Templates.INACTIVE and not template.removed:
        template.apply(states.TemplateEvent.KEEP)


def drop_bases(run: Run, template: Template) -> None:
    """Files on pools that nothing builds on; the others go when their last overlay goes."""
    for base in bases.unused(template).select_related("pool"):
        if base.state == _C.CREATING:
            continue
        bases.drop(run, base, host=reach.host_for(base.pool))


def forget_template(template: Template) -> None:
    with transaction.atomic():
        template.refresh_from_db()
        if template.removed:
            return
        quota.give_back(template)
        template.remove()
