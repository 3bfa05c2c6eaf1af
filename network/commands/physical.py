"""Physical networks and the traffic they carry."""

from __future__ import annotations

from typing import Annotated, Literal

from django.db.models import QuerySet

from accounts.caller import Caller
from core.commands import ADMIN, Filter, Operate, Use, command, listing
from core.errors import InvalidParameter
from core.responses import SUCCESS
from infra.models import Zone
from network.models import PhysicalNetwork, TrafficType
from network.responses import physicalnetwork, traffictype
from network.services import physical


@command(roles=ADMIN, event="PHYSICAL.NETWORK.CREATE", response=physicalnetwork)
def createPhysicalNetwork(
    caller: Caller,
    name: Annotated[str, "Name of the physical network"],
    zoneid: Annotated[Zone, Use, "The zone whose hosts share it"],
    isolationmethods: Annotated[list[str] | None, "How tenants are kept apart: VLAN, VXLAN"] = None,
    vlan: Annotated[str, "Range of VLAN ids for tenants, e.g. 100-200"] = "",
    networkspeed: Annotated[str, "Speed of the links, e.g. 10G"] = "",
    tags: Annotated[list[str] | None, "Tags that network offerings may ask for"] = None,
    broadcastdomainrange: Annotated[Literal["ZONE", "POD"], "How far it reaches"] = "ZONE",
) -> PhysicalNetwork:
    """Creates a physical network."""
    return physical.create(
        zoneid,
        name=name,
        vlan=vlan,
        isolation_methods=isolationmethods or ["VLAN"],
        network_speed=networkspeed,
        tags=tags or [],
        broadcast_domain_range=broadcastdomainrange,
    )


@command(roles=ADMIN, event="PHYSICAL.NETWORK.UPDATE", response=physicalnetwork)
def updatePhysicalNetwork(
    caller: Caller,
    id: Annotated[PhysicalNetwork, Operate, "The physical network to change"],
    state: Annotated[Literal["Enabled", "Disabled"] | None, "Whether it may be used"] = None,
    vlan: Annotated[str | None, "New range of VLAN ids"] = None,
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
    """Deletes a physical network that no network runs on."""
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
    if physicalnetworkid.traffic_types.filter(type=traffictype, removed=None).exists():
        raise InvalidParameter(
            f"Physical network {physicalnetworkid} carries {traffictype} traffic already."
        )
    return TrafficType.objects.create(
        physical_network=physicalnetworkid, type=traffictype, kvm_label=kvmnetworklabel, vlan=vlan
    )


@command(roles=ADMIN, event="TRAFFIC.TYPE.DELETE", response=SUCCESS)
def deleteTrafficType(
    caller: Caller, id: Annotated[TrafficType, Operate, "The traffic type to remove"]
) -> None:
    """Stops a physical network from carrying a kind of traffic."""
    id.remove()


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
