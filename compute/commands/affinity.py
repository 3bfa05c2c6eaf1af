"""Affinity groups: machines to be kept together, or apart."""

from __future__ import annotations

from typing import Annotated, Literal

from django.db.models import QuerySet

from accounts.caller import Caller
from accounts.models import Domain
from accounts.services.scoping import OfProject, owner_for
from compute.jobs import done
from compute.models import AFFINITY_TYPES, AffinityGroup, VirtualMachine
from compute.responses import affinitygroup, affinitygrouptype, virtualmachine
from compute.services import groups
from core.commands import USER, Filter, Length, Operate, Use, command, listing
from core.errors import InvalidParameter
from core.responses import SUCCESS
from core.steps import Plan

_Kind = Literal[
    "host affinity",
    "host anti-affinity",
    "non-strict host affinity",
    "non-strict host anti-affinity",
]


@command(roles=USER, event="AG.CREATE", response=affinitygroup)
def createAffinityGroup(
    caller: Caller,
    name: Annotated[str, "Name of the group"],
    type: Annotated[_Kind, "Together or apart, as a must or as a wish"],
    description: Annotated[str, Length(4096), "What it is for"] = "",
    account: Annotated[str | None, "The account that owns it; goes with domainid"] = None,
    domainid: Annotated[Domain | None, "The owner's domain"] = None,
    projectid: OfProject = None,
) -> Plan:
    """Creates an affinity group."""
    owner = owner_for(caller, account, domainid, projectid)
    return Plan(done, groups.create_affinity(owner, name.strip(), type, description))


@command(roles=USER, event="AG.DELETE", response=SUCCESS)
def deleteAffinityGroup(
    caller: Caller,
    id: Annotated[AffinityGroup | None, Operate, "The group to delete"] = None,
    name: Annotated[str, "The same by name"] = "",
    account: Annotated[str | None, "The account that owns it; goes with domainid"] = None,
    domainid: Annotated[Domain | None, "The owner's domain"] = None,
    projectid: OfProject = None,
) -> Plan:
    """Deletes an affinity group; its machines stay where they are."""
    if (id is None) == (not name):
        raise InvalidParameter("Give id or name of the affinity group.")
    if id is None:
        owner = owner_for(caller, account, domainid, projectid, lets_go=True)
        id = groups.affinity_groups(owner, [], [name])[0]
    groups.delete_affinity(id)
    return Plan(done, id)


@command(roles=USER, event="VM.AG.UPDATE", response=virtualmachine)
def updateVMAffinityGroup(
    caller: Caller,
    id: Annotated[VirtualMachine, Operate, "The stopped virtual machine"],
    affinitygroupids: Annotated[list[AffinityGroup] | None, Use, "Its groups from now on"] = None,
    affinitygroupnames: Annotated[list[str] | None, "The same by name"] = None,
) -> Plan:
    """Puts a stopped virtual machine into other affinity groups, or into none."""
    rows = groups.affinity_groups(id.account, affinitygroupids or [], affinitygroupnames or [])
    groups.change_affinity(id, rows)
    return Plan(done, id)


@listing(AffinityGroup, response=affinitygroup)
def listAffinityGroups(
    caller: Caller,
    rows: QuerySet,
    name: Annotated[str | None, Filter("name"), "Only of this name"] = None,
    type: Annotated[str | None, Filter("type"), "Only of this type"] = None,
    virtualmachineid: Annotated[
        VirtualMachine | None, Filter("machines"), "Only those this machine is in"
    ] = None,
) -> QuerySet:
    """Lists affinity groups."""
    return rows


@command(roles=USER, response=affinitygrouptype, paged=True)
def listAffinityGroupTypes(caller: Caller) -> list:
    """Lists the types an affinity group can have."""
    return [{"type": kind} for kind in AFFINITY_TYPES]
