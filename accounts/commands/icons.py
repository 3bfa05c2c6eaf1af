"""Pictures for things."""

from __future__ import annotations

from typing import Annotated, Any

from django.db.models import Model

from accounts.caller import Caller
from accounts.models import ResourceIcon
from accounts.pinned import types
from accounts.pinned.responses import resourceicon
from accounts.services import icons
from core.commands import USER, Access, Length, command
from core.responses import SUCCESS

_THINGS = "The things"
_KIND = "What they are: UserVm, Template, Network, Zone, Account, …"


@command(roles=USER, event="UPLOAD.RESOURCE.ICON", response=SUCCESS, post_only=True)
def uploadResourceIcon(
    caller: Caller,
    base64image: Annotated[str, Length(750_000), "The picture, base64: PNG, JPEG, GIF, WebP"],
    resourceids: Annotated[list[str], _THINGS],
    resourcetype: Annotated[str, _KIND],
) -> Model:
    """Gives things a picture that lists and pages show."""
    kind = types.named(resourcetype)
    icons.check_kind(kind)
    rows = types.things(caller, "uploadResourceIcon", kind, resourceids)
    icons.upload(kind, rows, base64image)
    return rows[0]


@command(roles=USER, event="DELETE.RESOURCE.ICON", response=SUCCESS)
def deleteResourceIcon(
    caller: Caller,
    resourceids: Annotated[list[str], _THINGS],
    resourcetype: Annotated[str, _KIND],
) -> Model:
    """Takes the pictures of things away."""
    kind = types.named(resourcetype)
    rows = types.things(caller, "deleteResourceIcon", kind, resourceids)
    icons.delete(kind, rows)
    return rows[0]


@command(roles=USER, response=resourceicon)
def listResourceIcon(
    caller: Caller,
    resourceids: Annotated[list[str], _THINGS],
    resourcetype: Annotated[str, _KIND],
) -> list[dict[str, Any]]:
    """Lists the pictures of things."""
    kind = types.named(resourcetype)
    rows = types.things(caller, "listResourceIcon", kind, resourceids, access=Access.READ)
    found = ResourceIcon.objects.filter(resource_uuid__in=[row.uuid for row in rows])
    return resourceicon.render(found.order_by("pk"), caller)
