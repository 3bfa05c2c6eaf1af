"""What is forgotten in time: old jobs and events, spent secrets, stale sessions and counters."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts.directories import signing_in
from accounts.saml import providers as saml_providers
from accounts.saml import settings as saml_settings
from accounts.saml import signing_in as saml_sign_ins
from accounts.services import invitations, keys, recounting, sessions, throttle
from core.config import Setting
from jobs import history, leases
from jobs.models import AsyncJob, Event, JobStatus, Trouble
from jobs.schedules import every

EVENTS_KEPT_DAYS = Setting(
    "event.purge.delay", 15, "Events older than so many days are deleted; 0: never.", minimum=0
)
EVENTS_PURGED_EVERY_S = Setting(
    "event.purge.interval", 86400, "Seconds between two looks for old events; 0: never.", minimum=0
)
EVENTS_LISTED_DAYS = Setting(
    "event.archive.delay", 0,
    "Events older than so many days are archived: off the list, still to be looked up; 0: never.",
    minimum=0,
)  # fmt: skip
JOBS_KEPT_MINUTES = Setting(
    "job.expire.minutes", 1440, "Jobs that ended so many minutes ago are forgotten.", minimum=1
)
COUNTED_EVERY_S = Setting(
    "resourcecount.check.interval", 300,
    "Seconds between two counts of what accounts really use; 0: never.", minimum=0,
)  # fmt: skip

_DAY_S = 86400
_AT_ONCE = 500
_REPLY_SHOWN_FOR = timedelta(hours=1)


@every(EVENTS_PURGED_EVERY_S.get, "jobs.purge_events")
def purge_events() -> int:
    days = EVENTS_KEPT_DAYS.get()
    if not days:
        return 0
    return history.delete(Event.objects.filter(created__lt=timezone.now() - timedelta(days=days)))


@every(EVENTS_PURGED_EVERY_S.get, "jobs.archive_events")
def archive_events() -> int:
    days = EVENTS_LISTED_DAYS.get()
    if not days:
        return 0
    return history.archive(Event.objects.filter(created__lt=timezone.now() - timedelta(days=days)))


@every(3600, "jobs.purge_jobs")
def purge_jobs() -> int:
    limit = timezone.now() - timedelta(minutes=JOBS_KEPT_MINUTES.get())
    old = AsyncJob.objects.filter(completed__lt=limit).exclude(status=JobStatus.PENDING)
    gone = 0
    while keys := list(old.order_by("pk").values_list("pk", flat=True)[:_AT_ONCE]):
        AsyncJob.objects.filter(pk__in=keys).delete()
        gone += len(keys)
    return gone


@every(300, "jobs.forget_replies")
def forget_replies() -> int:
    """Secrets in finished jobs were there for whoever asked; by now it has asked."""
    limit = timezone.now() - _REPLY_SHOWN_FOR
    recent = AsyncJob.objects.filter(completed__lt=limit, completed__gte=limit - timedelta(days=1))
    spent = [pk for pk, sealed in recent.values_list("pk", "sealed") if sealed]
    return AsyncJob.objects.filter(pk__in=spent).update(sealed={})


@every(_DAY_S, "jobs.prune_leases")
def prune_leases() -> int:
    return leases.prune(unused_for_s=7 * _DAY_S)


@every(_DAY_S, "jobs.forget_troubles")
def forget_troubles() -> int:
    """Troubles that are over stay to be looked up for a month."""
    limit = timezone.now() - timedelta(days=30)
    return Trouble.objects.filter(closed__lt=limit).delete()[0]


@every(600, "accounts.sweep_sign_ins")
def sweep_sign_ins() -> int:
    return sessions.sweep() + throttle.sweep() + keys.sweep() + saml_sign_ins.sweep()


@every(saml_settings.REFRESH_S.get, "accounts.refresh_idps")
def refresh_idps() -> int:
    return saml_providers.refresh_quietly()


@every(600, "accounts.follow_ldap_links")
def follow_ldap_links() -> int:
    return signing_in.follow_links()


@every(600, "accounts.expire_invitations")
def expire_invitations() -> int:
    return invitations.expire()


@every(COUNTED_EVERY_S.get, "accounts.recount")
def recount() -> int:
    return recounting.mend()
