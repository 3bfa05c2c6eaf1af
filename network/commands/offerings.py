"""Network offerings."""

from __future__ import annotations

from typing import Annotated, Literal

from django.db.models import QuerySet

from accounts.caller import Caller
from core.commands import ADMIN, Between, Filter, Length, Map, Operate, command, listing
from core.responses import SUCCESS
from infra.models import Zone
from network.models import Network, NetworkOffering
from network.responses import networkoffering
from network.services import offerings, supported


@command(roles=ADMIN, event="NETWORK.OFFERING.CREATE", response=networkoffering)
def createNetworkOffering(
    caller: Caller,
    name: Annotated[str, "Name of the offering"],
    guestiptype: Annotated[Literal["Shared", "Isolated", "L2"], "Kind of network it makes"],
    traffictype: Annotated[Literal["Guest"], "Guest; nothing else is offered to tenants"],
    displaytext: Annotated[str, "What a person choosing it should read"] = "",
    supportedservices: Annotated[list[str] | None, "Services, e.g. Dhcp,Dns,SourceNat"] = None,
    serviceproviderlist: Annotated[Map | None, "Who provides each service"] = None,
    availability: Annotated[Literal["Optional", "Required"], "Optional or Required"] = "Optional",
    specifyvlan: Annotated[bool, "The creator chooses a VLAN"] = False,
    specifyipranges: Annotated[bool, "The creator chooses the address ranges"] = False,
    conservemode: Annotated[bool, "One public address may serve several services"] = True,
    ispersistent: Annotated[bool, "The router runs without machines, too"] = False,
    egressdefaultpolicy: Annotated[bool, "Guests may go out unless a rule forbids it"] = True,
    networkrate: Annotated[int | None, Between(1, 1_000_000), "Mbit/s for each NIC"] = None,
    maxconnections: Annotated[int | None, Between(1), "For load balancers"] = None,
    tags: Annotated[str, "Only on physical networks with this tag"] = "",
    servicecapabilitylist: Annotated[
        Map | None, "How services are to work: service, capabilitytype, capabilityvalue"
    ] = None,
    enable: Annotated[bool, "Ready for use at once"] = False,
) -> NetworkOffering:
    """Creates a network offering."""
    services = {name: [offerings.usual_provider(name)] for name in supportedservices or []}
    for entry in serviceproviderlist or []:
        if service := entry.get("service"):
            services[service] = [entry.get("provider") or offerings.usual_provider(service)]
    supported.check(services, servicecapabilitylist or [])
    return offerings.create(
        name=name,
        guest_type=guestiptype,
        services=services,
        display_text=displaytext or name,
        availability=availability,
        specify_vlan=specifyvlan,
        specify_ip_ranges=specifyipranges,
        conserve_mode=conservemode,
        is_persistent=ispersistent,
        egress_default_allow=egressdefaultpolicy,
        network_rate=networkrate,
        max_connections=maxconnections,
        tags=[tags] if tags else [],
        state="Enabled" if enable else "Disabled",
    )


@command(roles=ADMIN, event="NETWORK.OFFERING.EDIT", response=networkoffering)
def updateNetworkOffering(
    caller: Caller,
    id: Annotated[NetworkOffering, Operate, "The offering to change"],
    name: Annotated[str | None, "A new name"] = None,
    displaytext: Annotated[str | None, "A new description"] = None,
    state: Annotated[Literal["Enabled", "Disabled"] | None, "Whether it may be used"] = None,
    availability: Annotated[Literal["Optional", "Required"] | None, "New availability"] = None,
) -> NetworkOffering:
    """Renames, enables or disables a network offering."""
    asked = {
        "name": name, "display_text": displaytext, "state": state, "availability": availability
    }  # fmt: skip
    changes = {k: v for k, v in asked.items() if v is not None}
    for field, value in changes.items():
        setattr(id, field, value)
    id.save(update_fields=list(changes))
    return id


@command(roles=ADMIN, event="NETWORK.OFFERING.DELETE", response=SUCCESS)
def deleteNetworkOffering(
    caller: Caller, id: Annotated[NetworkOffering, Operate, "The offering to delete"]
) -> None:
    """Deletes a network offering that no network is made from."""
    offerings.delete(id)


@listing(NetworkOffering, response=networkoffering, keyword=("name", "display_text"))
def listNetworkOfferings(
    caller: Caller,
    rows: QuerySet,
    name: Annotated[str | None, Filter("name"), "Only of this name"] = None,
    displaytext: Annotated[str | None, Filter("display_text"), "Only so described"] = None,
    state: Annotated[str | None, Filter("state"), "Enabled or Disabled"] = None,
    guestiptype: Annotated[str | None, Filter("guest_type"), "Shared, Isolated or L2"] = None,
    availability: Annotated[str | None, Filter("availability"), "Optional or Required"] = None,
    specifyvlan: Annotated[bool | None, Filter("specify_vlan"), "With a chosen VLAN"] = None,
    specifyipranges: Annotated[
        bool | None, Filter("specify_ip_ranges"), "With chosen address ranges"
    ] = None,
    isdefault: Annotated[bool | None, Filter("is_default"), "Built-in ones, or the others"] = None,
    traffictype: Annotated[str | None, Filter("traffic_type"), "Guest"] = None,
    forvpc: Annotated[bool | None, "Those for VPC tiers; there are none yet"] = None,
    supportedservices: Annotated[list[str] | None, "Only with all of these services"] = None,
    sourcenatsupported: Annotated[bool | None, "Only with, or without, source NAT"] = None,
    networkid: Annotated[Network | None, "Only those this network could change to"] = None,
    zoneid: Annotated[Zone | None, "Only those usable in this zone"] = None,
    istagged: Annotated[bool | None, "Only those with a tag, or without"] = None,
    tags: Annotated[str | None, Length(4096), "Only those with this tag"] = None,
) -> QuerySet:
    """Lists network offerings."""
    if istagged is not None:
        rows = rows.exclude(tags=[]) if istagged else rows.filter(tags=[])
    if tags:
        rows = rows.filter(tags=[tags])
    if forvpc:
        return rows.none()
    if not caller.is_root_admin:
        rows = rows.filter(state="Enabled")
    for service in supportedservices or []:
        rows = rows.filter(services__has_key=service)
    if sourcenatsupported is not None:
        has_nat = rows.filter(services__has_key="SourceNat")
        rows = has_nat if sourcenatsupported else rows.exclude(services__has_key="SourceNat")
    if networkid is not None:
        rows = rows.filter(guest_type=networkid.guest_type)
    if zoneid is not None and zoneid.network_type == "Basic":
        rows = rows.filter(guest_type="Shared")
    return rows
