"""Physical networks and the traffic they carry."""

from __future__ import annotations

from typing import Annotated, Literal

from django.db.models import QuerySet

from accounts.caller import Caller
from core.commands import ADMIN, Filter, Operate, Use, command, listing
from core.responses import SUCCESS, Cut
from infra.models import Zone
from infra.services import pages
from network.models import PhysicalNetwork, TrafficType
from network.responses import (
    isolationmethod,
    physicalnetwork,
    traffictype,
    traffictypeimplementor,
)
from network.services import physical

#: What makes each kind of traffic work here (CloudStack names the code that does it).
IMPLEMENTORS = {
    "Guest": "HostBridge",
    "Management": "PodReservedRanges",
    "Public": "RouterUplink",
    "Storage": "StorageReservedRanges",
}


@command(roles=ADMIN, event="PHYSICAL.NETWORK.CREATE", response=physicalnetwork)
def createPhysicalNetwork(
    caller: Caller,
    name: Annotated[str, "Name of the physical network"],
    zoneid: Annotated[Zone, Use, "The zone whose hosts share it"],
    isolationmethods: Annotated[list[str] | None, "How tenants are kept apart: VLAN, VXLAN"] = None,
    vlan: Annotated[str, "VLAN ids (or VNIs) for tenants' networks, e.g. 100-200,300-310"] = "",
    networkspeed: Annotated[str, "Speed of the links, e.g. 10G"] = "",
    tags: Annotated[list[str] | None, "Tags that network offerings may ask for"] = None,
    broadcastdomainrange: Annotated[Literal["ZONE", "POD"], "How far it reaches"] = "ZONE",
) -> PhysicalNetwork:
    """Creates a physical network with its service providers, all of them disabled at first."""
    return physical.create(
        zoneid,
        name=name,
        vlan=vlan,
        isolation_methods=isolationmethods,
        network_speed=networkspeed,
        tags=tags or [],
        broadcast_domain_range=broadcastdomainrange,
    )


@command(roles=ADMIN, event="PHYSICAL.NETWORK.UPDATE", response=physicalnetwork)
def updatePhysicalNetwork(
    caller: Caller,
    id: Annotated[PhysicalNetwork, Operate, "The physical network to change"],
    state: Annotated[Literal["Enabled", "Disabled"] | None, "Whether it may be used"] = None,
    vlan: Annotated[str | None, "All the VLAN ids it shall have, e.g. 100-200,300-310"] = None,
    networkspeed: Annotated[str | None, "New speed"] = None,
    tags: Annotated[list[str] | None, "New tags"] = None,
) -> PhysicalNetwork:
    """Changes a physical network."""
    asked = {"state": state, "vlan": vlan, "network_speed": networkspeed, "tags": tags}
    return physical.update(id, **{k: v for k, v in asked.items() if v is not None})


@command(roles=ADMIN, event="PHYSICAL.NETWORK.DELETE", response=SUCCESS)
def deletePhysicalNetwork(
    caller: Caller, id: Annotated[PhysicalNetwork, Operate, "The physical network to delete"]
) -> None:
    """Deletes a physical network that nothing runs on, with its traffic types and providers."""
    physical.delete(id)


@listing(PhysicalNetwork, response=physicalnetwork, roles=ADMIN)
def listPhysicalNetworks(
    caller: Caller,
    rows: QuerySet,
    name: Annotated[str | None, Filter("name"), "Only of this name"] = None,
    zoneid: Annotated[Zone | None, Filter("zone"), "Only of this zone"] = None,
) -> QuerySet:
    """Lists physical networks."""
    return rows


@command(roles=ADMIN, response=isolationmethod)
def listNetworkIsolationMethods(
    caller: Caller,
    keyword: Annotated[str, "Only what has this in its name"] = "",
    page: Annotated[int | None, "Which page, from 1; goes with pagesize"] = None,
    pagesize: Annotated[int | None, "Records in a page"] = None,
) -> Cut:
    """Lists the ways tenants' networks can be kept apart."""
    records = [{"name": name} for name in physical.ISOLATION_METHODS]
    return pages.cut(records, keyword=keyword, page=page, pagesize=pagesize)


@command(roles=ADMIN, event="TRAFFIC.TYPE.CREATE", response=traffictype)
def addTrafficType(
    caller: Caller,
    physicalnetworkid: Annotated[PhysicalNetwork, Operate, "The wires it uses"],
    traffictype: Annotated[
        Literal["Guest", "Management", "Public", "Storage"], "The kind of traffic"
    ],
    kvmnetworklabel: Annotated[str, "Device of KVM hosts it leaves by, e.g. eth1"] = "",
    vlan: Annotated[str, "VLAN of this traffic"] = "",
) -> TrafficType:
    """Lets a physical network carry a kind of traffic."""
    return physical.add_traffic(physicalnetworkid, traffictype, kvmnetworklabel, vlan)


@command(roles=ADMIN, event="TRAFFIC.TYPE.UPDATE", response=traffictype)
def updateTrafficType(
    caller: Caller,
    id: Annotated[TrafficType, Operate, "The traffic type to change"],
    kvmnetworklabel: Annotated[str | None, "Device of KVM hosts it leaves by from now on"] = None,
) -> TrafficType:
    """Changes the device by which a kind of traffic leaves the hosts."""
    return id if kvmnetworklabel is None else physical.relabel(id, kvmnetworklabel)


@command(roles=ADMIN, event="TRAFFIC.TYPE.DELETE", response=SUCCESS)
def deleteTrafficType(
    caller: Caller, id: Annotated[TrafficType, Operate, "The traffic type to remove"]
) -> None:
    """Stops a physical network from carrying a kind of traffic that nothing uses."""
    physical.remove_traffic(id)


@listing(TrafficType, response=traffictype, roles=ADMIN, keyword=("type",))
def listTrafficTypes(
    caller: Caller,
    rows: QuerySet,
    physicalnetworkid: Annotated[
        PhysicalNetwork | None, Filter("physical_network"), "Only of this physical network"
    ] = None,
) -> QuerySet:
    """Lists what physical networks carry."""
    return rows


@command(roles=ADMIN, response=traffictypeimplementor)
def listTrafficTypeImplementors(
    caller: Caller,
    traffictype: Annotated[str, "Only of this kind of traffic"] = "",
    keyword: Annotated[str, "Only what has this in its name"] = "",
    page: Annotated[int | None, "Which page, from 1; goes with pagesize"] = None,
    pagesize: Annotated[int | None, "Records in a page"] = None,
) -> Cut:
    """Lists the kinds of traffic and what makes each work."""
    records = [
        {"traffictype": kind, "traffictypeimplementor": name}
        for kind, name in IMPLEMENTORS.items()
        if not traffictype or kind.lower() == traffictype.lower()
    ]
    names = ("traffictype", "traffictypeimplementor")
    return pages.cut(records, keyword=keyword, page=page, pagesize=pagesize, names=names)
