"""VLAN ids and VNIs of tenants' networks."""

from __future__ import annotations

from typing import Annotated

from django.db.models import QuerySet

from accounts.caller import Caller
from accounts.models import Domain, Project
from accounts.services.scoping import named, owner_for
from core.commands import ADMIN, Filter, Operate, Read, command, listing
from core.errors import InvalidParameter
from core.responses import SUCCESS, Cut
from infra.models import Zone
from network.models import DedicatedVlanRange, PhysicalNetwork
from network.responses import dedicatedguestvlanrange, guestvlan
from network.services import vlan_lists, vlans


@command(roles=ADMIN, event="GUESTVLANRANGE.DEDICATE", response=dedicatedguestvlanrange)
def dedicateGuestVlanRange(
    caller: Caller,
    physicalnetworkid: Annotated[PhysicalNetwork, Operate, "The wires whose VLANs they are"],
    vlanrange: Annotated[str, "VLAN ids, e.g. 100-110"],
    account: Annotated[str | None, "The account that gets them; goes with domainid"] = None,
    domainid: Annotated[Domain | None, "The account's domain"] = None,
    projectid: Annotated[Project | None, "The project that gets them"] = None,
) -> DedicatedVlanRange:
    """Keeps a range of VLAN ids for the networks of an account or a project."""
    if not account and projectid is None:
        raise InvalidParameter("Give account and domainid, or projectid: who gets the VLANs.")
    owner = owner_for(caller, account, domainid, projectid)
    return vlans.dedicate(physicalnetworkid, owner, vlanrange)


@command(roles=ADMIN, event="GUESTVLANRANGE.RELEASE", response=SUCCESS)
def releaseDedicatedGuestVlanRange(
    caller: Caller, id: Annotated[DedicatedVlanRange, Operate, "The dedicated range"]
) -> None:
    """Gives a range of VLAN ids back to everybody; networks that have one keep it."""
    id.remove()


@listing(
    DedicatedVlanRange,
    response=dedicatedguestvlanrange,
    roles=ADMIN,
    keyword=("account__name",),
    scoped=False,
)
def listDedicatedGuestVlanRanges(
    caller: Caller,
    rows: QuerySet,
    physicalnetworkid: Annotated[
        PhysicalNetwork | None, Filter("physical_network"), "Only on these wires"
    ] = None,
    zoneid: Annotated[Zone | None, Filter("physical_network__zone"), "Only in this zone"] = None,
    guestvlanrange: Annotated[str | None, "Only this range, e.g. 100-110"] = None,
    account: Annotated[str | None, "Only this account's; goes with domainid"] = None,
    domainid: Annotated[Domain | None, "Only of accounts in this domain"] = None,
    projectid: Annotated[Project | None, "Only this project's"] = None,
) -> QuerySet:
    """Lists ranges of VLAN ids that are kept for accounts."""
    if guestvlanrange:
        pairs = vlans.parse(guestvlanrange, "VXLAN")
        first, last = pairs[0] if len(pairs) == 1 else (0, 0)
        rows = rows.filter(first=first, last=last)
    if account or projectid is not None:
        only = projectid.account if projectid else named(caller, account or "", domainid)
        return rows.filter(account=only)
    return rows if domainid is None else rows.filter(account__domain=domainid)


@command(roles=ADMIN, response=guestvlan)
def listGuestVlans(
    caller: Caller,
    id: Annotated[int | None, "Only the VLAN with this number of the list"] = None,
    physicalnetworkid: Annotated[PhysicalNetwork | None, Read, "Only on these wires"] = None,
    zoneid: Annotated[Zone | None, Read, "Only in this zone"] = None,
    vnet: Annotated[str, "Only this VLAN id"] = "",
    allocatedonly: Annotated[bool, "Only those that a network has"] = False,
    keyword: Annotated[str, "Only what has this in its number"] = "",
    page: Annotated[int | None, "Which page, from 1; goes with pagesize"] = None,
    pagesize: Annotated[int | None, "Records in a page"] = None,
) -> Cut:
    """Lists the VLAN ids of tenants' networks and who has them."""
    wanted = vlan_lists.Wanted(
        key=id, physical=physicalnetworkid, zone=zoneid, vnet=vnet, keyword=keyword,
        allocated_only=allocatedonly,
    )  # fmt: skip
    return vlan_lists.page(wanted, page, pagesize)
