"""Ranges of public and guest addresses."""

from __future__ import annotations

from typing import Annotated

from django.db.models import QuerySet

from accounts.caller import Caller
from accounts.models import Account, Domain, Project
from accounts.services.scoping import named, owner_for
from core.commands import ADMIN, Filter, Operate, Read, Use, command, listing
from core.errors import InvalidParameter
from core.responses import SUCCESS
from infra.models import Pod, Zone
from infra.services import address_book
from network.models import IpRange, Network, PhysicalNetwork
from network.responses import vlan as vlan_response
from network.services import ranges


@command(roles=ADMIN, event="VLAN.IP.RANGE.CREATE", response=vlan_response)
def createVlanIpRange(
    caller: Caller,
    startip: Annotated[str, "First address"] = "",
    endip: Annotated[str, "Last address; the first one alone if left out"] = "",
    gateway: Annotated[str, "Gateway of the subnet"] = "",
    netmask: Annotated[str, "Netmask of the subnet"] = "",
    startipv6: Annotated[str, "First IPv6 address of a guest network's range"] = "",
    endipv6: Annotated[str, "Last IPv6 address; the first one alone if left out"] = "",
    ip6cidr: Annotated[str, "IPv6 prefix, a /64, of a network that has none yet"] = "",
    ip6gateway: Annotated[str, "Where the router answers over IPv6"] = "",
    vlan: Annotated[str, "VLAN of public addresses; untagged if left out"] = "",
    forvirtualnetwork: Annotated[
        bool | None, "True: public addresses of a zone; false: addresses of a guest network"
    ] = None,
    zoneid: Annotated[Zone | None, Use, "The zone of public addresses"] = None,
    physicalnetworkid: Annotated[
        PhysicalNetwork | None, Operate, "The wires public addresses are on"
    ] = None,
    networkid: Annotated[Network | None, Operate, "The guest network that hands them out"] = None,
    podid: Annotated[Pod | None, Operate, "In a Basic zone: whose machines get them"] = None,
    account: Annotated[str | None, "The only account that gets them; goes with domainid"] = None,
    domainid: Annotated[Domain | None, "The only domain that gets them, or the account's"] = None,
    projectid: Annotated[Project | None, "The only project that gets them"] = None,
    forsystemvms: Annotated[bool, "Only system machines get them"] = False,
) -> IpRange:
    """Adds a range of addresses to a zone's public ones or to a guest network."""
    ip6 = {"start_ip6": startipv6, "end_ip6": endipv6, "ip6_cidr": ip6cidr,
           "ip6_gateway": ip6gateway}  # fmt: skip
    is_public = networkid is None and podid is None and forvirtualnetwork is not False
    if not is_public:
        if forvirtualnetwork:
            raise InvalidParameter(
                "Public addresses belong to a zone; leave networkid and podid out, or say "
                "forvirtualnetwork=false."
            )
        network = networkid or _guest_network(zoneid, podid)
        return ranges.add_guest(
            network, startip, endip, gateway=gateway, netmask=netmask, pod=podid, **ip6
        )
    if any(ip6.values()):
        raise InvalidParameter(
            "Public addresses are IPv4; a range of IPv6 belongs to a guest network (networkid)."
        )
    zone = zoneid or (physicalnetworkid.zone if physicalnetworkid else None)
    if zone is None:
        raise InvalidParameter("Give zoneid, physicalnetworkid or networkid: where they belong.")
    owner = owner_for(caller, account, domainid, projectid) if account or projectid else None
    return ranges.add_public(
        zone,
        address_book.checked(gateway, netmask, startip, endip),
        physical_network=physicalnetworkid,
        vlan=vlan,
        account=owner,
        domain=domainid,
        for_system_vms=forsystemvms,
    )


def _guest_network(zone: Zone | None, pod: Pod | None) -> Network:
    zone = zone or (pod.zone if pod else None)
    if zone is None:
        raise InvalidParameter("Give networkid: the guest network that hands the addresses out.")
    return ranges.guest_network_of(zone)


