"""IPv6 ranges of guest networks: machines get addresses out of them, and the router says so."""

import pytest

from api.dispatch import execute
from core.errors import InsufficientCapacity, InUse, InvalidParameter
from network.models import IpRange, Network
from network.services import addresses, networks, routers
from tests.factories import (
    admin_caller,
    make_network,
    make_network_offering,
    make_router,
    make_wires,
    make_zone,
)

pytestmark = pytest.mark.django_db
RANGE = {"ip6cidr": "2001:db8:7::/64", "ip6gateway": "2001:db8:7::1",
         "startipv6": "2001:db8:7::10", "endipv6": "2001:db8:7::12"}  # fmt: skip


def do(command, **parameters):
    return execute(admin_caller(), command, parameters).record()


@pytest.fixture
def network(db):
    return make_network(guest_type="Shared", state="Setup")


def add(network, **changes):
    return do("createVlanIpRange", networkid=network.uuid, **{**RANGE, **changes})


def test_machines_get_addresses_out_of_the_range(network):
    made = add(network)
    assert {key: made[key] for key in RANGE} == RANGE
    network.refresh_from_db()
    router = make_router(network)
    given = [addresses.allocate(network) for _ in range(3)]
    assert [a.ip6 for a in given] == [f"2001:db8:7::{n}" for n in (10, 11, 12)]
    spec = routers.spec_for(router, routers.guests_of(network))
    assert (spec.networks[0].gateway6, spec.networks[0].prefix6) == ("2001:db8:7::1", 64)
    assert [host.ip6 for host in spec.networks[0].hosts] == [a.ip6 for a in given]
    with pytest.raises(InsufficientCapacity, match="no free IPv6 address left in 2001:db8:7::10"):
        addresses.allocate(network)
    addresses.release(given[0])
    assert addresses.allocate(network).ip6 == "2001:db8:7::10"
    add(network, startipv6="2001:db8:7::20", endipv6="")
    assert addresses.allocate(network).ip6 == "2001:db8:7::20"
    shown = do_list(networkid=network.uuid, keyword="::20")
    assert [(r["startipv6"], r["endipv6"]) for r in shown] == [("2001:db8:7::20",) * 2]


def do_list(**given):
    return execute(admin_caller(), "listVlanIpRanges", given).records


def test_one_range_can_be_of_both(network):
    made = do(
        "createVlanIpRange", networkid=network.uuid, **RANGE,
        gateway=network.gateway, netmask=network.netmask, startip="10.1.1.40", endip="10.1.1.49",
    )  # fmt: skip
    address = addresses.allocate(network)
    assert (address.ip4, address.ip6) == ("10.1.1.40", "2001:db8:7::10")
    assert (made["startip"], made["startipv6"]) == ("10.1.1.40", "2001:db8:7::10")


def test_a_long_range_is_not_searched_from_its_start(network, django_assert_max_num_queries):
    add(network, endipv6="2001:db8:7::ffff:ffff")
    for _ in range(3):
        addresses.allocate(network)
    with django_assert_max_num_queries(10):
        assert addresses.allocate(network).ip6 == "2001:db8:7::13"


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"ip6cidr": ""}, "has no IPv6 prefix yet"),
        ({"ip6cidr": "2001:db8:7::/48"}, "must be a /64"),
        ({"ip6cidr": "10.0.0.0/24"}, "not an IPv6 prefix"),
        ({"ip6gateway": "2001:db8:8::1"}, "is not in 2001:db8:7::/64"),
        ({"ip6gateway": "2001:db8:7::11"}, "lies in the range"),
        ({"startipv6": "2001:db8:8::10"}, "does not lie in 2001:db8:7::/64"),
        ({"startipv6": "2001:db8:7::"}, "the address of all routers"),
        ({"startipv6": "2001:db8:7::13"}, "lies behind"),
        ({"startipv6": "10.1.1.5"}, "must be an IPv6 address"),
        ({"startipv6": "2001:db8:7::10%eth0"}, "does not lie in"),
        ({"startipv6": ""}, "needs startipv6"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(network, wrong, said):
    with pytest.raises(InvalidParameter, match=said):
        add(network, **wrong)
    assert not IpRange.objects.exists()
    assert Network.objects.get(pk=network.pk).ip6_cidr == ""


def test_ranges_do_not_overlap_and_are_of_the_networks_prefix(network):
    add(network)
    with pytest.raises(InvalidParameter, match="overlaps the range 2001:db8:7::10 to 2001:db8"):
        add(network, startipv6="2001:db8:7::12", endipv6="2001:db8:7::30")
    with pytest.raises(InvalidParameter, match="its ranges are of that prefix"):
        add(network, ip6cidr="2001:db8:9::/64", ip6gateway="2001:db8:9::1",
            startipv6="2001:db8:9::5", endipv6="")  # fmt: skip
    other = make_network(guest_type="Shared", zone=network.zone, state="Setup")
    with pytest.raises(InvalidParameter, match="is that of network"):
        add(other)


def test_public_addresses_are_ipv4(db):
    zone = make_wires().zone
    with pytest.raises(InvalidParameter, match="Public addresses are IPv4"):
        do("createVlanIpRange", zoneid=zone.uuid, **RANGE)


def test_a_range_changes_and_goes_only_without_those_who_use_it(network):
    made = add(network)
    given = [addresses.allocate(network, hostname=f"w{n}") for n in range(2)]
    with pytest.raises(InUse, match="2001:db8:7::10 by machine w0"):
        do("updateVlanIpRange", id=made["id"], startipv6="2001:db8:7::11")
    with pytest.raises(InUse, match="by machine w0, 2001:db8:7::11 by machine w1"):
        execute(admin_caller(), "deleteVlanIpRange", {"id": made["id"]})
    changed = do("updateVlanIpRange", id=made["id"], endipv6="2001:db8:7::11")
    assert changed["endipv6"] == "2001:db8:7::11"
    for address in given:
        addresses.release(address)
    with pytest.raises(InvalidParameter, match="no IPv4 addresses to change"):
        do("updateVlanIpRange", id=made["id"], startip="10.1.1.5")
    execute(admin_caller(), "deleteVlanIpRange", {"id": made["id"]})
    assert not IpRange.objects.exists()
    # Without a range a machine has the address that it forms itself.
    assert addresses.allocate(network, mac="02:00:4c:12:34:56").ip6 == "2001:db8:7::4cff:fe12:3456"


def test_a_network_is_created_with_its_range_and_no_other_has_its_prefix(db):
    zone = make_zone()
    make_wires(zone=zone)
    admin = admin_caller()
    made = [
        _shared(admin, zone, f"net-{cidr}", f"2001:db8:{cidr}::") for cidr in ("a", "b")
    ]
    assert addresses.allocate(made[0]).ip6 == "2001:db8:a::5"
    with pytest.raises(InvalidParameter, match="2001:db8:a::/64 is that of network net-a"):
        _shared(admin, zone, "net-c", "2001:db8:a::")


def _shared(admin, zone, name, prefix):
    offering = make_network_offering(guest_type="Shared", specify_vlan=False)
    subnet = networks.Subnet(
        ip6_cidr=f"{prefix}/64", start_ip6=f"{prefix}5", end_ip6=f"{prefix}9"
    )
    return networks.create(
        admin, admin.account, name=name, zone=zone, offering=offering, subnet=subnet
    )
