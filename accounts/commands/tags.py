"""Tags on everything."""

from __future__ import annotations

from typing import Annotated

from django.db.models import Model, QuerySet

from accounts.caller import Caller
from accounts.models import ResourceTag
from accounts.pinned import types
from accounts.pinned.responses import tag
from accounts.services import tags as service
from core.commands import USER, Filter, Map, command, listing
from core.errors import InvalidParameter
from core.responses import SUCCESS


@command(roles=USER, event="CREATE_TAGS", response=SUCCESS)
def createTags(
    caller: Caller,
    resourceids: Annotated[list[str], "The things to tag"],
    resourcetype: Annotated[str, "What they are: UserVm, Volume, Network, …"],
    tags: Annotated[Map, "tags[0].key=env&tags[0].value=prod"],
    customer: Annotated[str, "Kept with the tags"] = "",
) -> Model:
    """Pins tags to things of one type."""
    kind = types.named(resourcetype)
    rows = types.things(caller, "createTags", kind, resourceids)
    service.create(caller, kind, rows, tags, customer)
    return rows[0]


@command(roles=USER, event="DELETE_TAGS", response=SUCCESS)
def deleteTags(
    caller: Caller,
    resourceids: Annotated[list[str], "The things to take them from"],
    resourcetype: Annotated[str, "What they are: UserVm, Volume, Network, …"],
    tags: Annotated[Map | None, "Only these keys (with these values); all if left out"] = None,
) -> Model:
    """Takes tags from things of one type."""
    kind = types.named(resourcetype)
    rows = types.things(caller, "deleteTags", kind, resourceids)
    service.delete(kind, rows, tags)
    return rows[0]


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
        rows = rows.filter(resource_type=types.named(resourcetype).name)
    if resourceid:
        wanted = types.uuid_of(resourceid)
        if wanted is None:
            raise InvalidParameter(f"“{resourceid}” is not the id of anything.")
        rows = rows.filter(resource_uuid=wanted)
    return rows