@command(roles=ADMIN, event="VLAN.IP.RANGE.UPDATE", response=vlan_response)
def updateVlanIpRange(
    caller: Caller,
    id: Annotated[IpRange, Operate, "The range to change"],
    startip: Annotated[str, "First address it shall have"] = "",
    endip: Annotated[str, "Last address it shall have"] = "",
    gateway: Annotated[str, "Gateway it shall have"] = "",
    netmask: Annotated[str, "Netmask it shall have"] = "",
    startipv6: Annotated[str, "First IPv6 address it shall have"] = "",
    endipv6: Annotated[str, "Last IPv6 address it shall have"] = "",
    ip6cidr: Annotated[str, "IPv6 prefix, a /64, of a network that has none yet"] = "",
    ip6gateway: Annotated[str, "Where the router answers over IPv6"] = "",
    forsystemvms: Annotated[bool | None, "Whether only system machines get them"] = None,
) -> IpRange:
    """Changes a range of addresses; those in use stay in it."""
    return ranges.update(
        id, for_system_vms=forsystemvms,
        start_ip=startip, end_ip=endip, gateway=gateway, netmask=netmask,
        ip6={"start_ip6": startipv6, "end_ip6": endipv6, "ip6_cidr": ip6cidr,
             "ip6_gateway": ip6gateway},
    )  # fmt: skip


@command(roles=ADMIN, event="VLAN.IP.RANGE.DELETE", response=SUCCESS)
def deleteVlanIpRange(
    caller: Caller, id: Annotated[IpRange, Operate, "The range to remove"]
) -> None:
    """Removes a range of addresses that nobody uses."""
    ranges.remove(id)


@command(roles=ADMIN, event="VLAN.IP.RANGE.DEDICATE", response=vlan_response)
def dedicatePublicIpRange(
    caller: Caller,
    id: Annotated[IpRange, Operate, "The range of public addresses"],
    domainid: Annotated[Domain, Read, "The domain that gets them, or the account's"],
    account: Annotated[str | None, "The only account that gets them"] = None,
    projectid: Annotated[Project | None, "The only project that gets them"] = None,
) -> IpRange:
    """Keeps a range of public addresses for a domain, an account or a project."""
    return ranges.dedicate(id, domainid, _only(caller, account, domainid, projectid))


def _only(
    caller: Caller, name: str | None, domain: Domain, project: Project | None
) -> Account | None:
    if project is not None:
        return owner_for(caller, name, domain, project)
    return named(caller, name, domain) if name else None


@command(roles=ADMIN, event="VLAN.IP.RANGE.RELEASE", response=SUCCESS)
def releasePublicIpRange(
    caller: Caller, id: Annotated[IpRange, Operate, "The range of public addresses"]
) -> None:
    """Gives a range of public addresses back to everybody."""
    ranges.undedicate(id)


@listing(IpRange, response=vlan_response, roles=ADMIN, keyword=("start_ip", "end_ip", "start_ip6"))
def listVlanIpRanges(
    caller: Caller,
    rows: QuerySet,
    networkid: Annotated[Network | None, Filter("network"), "Only of this network"] = None,
    zoneid: Annotated[Zone | None, Filter("zone"), "Only in this zone"] = None,
    podid: Annotated[Pod | None, Filter("pod"), "Only of this pod"] = None,
    physicalnetworkid: Annotated[
        PhysicalNetwork | None, Filter("physical_network"), "Only on these wires"
    ] = None,
    vlan: Annotated[str | None, "Only in this VLAN, or untagged"] = None,
    forvirtualnetwork: Annotated[bool | None, "Only public ones, or only those of guests"] = None,
    domainid: Annotated[Domain | None, "Only dedicated to this domain, or its account"] = None,
    account: Annotated[str | None, "Only dedicated to this account; goes with domainid"] = None,
    projectid: Annotated[Project | None, "Only dedicated to this project"] = None,
) -> QuerySet:
    """Lists ranges of addresses."""
    if vlan is not None:
        text = vlan.lower().removeprefix("vlan://")
        rows = rows.filter(vlan__in=("", "untagged") if text in ("", "untagged") else (text,))
    if forvirtualnetwork is not None:
        rows = rows.filter(network__isnull=forvirtualnetwork)
    if account or projectid is not None:
        only = projectid.account if projectid else named(caller, account or "", domainid)
        return rows.filter(account=only)
    return rows if domainid is None else rows.filter(domain=domainid)
