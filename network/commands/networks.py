"""Networks, their address ranges, and their routers."""

from __future__ import annotations

from typing import Annotated, Literal

from django.db.models import QuerySet

from accounts.caller import Caller
from accounts.models import Domain
from accounts.services.scoping import OfProject, owner_for
from core.commands import (
    DOMAIN_ADMIN,
    USER,
    AdminOnly,
    Between,
    Filter,
    Operate,
    Use,
    command,
    listing,
)
from core.errors import InvalidParameter
from core.responses import SUCCESS
from core.steps import Plan
from infra.models import Cluster, Host, Pod, Zone
from network.models import Network, NetworkOffering, PhysicalNetwork, Router
from network.models.routers import NAME
from network.responses import network as network_response
from network.responses import router as router_response
from network.services import networks


@command(roles=USER, event="NETWORK.CREATE", response=network_response)
def createNetwork(
    caller: Caller,
    name: Annotated[str, "Name of the network"],
    networkofferingid: Annotated[NetworkOffering, Use, "What the network provides"],
    zoneid: Annotated[Zone, Use, "The zone it is in"],
    displaytext: Annotated[str, "A longer description"] = "",
    account: Annotated[str | None, "The account that owns it; goes with domainid"] = None,
    domainid: Annotated[Domain | None, "The owner's domain, or the domain that shares it"] = None,
    projectid: OfProject = None,
    gateway: Annotated[str, "Where the router answers, e.g. 10.1.1.1"] = "",
    netmask: Annotated[str, "Size of the subnet, e.g. 255.255.255.0"] = "",
    startip: Annotated[str, "First address given to guests"] = "",
    endip: Annotated[str, "Last address given to guests"] = "",
    ip6cidr: Annotated[str, "IPv6 prefix, a /64"] = "",
    ip6gateway: Annotated[str, "Where the router answers over IPv6"] = "",
    startipv6: Annotated[str, "First IPv6 address given to guests"] = "",
    endipv6: Annotated[str, "Last IPv6 address given to guests"] = "",
    dns1: Annotated[str, "Name server the router asks, instead of the zone's"] = "",
    dns2: Annotated[str, "Second name server"] = "",
    networkdomain: Annotated[str, "DNS domain of the guests"] = "",
    vlan: Annotated[str, AdminOnly, "VLAN number, or untagged"] = "",
    physicalnetworkid: Annotated[PhysicalNetwork | None, "The wires it runs on"] = None,
    acltype: Annotated[Literal["Account", "Domain"] | None, "Who may use a shared one"] = None,
    subdomainaccess: Annotated[bool, "Subdomains may use it too"] = True,
    displaynetwork: Annotated[bool, AdminOnly, "Show it to its users"] = True,
    privatemtu: Annotated[int | None, Between(576, 9000), "Largest packet inside"] = None,
) -> Network:
    """Creates a network. Its router starts with the first machine."""
    owner = caller.account
    if account or projectid:
        owner = owner_for(caller, account, domainid, projectid)
    return networks.create(
        caller,
        owner,
        name=name,
        zone=zoneid,
        offering=networkofferingid,
        subnet=networks.Subnet(
            gateway, netmask, startip, endip, ip6cidr, ip6gateway, startipv6, endipv6
        ),
        display_text=displaytext,
        acl_type=acltype or "",
        shared_with=domainid if acltype != "Account" else None,
        subdomain_access=subdomainaccess,
        vlan=vlan,
        physical_network=physicalnetworkid,
        dns1=dns1,
        dns2=dns2,
        network_domain=networkdomain,
        display_network=displaynetwork,
        private_mtu=privatemtu,
    )


@command(roles=USER, event="NETWORK.UPDATE", response=network_response)
def updateNetwork(
    caller: Caller,
    id: Annotated[Network, Operate, "The network to change"],
    name: Annotated[str | None, "A new name"] = None,
    displaytext: Annotated[str | None, "A new description"] = None,
    networkdomain: Annotated[str | None, "A new DNS domain"] = None,
    dns1: Annotated[str | None, "Name server the router asks"] = None,
    dns2: Annotated[str | None, "Second name server"] = None,
    displaynetwork: Annotated[bool | None, AdminOnly, "Show it to its users"] = None,
    networkofferingid: Annotated[
        NetworkOffering | None, Use, "Its offering, which stays as it is"
    ] = None,
) -> Network:
    """Changes a network's names and name servers."""
    if networkofferingid is not None and networkofferingid != id.offering:
        raise InvalidParameter(
            f"Network {id} is made from {id.offering}, and stays so; make another network from "
            f"{networkofferingid}."
        )
    asked = {
        "name": name,
        "display_text": displaytext,
        "network_domain": networkdomain,
        "dns1": dns1,
        "dns2": dns2,
        "display_network": displaynetwork,
    }
    return networks.update(id, **{k: v for k, v in asked.items() if v is not None})


