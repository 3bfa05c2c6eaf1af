import pytest

from api.dispatch import execute
from network.services import addresses
from tests.factories import admin_caller, make_ip_range, make_network, make_zone

pytestmark = pytest.mark.django_db


def test_addresses_of_shared_networks_are_a_capacity_of_their_zone():
    zone = make_zone()
    network = make_network(zone=zone, guest_type="Shared")
    make_ip_range(network, "10.1.1.10", "10.1.1.19")
    addresses.allocate(network)
    make_ip_range(make_network(zone=zone), "10.1.1.10", "10.1.1.19")
    found = execute(admin_caller(), "listCapacity", {"zoneid": zone.uuid, "type": "8"}).records
    assert [(c["capacitytotal"], c["capacityused"]) for c in found] == [(10, 1)]
