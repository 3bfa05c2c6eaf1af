"""Destroyed volumes whose time is over, and template files nobody builds on any more."""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils import timezone

from agent import protocol as p
from core.config import Setting
from core.errors import CloudError
from core.steps import Plan
from infra.services.usage import users_of
from jobs.models import Trouble
from jobs.schedules import every
from jobs.submit import submit
from jobs.troubles import repair
from storage import states
from storage.jobs import volumes as jobs
from storage.models import Volume
from storage.services import bases, reach

log = logging.getLogger(__name__)

ENABLED = Setting("storage.cleanup.enabled", True, "Whether destroyed volumes are expunged.")
INTERVAL = Setting(
    "storage.cleanup.interval", 86400, "Seconds between two looks for what can be cleaned up.",
    minimum=1,
)  # fmt: skip
BASES_ENABLED = Setting(
    "storage.template.cleanup.enabled", True,
    "Whether files of deleted templates are taken off the pools.", category="Storage",
)  # fmt: skip

_AT_ONCE = 200


@every(INTERVAL.get, "storage.cleanup")
def clean_up() -> None:
    if ENABLED.get():
        expunge_due()
    if BASES_ENABLED.get():
        drop_unused_bases()


@every(60, "storage.expunge_again")
def expunge_again() -> int:
    """Those that could not be expunged are not left until the next great cleaning."""
    return expunge_due(expunge_attempts__gt=0) if ENABLED.get() else 0


def expunge_due(**which: object) -> int:
    """Submit a job for each destroyed volume that is due; returns how many."""
    due = Volume.objects.filter(
        state=states.Volumes.DESTROY, expunge_due__lte=timezone.now(), **which
    )
    return sum(_expunge(volume) for volume in due.order_by("expunge_due")[:_AT_ONCE])


def _expunge(volume: Volume) -> bool:
    """A volume that a machine in the bin still has comes back with it, so it waits."""
    if users_of(volume):
        return False
    try:
        with transaction.atomic():
            volume.apply(states.VolumeEvent.EXPUNGE)
            submit(
                Plan(jobs.expunge_volume, volume),
                account=volume.account,
                command="expungeVolume",
                event_type="VOLUME.DELETE",
            )
    except CloudError:
        return False  # somebody recovered or expunged it just now
    return True


@repair("storage.expunge_again")
def expunge_now(trouble: Trouble) -> bool:
    volume = Volume.objects.filter(uuid=trouble.resource_uuid).first()
    return volume is not None and _expunge(volume)


def drop_unused_bases() -> int:
    dropped = 0
    for base in bases.unused().select_related("pool", "template"):
        try:
            bases.drop(None, base, host=reach.host_for(base.pool))
            dropped += 1
        except p.AgentError as error:
            log.info("template file %s stays: %s", base, error)
    return dropped
