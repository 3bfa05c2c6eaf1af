"""Guest operating systems and their categories."""

from __future__ import annotations

from typing import Annotated

from django.db.models import QuerySet

from accounts.caller import Caller
from core.commands import (
    ADMIN,
    USER,
    AdminOnly,
    Details,
    Filter,
    Operate,
    Use,
    command,
    listing,
)
from core.responses import SUCCESS
from infra.commands.zones import given
from infra.models import OsCategory, OsType
from infra.responses import oscategory, ostype
from infra.services import guests


@listing(OsType, response=ostype, roles=USER, keyword=("display_name",))
def listOsTypes(
    caller: Caller,
    rows: QuerySet,
    description: Annotated[str | None, Filter("display_name"), "Only of this name"] = None,
    oscategoryid: Annotated[OsCategory | None, Filter("category"), "Only of this category"] = None,
    fordisplay: Annotated[
        bool | None, AdminOnly, Filter("for_display"), "Only those shown to users, or not"
    ] = None,
) -> QuerySet:
    """Lists guest operating systems."""
    return rows


@listing(OsCategory, response=oscategory, roles=USER, order=("sort_key", "pk"), icons=True)
def listOsCategories(
    caller: Caller,
    rows: QuerySet,
    name: Annotated[str | None, Filter("name"), "Only of this name"] = None,
    isfeatured: Annotated[bool | None, Filter("is_featured"), "Only featured ones, or not"] = None,
) -> QuerySet:
    """Lists categories of guest operating systems."""
    return rows


@command(roles=ADMIN, event="GUEST.OS.CATEGORY.ADD", response=oscategory)
def addOsCategory(
    caller: Caller,
    name: Annotated[str, "Name of the category"],
    isfeatured: Annotated[bool, "Whether it is offered first"] = False,
) -> OsCategory:
    """Adds a category of guest operating systems."""
    return guests.add_category(name, is_featured=isfeatured)


@command(roles=ADMIN, event="GUEST.OS.CATEGORY.UPDATE", response=oscategory)
def updateOsCategory(
    caller: Caller,
    id: Annotated[OsCategory, Operate, "The category to change"],
    name: Annotated[str | None, "New name"] = None,
    isfeatured: Annotated[bool | None, "Whether it is offered first"] = None,
    sortkey: Annotated[int | None, "Place in lists; small comes first"] = None,
) -> OsCategory:
    """Changes a category of guest operating systems."""
    return guests.update_category(id, **given(name=name, is_featured=isfeatured, sort_key=sortkey))


@command(roles=ADMIN, event="GUEST.OS.CATEGORY.DELETE", response=SUCCESS)
def deleteOsCategory(
    caller: Caller, id: Annotated[OsCategory, Operate, "The empty category to delete"]
) -> None:
    """Deletes a category that has no guest operating systems."""
    guests.delete(id)


@command(roles=ADMIN, event="GUEST.OS.ADD", response=ostype)
def addGuestOs(
    caller: Caller,
    oscategoryid: Annotated[OsCategory, Use, "Its category"],
    osdisplayname: Annotated[str, "The name people choose it by"],
    name: Annotated[str, "Its internal name"] = "",
    details: Annotated[Details | None, "Further facts, as key and value"] = None,
    forDisplay: Annotated[bool, AdminOnly, "Whether users are offered it"] = True,
) -> OsType:
    """Adds a guest operating system."""
    return guests.add_type(
        oscategoryid,
        display_name=osdisplayname,
        name=name,
        details=details or {},
        for_display=forDisplay,
    )


@command(roles=ADMIN, event="GUEST.OS.UPDATE", response=ostype)
def updateGuestOs(
    caller: Caller,
    id: Annotated[OsType, Operate, "The guest operating system to change"],
    osdisplayname: Annotated[str | None, "New name"] = None,
    oscategoryid: Annotated[OsCategory | None, Use, "New category"] = None,
    details: Annotated[Details | None, "Further facts, as key and value"] = None,
    forDisplay: Annotated[bool | None, AdminOnly, "Whether users are offered it"] = None,
) -> OsType:
    """Changes a guest operating system."""
    fields = given(
        display_name=osdisplayname,
        category=oscategoryid,
        details=details,
        for_display=forDisplay,
    )
    return guests.update_type(id, **fields)


@command(roles=ADMIN, event="GUEST.OS.REMOVE", response=SUCCESS)
def removeGuestOs(
    caller: Caller, id: Annotated[OsType, Operate, "The guest operating system to remove"]
) -> None:
    """Removes a guest operating system that no template uses."""
    guests.delete(id)