@command(roles=USER, event="NETWORK.RESTART", response=SUCCESS)
def restartNetwork(
    caller: Caller,
    id: Annotated[Network, Operate, "The network to restart"],
    cleanup: Annotated[bool, "Render everything anew; that is always done here"] = False,
) -> Plan:
    """Applies a network's router anew and compares it with what is wanted."""
    return networks.restart(id)


@command(roles=USER, event="NETWORK.DELETE", response=SUCCESS)
def deleteNetwork(
    caller: Caller,
    id: Annotated[Network, Operate, "The network to delete"],
    forced: Annotated[bool, "Accepted for CloudStack's sake; machines are never cut off"] = False,
) -> Plan:
    """Deletes a network that no machine is plugged into."""
    return networks.delete(id)


@listing(
    Network,
    response=network_response,
    keyword=("name", "display_text"),
    tagged=True,
    icons=True,
)
def listNetworks(
    caller: Caller,
    rows: QuerySet,
    name: Annotated[str | None, Filter("name"), "Only of this name"] = None,
    zoneid: Annotated[Zone | None, Filter("zone"), "Only in this zone"] = None,
    type: Annotated[
        Literal["Isolated", "Shared", "L2"] | None, Filter("guest_type"), "Only of this type"
    ] = None,
    acltype: Annotated[
        Literal["Account", "Domain"] | None, Filter("acl_type"), "Only so shared"
    ] = None,
    networkofferingid: Annotated[
        NetworkOffering | None, Filter("offering"), "Only made from this offering"
    ] = None,
    physicalnetworkid: Annotated[
        PhysicalNetwork | None, Filter("physical_network"), "Only on these wires"
    ] = None,
    vlan: Annotated[str | None, AdminOnly, Filter("vlan"), "Only with this VLAN"] = None,
    restartrequired: Annotated[
        bool | None, Filter("restart_required"), "Only those that want a restart"
    ] = None,
    displaynetwork: Annotated[bool | None, AdminOnly, "Only shown, or hidden, ones"] = None,
    canusefordeploy: Annotated[bool | None, "Only those that take machines"] = None,
    supportedservices: Annotated[list[str] | None, "Only with all of these services"] = None,
    specifyipranges: Annotated[
        bool | None, Filter("offering__specify_ip_ranges"), "Only with chosen address ranges"
    ] = None,
    networkfilter: Annotated[
        Literal["account", "domain", "accountdomain", "shared", "all"] | None,
        "Own (account), shared with the domain (domain), both, or all",
    ] = None,
    traffictype: Annotated[str | None, "Only Guest networks exist here"] = None,
    issystem: Annotated[bool | None, "No system networks exist here"] = None,
) -> QuerySet:
    """Lists networks the caller may see."""
    if traffictype and traffictype.lower() != "guest" or issystem:
        return rows.none()
    if displaynetwork is not None:
        rows = rows.filter(display_network=displaynetwork)
    elif not caller.is_root_admin:
        rows = rows.filter(display_network=True)
    if canusefordeploy is not None:
        rows = rows.exclude(state="Destroy") if canusefordeploy else rows.filter(state="Destroy")
    if networkfilter in ("account", "domain", "shared"):
        rows = rows.filter(acl_type="Account" if networkfilter == "account" else "Domain")
    for service in supportedservices or []:
        rows = rows.filter(offering__services__has_key=service)
    return rows


@listing(Router, response=router_response, roles=DOMAIN_ADMIN, keyword=(NAME, "network__name"))
def listRouters(
    caller: Caller,
    rows: QuerySet,
    networkid: Annotated[Network | None, Filter("network"), "Only of this network"] = None,
    zoneid: Annotated[Zone | None, Filter("network__zone"), "Only in this zone"] = None,
    hostid: Annotated[Host | None, Filter("host"), "Only on this host"] = None,
    podid: Annotated[Pod | None, Filter("host__pod"), "Only in this pod"] = None,
    clusterid: Annotated[Cluster | None, Filter("host__cluster"), "Only in this cluster"] = None,
    name: Annotated[str | None, "Only the one of this name, as in r-1-VM"] = None,
    state: Annotated[str | None, Filter("state"), "Only in this state"] = None,
    healthchecksfailed: Annotated[bool | None, "Only those not as wanted, or as wanted"] = None,
) -> QuerySet:
    """Lists routers and what is wrong with them."""
    if name:
        rows = rows.called(name)
    if healthchecksfailed is None:
        return rows
    return rows.exclude(problems=[]) if healthchecksfailed else rows.filter(problems=[])
