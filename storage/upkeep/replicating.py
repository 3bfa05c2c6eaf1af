"""Public and featured templates and ISOs go to every store of their zones; what was meant for
several zones goes to a store of each."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from core.steps import Plan
from jobs.models import AsyncJob, JobStatus
from jobs.schedules import every
from jobs.submit import submit
from storage import states
from storage.jobs import templates as jobs
from storage.models import ImageStore, Template, TemplateCopy
from storage.services import stores

_AT_ONCE = 4  # copies under way at the same time, in the whole cloud
_TRY_AGAIN_AFTER = timedelta(hours=1)
_COMMAND = "replicateTemplate"


@every(60, "storage.replicate")
def replicate() -> int:
    """Begin what is missing, a few at a time; returns how many were begun."""
    running = AsyncJob.objects.filter(command=_COMMAND, status=JobStatus.PENDING).count()
    begun = 0
    for store in ImageStore.objects.filter(state=states.Stores.READY, read_only=False):
        if stores.refusal(store):
            continue
        room = _AT_ONCE - running - begun
        for template in wanted_in(store)[: max(room, 0)]:
            begun += _begin(template, store)
    return begun


def wanted_in(store: ImageStore):
    """Templates that should have a copy in the store, are whole elsewhere, and have none."""
    recent = timezone.now() - _TRY_AGAIN_AFTER
    here = TemplateCopy.objects.filter(store=store).exclude(
        Q(state=states.Copies.FAILED) & (Q(begun__lt=recent) | Q(begun=None))
    )
    spread = Q(is_public=True) | Q(is_featured=True)
    rows = Template.objects.filter(state=states.Templates.ACTIVE.value).ready()
    if store.zone_id is not None:
        rows = rows.filter(Q(zone=store.zone) | Q(zone=None))
        in_zone = TemplateCopy.objects.filter(store__zone=store.zone_id)
        # Meant for all zones: one copy in each, even when it is private.
        spread |= Q(zone=None) & ~Q(pk__in=in_zone.values("template"))
    return rows.filter(spread).exclude(pk__in=here.values("template")).order_by("pk")


def _begin(template: Template, store: ImageStore) -> int:
    with transaction.atomic():
        copy, _ = TemplateCopy.objects.get_or_create(template=template, store=store)
        submit(
            Plan(jobs.copy_to_other_store, template, {"copy": copy}, [copy]),
            account=template.account,
            command=_COMMAND,
        )
    return 1
