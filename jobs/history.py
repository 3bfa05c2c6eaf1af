"""The record of what happened: choosing from it, and forgetting."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.caller import Caller
from core.commands import COMMANDS
from core.errors import InvalidParameter
from jobs.models import Event

_AT_ONCE = 1000


def event_types() -> list[str]:
    return sorted({c.event for c in COMMANDS.values() if c.event} | {"USER.LOGIN", "USER.LOGOUT"})


def chosen(
    caller: Caller,
    ids: Sequence[Event] | None,
    kind: str | None,
    since: datetime | None,
    until: datetime | None,
) -> QuerySet:
    """The caller's events that meet all that is given; something must be."""
    if ids is None and not kind and since is None and until is None:
        raise InvalidParameter("Say which events: give ids, type, startdate or enddate.")
    rows = Event.objects.all().operable_by(caller)
    if ids is not None:
        rows = rows.filter(pk__in=[e.pk for e in ids])
    if kind:
        rows = rows.filter(type=kind)
    if since is not None:
        rows = rows.filter(created__gte=since)
    return rows.filter(created__lte=until) if until is not None else rows


def pending(rows: QuerySet, entry_s: int | None, duration_s: int | None) -> QuerySet:
    """What began at most ``entry_s`` and at least ``duration_s`` seconds ago, and has not ended."""
    if entry_s is None or duration_s is None or entry_s <= duration_s:
        raise InvalidParameter("Give entrytime and duration together, entrytime the longer one.")
    now = timezone.now()
    ended = Event.objects.filter(parent=OuterRef("pk"), state="Completed")
    return rows.filter(
        ~Exists(ended),
        state="Scheduled",
        created__gte=now - timedelta(seconds=entry_s),
        created__lte=now - timedelta(seconds=duration_s),
    )


def archive(rows: QuerySet) -> int:
    """In bites too: a year of events is no single statement. Returns how many."""
    done, rows = 0, rows.filter(archived=False)
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:_AT_ONCE]):
        done += Event.objects.filter(pk__in=keys).update(archived=True)
    return done


def delete(rows: QuerySet) -> int:
    """In bites, so that nobody waits long for a lock. Returns how many."""
    gone = 0
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:_AT_ONCE]):
        Event.objects.filter(pk__in=keys).delete()
        gone += len(keys)
    return gone
