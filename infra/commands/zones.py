"""Zones."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.db.models import QuerySet

from accounts.caller import Caller
from accounts.models import Domain
from core.commands import ADMIN, USER, Details, Filter, Operate, Read, command, listing
from core.responses import SUCCESS
from infra.models import Zone
from infra.responses import zone
from infra.services import zones

State = Literal["Enabled", "Disabled"]


def given(**asked: Any) -> dict[str, Any]:
    """Only what the caller sent."""
    return {name: value for name, value in asked.items() if value is not None}


def with_capacities(arguments: dict[str, Any]) -> frozenset[str]:
    return frozenset({"capacity"} if arguments.get("showcapacities") else ())


@command(roles=ADMIN, event="ZONE.CREATE", response=zone)
def createZone(
    caller: Caller,
    name: Annotated[str, "Name of the zone"],
    networktype: Annotated[
        Literal["Basic", "Advanced"],
        "Basic: one flat network kept apart by security groups; Advanced: networks of tenants",
    ],
    dns1: Annotated[str, "Name server that guests use"],
    internaldns1: Annotated[str, "Name server that hosts and system machines use"],
    dns2: Annotated[str, "Second name server of guests"] = "",
    internaldns2: Annotated[str, "Second name server of hosts"] = "",
    ip6dns1: Annotated[str, "Name server of guests, reached over IPv6"] = "",
    ip6dns2: Annotated[str, "Second name server of guests over IPv6"] = "",
    guestcidraddress: Annotated[str, "Network that tenants' networks are cut from"] = "",
    domain: Annotated[str, "DNS domain of the networks in the zone"] = "",
    domainid: Annotated[Domain | None, Read, "Only this domain and those below use it"] = None,
    allocationstate: Annotated[State, "Whether new resources may be placed in it"] = "Enabled",
    localstorageenabled: Annotated[bool, "Whether machines may live on a host's own disk"] = False,
    securitygroupenabled: Annotated[bool, "Whether security groups keep guests apart"] = False,
    isedge: Annotated[bool, "A small zone of a few hosts, without system machines"] = False,
) -> Zone:
    """Creates a zone."""
    return zones.create(
        name=name,
        network_type=networktype,
        domain=domainid,
        dns1=dns1,
        dns2=dns2,
        internal_dns1=internaldns1,
        internal_dns2=internaldns2,
        ip6_dns1=ip6dns1,
        ip6_dns2=ip6dns2,
        guest_cidr=guestcidraddress,
        network_domain=domain,
        allocation_state=allocationstate,
        local_storage_enabled=localstorageenabled,
        security_groups_enabled=securitygroupenabled,
        type="Edge" if isedge else "Core",
    )


@command(roles=ADMIN, event="ZONE.EDIT", response=zone)
def updateZone(
    caller: Caller,
    id: Annotated[Zone, Operate, "The zone to change"],
    name: Annotated[str | None, "New name"] = None,
    dns1: Annotated[str | None, "Name server that guests use"] = None,
    dns2: Annotated[str | None, "Second name server of guests"] = None,
    internaldns1: Annotated[str | None, "Name server that hosts use"] = None,
    internaldns2: Annotated[str | None, "Second name server of hosts"] = None,
    ip6dns1: Annotated[str | None, "Name server of guests over IPv6"] = None,
    ip6dns2: Annotated[str | None, "Second name server of guests over IPv6"] = None,
    guestcidraddress: Annotated[str | None, "Network that tenants' networks are cut from"] = None,
    domain: Annotated[str | None, "DNS domain of the networks in the zone"] = None,
    ispublic: Annotated[bool | None, "Open a domain's zone to everybody"] = None,
    allocationstate: Annotated[State | None, "Whether new resources may be placed in it"] = None,
    localstorageenabled: Annotated[
        bool | None, "Whether machines may live on a host's own disk"
    ] = None,
    dhcpprovider: Annotated[str | None, "What hands out addresses"] = None,
    details: Annotated[Details | None, "Further facts, as key and value"] = None,
    sortkey: Annotated[int | None, "Place in lists; small comes first"] = None,
) -> Zone:
    """Changes a zone."""
    return zones.update(
        id,
        is_public=ispublic,
        **given(
            name=name,
            dns1=dns1,
            dns2=dns2,
            internal_dns1=internaldns1,
            internal_dns2=internaldns2,
            ip6_dns1=ip6dns1,
            ip6_dns2=ip6dns2,
            guest_cidr=guestcidraddress,
            network_domain=domain,
            allocation_state=allocationstate,
            local_storage_enabled=localstorageenabled,
            dhcp_provider=dhcpprovider,
            details=details,
            sort_key=sortkey,
        ),
    )


@command(roles=ADMIN, event="ZONE.DELETE", response=SUCCESS)
def deleteZone(caller: Caller, id: Annotated[Zone, Operate, "The empty zone to delete"]) -> None:
    """Deletes a zone that has nothing left in it."""
    zones.delete(id)


@listing(
    Zone,
    response=zone,
    roles=USER,
    order=("sort_key", "pk"),
    scoped=False,
    groups=with_capacities,
    tagged=True,
    icons=True,
)
def listZones(
    caller: Caller,
    rows: QuerySet,
    name: Annotated[str | None, Filter("name"), "Only of this name"] = None,
    networktype: Annotated[
        Literal["Basic", "Advanced"] | None, Filter("network_type"), "Only of this network type"
    ] = None,
    allocationstate: Annotated[
        State | None, Filter("allocation_state"), "Only open, or only closed, zones"
    ] = None,
    domainid: Annotated[Domain | None, Filter("domain"), "Only zones of this domain"] = None,
    available: Annotated[bool, "Taken for clients' sake; every zone shown is available"] = True,
    showcapacities: Annotated[bool, "Show what each zone has and has given away"] = False,
) -> QuerySet:
    """Lists zones."""
    return rows
