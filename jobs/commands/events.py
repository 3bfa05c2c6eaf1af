from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from django.db.models import Q, QuerySet

from accounts.caller import Caller
from core.commands import USER, Between, Filter, Operate, command, listing
from core.responses import SUCCESS
from jobs import history, responses
from jobs.models import Event
from jobs.resources import about


@listing(
    Event,
    response=responses.event,
    roles=USER,
    keyword=("description", "type", "resource_name"),
    order=("-pk",),
)
def listEvents(
    caller: Caller,
    rows: QuerySet,
    type: Annotated[str | None, Filter("type"), "Only of this type"] = None,
    level: Annotated[
        Literal["INFO", "WARN", "ERROR"] | None, Filter("level"), "Only of this level"
    ] = None,
    state: Annotated[
        Literal["Created", "Scheduled", "Started", "Completed"] | None,
        Filter("state"),
        "Only in this state",
    ] = None,
    startdate: Annotated[datetime | None, Filter("created__gte"), "Only since then"] = None,
    enddate: Annotated[datetime | None, Filter("created__lte"), "Only until then"] = None,
    resourceid: Annotated[str | None, "Only about this thing, by its uuid"] = None,
    resourcetype: Annotated[
        str | None, Filter("resource_type__iexact"), "Only about such things"
    ] = None,
    startid: Annotated[Event | None, "Only this event and those that followed from it"] = None,
    archived: Annotated[bool, "Those that were archived instead"] = False,
    entrytime: Annotated[
        int | None, Between(0), "With duration: what began in so many seconds and has not ended"
    ] = None,
    duration: Annotated[
        int | None, Between(0), "With entrytime: and began at least so many seconds ago"
    ] = None,
) -> QuerySet:
    """Lists what happened, the latest first."""
    if entrytime is not None or duration is not None:
        rows = history.pending(rows, entrytime, duration)
    if startid is not None:
        rows = rows.filter(Q(pk=startid.pk) | Q(parent=startid))
    return about(rows, "resource_uuid", resourceid).filter(archived__in=(archived,))


@command(roles=USER, response=responses.eventtype)
def listEventTypes(caller: Caller) -> list[dict[str, str]]:
    """Lists the types of events there can be."""
    return [{"name": name} for name in history.event_types()]


@command(roles=USER, response=SUCCESS)
def archiveEvents(
    caller: Caller,
    ids: Annotated[list[Event] | None, Operate, "These events"] = None,
    type: Annotated[str | None, "Those of this type"] = None,
    startdate: Annotated[datetime | None, "Those since then"] = None,
    enddate: Annotated[datetime | None, "Those until then"] = None,
) -> None:
    """Takes events out of the common list; they can still be looked up."""
    history.archive(history.chosen(caller, ids, type, startdate, enddate))


@command(roles=USER, response=SUCCESS)
def deleteEvents(
    caller: Caller,
    ids: Annotated[list[Event] | None, Operate, "These events"] = None,
    type: Annotated[str | None, "Those of this type"] = None,
    startdate: Annotated[datetime | None, "Those since then"] = None,
    enddate: Annotated[datetime | None, "Those until then"] = None,
) -> None:
    """Deletes events for good."""
    history.delete(history.chosen(caller, ids, type, startdate, enddate))
