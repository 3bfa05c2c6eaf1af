"""Public addresses."""

from __future__ import annotations

from typing import Annotated

from django.db.models import QuerySet

from accounts.caller import Caller
from accounts.models import Domain, Project
from accounts.services.scoping import owner_for
from core.commands import USER, AdminOnly, Filter, Operate, Read, Use, command, listing
from core.responses import SUCCESS
from infra.models import Zone
from network.models import IpRange, Network, PhysicalNetwork, PublicIp
from network.models.public import ALLOCATED, RESERVED
from network.responses import publicipaddress
from network.services import public_ips


@listing(PublicIp, response=publicipaddress, roles=USER, keyword=("address",), tagged=True)
def listPublicIpAddresses(
    caller: Caller,
    rows: QuerySet,
    ipaddress: Annotated[str | None, Filter("address"), "Only this address"] = None,
    zoneid: Annotated[Zone | None, Read, Filter("ip_range__zone"), "Only in this zone"] = None,
    vlanid: Annotated[IpRange | None, Filter("ip_range"), "Only of this range"] = None,
    physicalnetworkid: Annotated[
        PhysicalNetwork | None, Filter("ip_range__physical_network"), "Only on these wires"
    ] = None,
    associatednetworkid: Annotated[
        Network | None, Filter("network"), "Only those that this network uses"
    ] = None,
    networkid: Annotated[
        Network | None, "Public ranges have no network of their own: none are found"
    ] = None,
    allocatedonly: Annotated[bool | None, "Only those that somebody has; true if left out"] = None,
    state: Annotated[str | None, "Only in this state: Free, Reserved, Allocated"] = None,
    issourcenat: Annotated[
        bool | None, Filter("is_source_nat"), "Only ways out of networks, or only others"
    ] = None,
    isstaticnat: Annotated[bool | None, "Only those that stand for one machine: none do"] = None,
    forvirtualnetwork: Annotated[
        bool | None, "False asks for guest networks' addresses, which are not listed here"
    ] = None,
    forloadbalancing: Annotated[bool | None, "Only those of load balancers: none are"] = None,
    forsystemvms: Annotated[bool | None, "Only those kept for system machines, or others"] = None,
    fordisplay: Annotated[bool | None, AdminOnly, "Only shown, or hidden, ones"] = None,
) -> QuerySet:
    """Lists public addresses."""
    if networkid is not None or isstaticnat or forloadbalancing or forvirtualnetwork is False:
        return rows.none()
    if state:
        rows = rows.filter(state__iexact=state)
    elif allocatedonly is not False:
        rows = rows.filter(state__in=(RESERVED, ALLOCATED))
    if forsystemvms is not None:
        rows = rows.filter(ip_range__for_system_vms=forsystemvms)
    if fordisplay is not None:
        return rows.filter(display=fordisplay)
    return rows if caller.is_root_admin else rows.filter(display=True)


@command(roles=USER, event="NET.IPRESERVE", response=publicipaddress)
def reserveIpAddress(
    caller: Caller,
    id: Annotated[PublicIp, Use, "The free address"],
    account: Annotated[str | None, "The account it is kept for; goes with domainid"] = None,
    domainid: Annotated[Domain | None, "The account's domain"] = None,
    projectid: Annotated[Project | None, "The project it is kept for"] = None,
    fordisplay: Annotated[bool, AdminOnly, "Whether its account sees it"] = True,
) -> PublicIp:
    """Keeps a free public address for an account."""
    owner = owner_for(caller, account, domainid, projectid)
    return public_ips.reserve(id, owner, display=fordisplay)


@command(roles=USER, event="NET.IPRELEASE", response=SUCCESS)
def releaseIpAddress(
    caller: Caller, id: Annotated[PublicIp, Operate, "The reserved address"]
) -> None:
    """Gives a reserved public address back."""
    public_ips.release(id)
