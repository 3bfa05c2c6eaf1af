"""Instance groups."""

from __future__ import annotations

from typing import Annotated

from django.db.models import QuerySet

from accounts.caller import Caller
from accounts.models import Domain
from accounts.services.scoping import OfProject, owner_for
from compute.models import InstanceGroup
from compute.responses import instancegroup
from compute.services import groups
from core.commands import USER, Filter, Operate, command, listing
from core.responses import SUCCESS


@command(roles=USER, event="VM.GROUP.CREATE", response=instancegroup)
def createInstanceGroup(
    caller: Caller,
    name: Annotated[str, "Name of the group"],
    account: Annotated[str | None, "The account that owns it; goes with domainid"] = None,
    domainid: Annotated[Domain | None, "The owner's domain"] = None,
    projectid: OfProject = None,
) -> InstanceGroup:
    """Creates a group that machines can be put in."""
    return groups.create_group(owner_for(caller, account, domainid, projectid), name.strip())


@command(roles=USER, event="VM.GROUP.UPDATE", response=instancegroup)
def updateInstanceGroup(
    caller: Caller,
    id: Annotated[InstanceGroup, Operate, "The group to rename"],
    name: Annotated[str | None, "Its new name"] = None,
) -> InstanceGroup:
    """Renames an instance group."""
    return groups.rename_group(id, name.strip()) if name and name.strip() else id


@command(roles=USER, event="VM.GROUP.DELETE", response=SUCCESS)
def deleteInstanceGroup(
    caller: Caller, id: Annotated[InstanceGroup, Operate, "The group to delete"]
) -> None:
    """Deletes an instance group; its machines stay."""
    groups.delete_group(id)


@listing(InstanceGroup, response=instancegroup)
def listInstanceGroups(
    caller: Caller,
    rows: QuerySet,
    name: Annotated[str | None, Filter("name__icontains"), "Only with this in its name"] = None,
) -> QuerySet:
    """Lists instance groups."""
    return rows
