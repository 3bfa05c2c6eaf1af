import pytest

from api.dispatch import execute
from infra.services import address_book, pod_ranges
from network.services import addresses
from tests.factories import (
    admin_caller,
    make_ip_range,
    make_network,
    make_pod,
    make_public_range,
    make_wires,
    make_zone,
)

pytestmark = pytest.mark.django_db


def test_addresses_of_shared_networks_are_a_capacity_of_their_zone():
    zone = make_zone()
    network = make_network(zone=zone, guest_type="Shared")
    make_ip_range(network, "10.1.1.10", "10.1.1.19")
    addresses.allocate(network)
    make_ip_range(make_network(zone=zone), "10.1.1.10", "10.1.1.19")
    found = execute(admin_caller(), "listCapacity", {"zoneid": zone.uuid, "type": "8"}).records
    assert [(c["capacitytotal"], c["capacityused"]) for c in found] == [(10, 1)]


def of(kind, command="listCapacity", **where):
    found = execute(admin_caller(), command, {**where, "type": kind}).records
    return [(c["capacitytotal"], c["capacityused"]) for c in found]


def test_public_addresses_and_vlans_are_capacities_of_their_zone():
    wires = make_wires(vlan="100-109,200")
    make_public_range(wires.zone)
    addresses.allocate(make_network(zone=wires.zone, physical_network=wires))
    assert of(4, zoneid=wires.zone.uuid) == [(11, 1)]
    assert of(7, zoneid=wires.zone.uuid) == [(11, 1)]
    assert of(7, zoneid=make_zone().uuid) == []


def test_management_addresses_are_a_capacity_of_their_zone_and_pod():
    pod = make_pod()
    wanted = address_book.checked("10.0.0.1", "255.255.255.0", "10.0.0.10", "10.0.0.29")
    pod_ranges.add(pod, wanted)
    pod_ranges.take(pod.zone, holder="s-1-VM")
    assert of(5, zoneid=pod.zone.uuid) == [(20, 1)]
    assert of(5, podid=pod.uuid) == [(20, 1)]
    assert of(5, podid=make_pod(pod.zone).uuid) == []
