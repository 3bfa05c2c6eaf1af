"""Details of things of any kind."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

from django.db.models import Model, Q

from accounts.caller import Caller
from accounts.models import ResourceDetail
from accounts.pinned import types
from accounts.pinned.responses import detailoption, resourcedetail
from accounts.pinned.types import ResourceType
from accounts.services import details as service
from accounts.services import membership
from accounts.services.scoping import accounts_of_projects
from core.commands import ADMIN, USER, Access, AdminOnly, Map, command
from core.errors import InvalidParameter
from core.responses import SUCCESS

_MOST = 500
_KIND = "What it is: UserVm, Volume, Zone, …"


@command(roles=ADMIN, event="CREATE_RESOURCE_DETAILS", response=SUCCESS)
def addResourceDetail(
    caller: Caller,
    resourceid: Annotated[str, "The thing"],
    resourcetype: Annotated[str, _KIND],
    details: Annotated[Map, "details[0].key=…&details[0].value=…"],
    fordisplay: Annotated[bool, "Shown to its owner too"] = True,
) -> Model:
    """Adds details to a thing, or changes them."""
    kind = types.named(resourcetype)
    (row,) = types.things(
        caller, "addResourceDetail", kind, [resourceid], parameter="resourceid"
    )
    service.add(kind, row, _pairs(details), display=fordisplay)
    return row


@command(roles=ADMIN, event="DELETE_RESOURCE_DETAILS", response=SUCCESS)
def removeResourceDetail(
    caller: Caller,
    resourceid: Annotated[str, "The thing"],
    resourcetype: Annotated[str, _KIND],
    key: Annotated[str, "Only this detail; all if left out"] = "",
) -> Model:
    """Removes details of a thing."""
    kind = types.named(resourcetype)
    (row,) = types.things(
        caller, "removeResourceDetail", kind, [resourceid], parameter="resourceid"
    )
    service.remove(row, key)
    return row


@command(roles=USER, response=resourcedetail, paged=True)
def listResourceDetails(
    caller: Caller,
    resourcetype: Annotated[str, _KIND],
    resourceid: Annotated[str, "Only of this thing"] = "",
    key: Annotated[str, "Only of this name"] = "",
    value: Annotated[str, AdminOnly, "With key: only of this value"] = "",
    fordisplay: Annotated[bool, AdminOnly, "Only those that owners see too"] = False,
    projectid: Annotated[str, "Only of what this project has; -1: any project"] = "",
) -> list[dict[str, Any]]:
    """Lists details: all of one thing, or those of one name of many."""
    if not resourceid and not key:
        raise InvalidParameter("Give resourceid or key: which details.")
    kind = types.named(resourcetype)
    rows = _rows(caller, kind, projectid)
    if resourceid:
        things = types.things(
            caller, "listResourceDetails", kind, [resourceid],
            access=Access.READ, parameter="resourceid",
        )  # fmt: skip
        rows = rows.filter(pk__in=[thing.pk for thing in things])
    else:
        rows = rows.filter(_having(kind, key))
    hidden = caller.is_root_admin and not fordisplay
    found = (
        service.record(kind, d)
        for d in service.found(rows.order_by("pk")[:_MOST], hidden=hidden)
        if (not key or d.key == key) and (not value or d.value == value)
    )
    return list(islice(found, _MOST))


@command(roles=USER, response=detailoption)
def listDetailOptions(
    caller: Caller,
    resourcetype: Annotated[str, _KIND],
    resourceid: Annotated[str, "The thing"] = "",
) -> dict[str, Any]:
    """Lists the details that the portal acts on, each with what it may be."""
    kind = types.named(resourcetype)
    if resourceid:
        types.things(
            caller, "listDetailOptions", kind, [resourceid],
            access=Access.READ, parameter="resourceid",
        )  # fmt: skip
    return {"details": {name: list(values) for name, values in service.options(kind).items()}}


def _rows(caller: Caller, kind: ResourceType, project: str) -> Any:
    """What the caller sees of a kind; of a project, or of any (-1), where one is asked for."""
    rows = kind.rows(caller, Access.READ)
    owner = getattr(kind.model, "OWNER", "")
    if project:
        accounts = accounts_of_projects(caller, "listResourceDetails", project)
        return rows.filter(**{f"{owner}__in": accounts}) if owner else rows.none()
    barred = membership.barred(caller, "listResourceDetails") if owner else []
    return rows.exclude(**{f"{owner}__in": barred}) if barred else rows


def _having(kind: ResourceType, key: str) -> Q:
    beside = ResourceDetail.objects.filter(resource_type=kind.name, name=key)
    having = Q(uuid__in=beside.values("resource_uuid"))
    if any(f.name == "details" for f in kind.model._meta.get_fields()):
        having |= Q(details__has_key=key)
    return having


def _pairs(entries: list[dict[str, str]]) -> dict[str, str]:
    """``details[0].key=a&details[0].value=b``, and ``details[0].a=b`` as well."""
    pairs: dict[str, str] = {}
    for entry in entries:
        low = {k.lower(): v for k, v in entry.items()}
        pairs |= {low["key"]: low.get("value", "")} if "key" in low else entry
    return pairs
