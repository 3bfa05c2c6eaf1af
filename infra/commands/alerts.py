"""Alerts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.db.models import QuerySet

from accounts.caller import Caller
from core.commands import ADMIN, RESOURCE_ADMIN, Filter, Operate, Use, command, listing
from core.errors import InvalidParameter
from core.responses import SUCCESS
from infra.models import Alert, Pod, Zone
from infra.responses import alert, alerttype
from infra.services import alerts

Ids = Annotated[list[Alert] | None, Operate, "These alerts"]
Start = Annotated[datetime | None, "Alerts raised at or after this time"]
End = Annotated[datetime | None, "Alerts raised up to this time"]
Type = Annotated[str | None, "Alerts of this type, by number or name"]


@listing(Alert, response=alert, roles=RESOURCE_ADMIN, keyword=("name", "description"),
         order=("-sent", "-pk"))  # fmt: skip
def listAlerts(
    caller: Caller,
    rows: QuerySet,
    name: Annotated[str | None, Filter("name"), "Only of this name"] = None,
    type: Annotated[str | None, "Only of this type, by number or name"] = None,
    zoneid: Annotated[Zone | None, Filter("zone"), "Only about this zone"] = None,
    archived: Annotated[bool, "Show what was archived instead"] = False,
    resolved: Annotated[bool | None, "Only problems that are gone, or that are not"] = None,
    acknowledged: Annotated[bool | None, "Only those somebody took on, or nobody"] = None,
) -> QuerySet:
    """Lists alerts, the newest first."""
    rows = rows.filter(archived__in=(archived,))  # an index knows these
    if resolved is not None:
        rows = rows.filter(resolved__isnull=not resolved)
    if acknowledged is not None:
        rows = rows.filter(acknowledged__isnull=not acknowledged)
    return rows.filter(type=alerts.number_of(type)) if type else rows


@command(roles=ADMIN, event="ALERT.ACKNOWLEDGE", response=SUCCESS)
def acknowledgeAlerts(
    caller: Caller, ids: Annotated[list[Alert], Operate, "The alerts that one takes on"]
) -> None:
    """Takes alerts on: they stay open until the problem is gone, and nothing more is sent."""
    by = caller.user.username if caller.user else caller.account.name
    alerts.acknowledge(Alert.objects.filter(pk__in=[a.pk for a in ids]), by)


@command(roles=ADMIN, event="ALERT.ARCHIVE", response=SUCCESS)
def archiveAlerts(
    caller: Caller, ids: Ids = None, type: Type = None, startdate: Start = None, enddate: End = None
) -> None:
    """Puts alerts away."""
    alerts.archive(alerts.choose(ids=ids, type_=type, start=startdate, end=enddate))


@command(roles=ADMIN, event="ALERT.DELETE", response=SUCCESS)
def deleteAlerts(
    caller: Caller, ids: Ids = None, type: Type = None, startdate: Start = None, enddate: End = None
) -> None:
    """Deletes alerts."""
    alerts.delete(alerts.choose(ids=ids, type_=type, start=startdate, end=enddate))


@command(roles=ADMIN, event="ALERT.GENERATE", response=SUCCESS)
def generateAlert(
    caller: Caller,
    name: Annotated[str, "What the alert is called"],
    description: Annotated[str, "What is the matter"],
    type: Annotated[int, "Its type, by number"],
    zoneid: Annotated[Zone | None, Use, "The zone it is about"] = None,
    podid: Annotated[Pod | None, Use, "The pod it is about"] = None,
) -> None:
    """Raises an alert by hand, for programs that watch the cloud from outside."""
    try:
        kind = alerts.AlertType(type)
    except ValueError:
        raise InvalidParameter(
            f"There is no alert type {type}; listAlertTypes shows all."
        ) from None
    about = podid or zoneid
    alerts.raise_alert(kind, about, name, description, zone=zoneid, pod=podid, by_name=True)


@command(roles=ADMIN, response=alerttype)
def listAlertTypes(caller: Caller) -> list:
    """Lists the types of alerts."""
    return [{"id": str(int(t)), "type": int(t), "name": t.title} for t in alerts.AlertType]
