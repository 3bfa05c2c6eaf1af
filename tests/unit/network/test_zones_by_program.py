"""A Basic and an Advanced zone, wired and taken down by the calls that clients make."""

from __future__ import annotations

import pytest

from api.dispatch import execute
from core.errors import InvalidParameter
from infra.models import Pod, PodIpRange, Zone
from jobs.worker import run_everything
from network.models import (
    GuestVlan,
    IpRange,
    Network,
    NetworkServiceProvider,
    PhysicalNetwork,
    ProviderElement,
    PublicIp,
    StorageIpRange,
    TrafficType,
)
from network.services import offerings
from tests.factories import admin_caller

pytestmark = pytest.mark.django_db(transaction=True)

LEFT = (Zone, Pod, PodIpRange, PhysicalNetwork, TrafficType, NetworkServiceProvider, IpRange,
        ProviderElement, PublicIp, StorageIpRange, Network, GuestVlan)  # fmt: skip


@pytest.fixture(autouse=True)
def built_in(db):
    offerings.ensure_built_in()


def do(command, **parameters):
    return execute(admin_caller(), command, parameters).record()


def rows(command, **parameters):
    return execute(admin_caller(), command, parameters).records


def wired(kind: str, *traffic: str, **more) -> tuple[dict, dict]:
    """A zone with one physical network on which the virtual router may work."""
    zone = do("createZone", name=f"{kind} zone", networktype=kind, dns1="8.8.8.8",
              internaldns1="8.8.8.8")  # fmt: skip
    wires = do("createPhysicalNetwork", zoneid=zone["id"], name="wires", **more)
    assert wires["state"] == "Disabled"
    for one in traffic:
        do("addTrafficType", physicalnetworkid=wires["id"], traffictype=one,
           kvmnetworklabel=f"cloudbr{traffic.index(one)}")  # fmt: skip
    do("updatePhysicalNetwork", id=wires["id"], state="Enabled")
    providers = {p["name"]: p for p in rows("listNetworkServiceProviders",
                                            physicalnetworkid=wires["id"])}  # fmt: skip
    assert {p["state"] for p in providers.values()} == {"Disabled"}
    router = providers["VirtualRouter"]
    element = rows("listVirtualRouterElements", nspid=router["id"])[0]
    assert do("configureVirtualRouterElement", id=element["id"], enabled="true")["enabled"]
    enabled = do("updateNetworkServiceProvider", id=router["id"], state="Enabled")
    assert enabled["state"] == "Enabled"
    return zone, wires


def pod_of(zone: dict) -> dict:
    return do("createPod", zoneid=zone["id"], name="pod", gateway="172.16.0.1",
              netmask="255.255.255.0", startip="172.16.0.10", endip="172.16.0.50")  # fmt: skip


def offering(name: str) -> str:
    return rows("listNetworkOfferings", name=name)[0]["id"]


def nothing_is_left() -> bool:
    return not any(model.objects.exists() for model in LEFT)


def test_an_advanced_zone_from_nothing_and_back():
    zone, wires = wired("Advanced", "Management", "Guest", "Public", "Storage",
                        isolationmethods="VLAN", vlan="100-199")  # fmt: skip
    public = do("createVlanIpRange", zoneid=zone["id"], physicalnetworkid=wires["id"],
                forvirtualnetwork="true", gateway="192.0.2.1", netmask="255.255.255.0",
                startip="192.0.2.10", endip="192.0.2.20", vlan="50")  # fmt: skip
    assert public["forvirtualnetwork"] is True
    assert public["vlan"] == "vlan://50"
    pod = pod_of(zone)
    storage = do("createStorageNetworkIpRange", podid=pod["id"], gateway="172.17.0.1",
                 netmask="255.255.255.0", startip="172.17.0.10", endip="172.17.0.50")  # fmt: skip
    network = do("createNetwork", zoneid=zone["id"], name="net",
                 networkofferingid=offering("DefaultIsolatedNetworkOfferingWithSourceNatService"),
                 )  # fmt: skip
    do("updateZone", id=zone["id"], allocationstate="Enabled")

    do("deleteNetwork", id=network["id"])
    run_everything()
    do("deleteStorageNetworkIpRange", id=storage["id"])
    do("deletePod", id=pod["id"])
    do("deleteVlanIpRange", id=public["id"])
    do("deletePhysicalNetwork", id=wires["id"])
    do("deleteZone", id=zone["id"])
    assert nothing_is_left()


def test_a_basic_zone_from_nothing_and_back():
    zone, wires = wired("Basic", "Management", "Guest", "Storage")
    network = do("createNetwork", zoneid=zone["id"], name="guests", displaytext="guests",
                 networkofferingid=offering("DefaultSharedNetworkOffering"))  # fmt: skip
    with pytest.raises(InvalidParameter, match="is Basic and has its guest network: guests"):
        do("createNetwork", zoneid=zone["id"], name="more", displaytext="more",
           networkofferingid=offering("DefaultSharedNetworkOffering"))  # fmt: skip
    pod = pod_of(zone)
    guests = do("createVlanIpRange", podid=pod["id"], networkid=network["id"],
                forvirtualnetwork="false", gateway="10.5.0.1", netmask="255.255.255.0",
                startip="10.5.0.10", endip="10.5.0.200")  # fmt: skip
    assert (guests["podname"], guests["forvirtualnetwork"]) == ("pod", False)
    assert rows("listNetworks", id=network["id"])[0]["cidr"] == "10.5.0.0/24"
    do("updateZone", id=zone["id"], allocationstate="Enabled")

    do("deleteVlanIpRange", id=guests["id"])
    do("deleteNetwork", id=network["id"])
    run_everything()
    do("deletePod", id=pod["id"])
    do("deletePhysicalNetwork", id=wires["id"])
    do("deleteZone", id=zone["id"])
    assert nothing_is_left()
