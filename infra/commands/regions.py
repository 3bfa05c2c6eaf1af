"""Regions. Their ids are small numbers, not uuids."""

from __future__ import annotations

from typing import Annotated

from django.db.models import QuerySet

from accounts.caller import Caller
from core.commands import ADMIN, USER, Filter, Length, command, listing
from core.responses import SUCCESS
from infra.models import Region
from infra.responses import region
from infra.services import regions


@command(roles=ADMIN, event="REGION.CREATE", response=region)
def addRegion(
    caller: Caller,
    id: Annotated[int, "Number of the region; this cloud is 1"],
    name: Annotated[str, "Name of the region"],
    endpoint: Annotated[str, Length(2048), "Where its API is reached"],
) -> Region:
    """Adds another cloud as a region."""
    return regions.add(id, name=name, endpoint=endpoint)


@command(roles=ADMIN, event="REGION.EDIT", response=region)
def updateRegion(
    caller: Caller,
    id: Annotated[int, "Number of the region"],
    name: Annotated[str | None, "New name"] = None,
    endpoint: Annotated[str | None, Length(2048), "Where its API is reached"] = None,
) -> Region:
    """Changes a region."""
    return regions.update(id, name=name, endpoint=endpoint)


@command(roles=ADMIN, event="REGION.DELETE", response=SUCCESS)
def removeRegion(caller: Caller, id: Annotated[int, "Number of the region to remove"]) -> None:
    """Removes a region other than this cloud's own."""
    regions.remove(id)


@listing(Region, response=region, roles=USER, order=("number",), scoped=False)
def listRegions(
    caller: Caller,
    rows: QuerySet,
    id: Annotated[int | None, Filter("number"), "Only the region of this number"] = None,
    name: Annotated[str | None, Filter("name"), "Only of this name"] = None,
) -> QuerySet:
    """Lists regions."""
    return rows
