"""Tags on everything."""

from __future__ import annotations

from typing import Annotated

from django.db.models import QuerySet

from accounts.caller import Caller
from compute.jobs import done
from compute.models import ResourceTag
from compute.responses import tag
from compute.services import tags as service
from core.commands import USER, Filter, Map, command, listing
from core.errors import InvalidParameter
from core.responses import SUCCESS
from core.steps import Plan


@command(roles=USER, event="CREATE_TAGS", response=SUCCESS)
def createTags(
    caller: Caller,
    resourceids: Annotated[list[str], "The things to tag"],
    resourcetype: Annotated[str, "What they are: UserVm, Volume, Network, …"],
    tags: Annotated[Map, "tags[0].key=env&tags[0].value=prod"],
    customer: Annotated[str, "Kept with the tags"] = "",
) -> Plan:
    """Pins tags to things of one type."""
    kind = service.kind_of(resourcetype)
    rows = service.things(caller, "createTags", kind, resourceids)
    service.create(caller, kind, rows, tags, customer)
    return Plan(done, rows[0])


@command(roles=USER, event="DELETE_TAGS", response=SUCCESS)
def deleteTags(
    caller: Caller,
    resourceids: Annotated[list[str], "The things to take them from"],
    resourcetype: Annotated[str, "What they are: UserVm, Volume, Network, …"],
    tags: Annotated[Map | None, "Only these keys (with these values); all if left out"] = None,
) -> Plan:
    """Takes tags from things of one type."""
    kind = service.kind_of(resourcetype)
    rows = service.things(caller, "deleteTags", kind, resourceids)
    service.delete(kind, rows, tags)
    return Plan(done, rows[0])


@listing(ResourceTag, response=tag, keyword=("key", "value"))
def listTags(
    caller: Caller,
    rows: QuerySet,
    resourcetype: Annotated[str | None, "Only on things of this type"] = None,
    resourceid: Annotated[str | None, "Only on this thing"] = None,
    key: Annotated[str | None, Filter("key"), "Only of this key"] = None,
    value: Annotated[str | None, Filter("value"), "Only of this value"] = None,
    customer: Annotated[str | None, Filter("customer"), "Only kept for this customer"] = None,
) -> QuerySet:
    """Lists tags."""
    if resourcetype:
        rows = rows.filter(resource_type=service.kind_of(resourcetype))
    if resourceid:
        wanted = service.uuid_of(resourceid)
        if wanted is None:
            raise InvalidParameter(f"“{resourceid}” is not the id of anything.")
        rows = rows.filter(resource_uuid=wanted)
    return rows
