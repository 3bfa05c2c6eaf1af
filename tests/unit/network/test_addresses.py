import pytest

from core.errors import InsufficientCapacity, InvalidParameter, NotAllowedInState
from network.models import GuestAddress, Router
from network.services import addresses
from tests.factories import make_ip_range, make_network, make_router

pytestmark = pytest.mark.django_db


def test_addresses_follow_each_other_and_skip_the_gateway():
    network = make_network(cidr="10.1.1.0/29", gateway="10.1.1.2")
    given = [addresses.allocate(network).ip4 for _ in range(3)]
    assert given == ["10.1.1.1", "10.1.1.3", "10.1.1.4"]


def test_a_returned_address_rests_until_the_others_were_given():
    network = make_network(cidr="10.1.1.0/29", gateway="10.1.1.1")
    first = addresses.allocate(network)
    addresses.release(first)
    later = [addresses.allocate(network).ip4 for _ in range(5)]
    assert later == ["10.1.1.3", "10.1.1.4", "10.1.1.5", "10.1.1.6", "10.1.1.2"]


def test_a_full_network_says_which_range_is_used_up():
    network = make_network()
    make_ip_range(network, "10.1.1.10", "10.1.1.11")
    addresses.allocate(network)
    addresses.allocate(network)
    with pytest.raises(InsufficientCapacity, match=r"10\.1\.1\.10–10\.1\.1\.11"):
        addresses.allocate(network)


def test_a_chosen_address_is_given_and_cannot_be_given_twice():
    network = make_network()
    assert addresses.allocate(network, ip4="10.1.1.77").ip4 == "10.1.1.77"
    with pytest.raises(InvalidParameter, match="in use"):
        addresses.allocate(network, ip4="10.1.1.77")


@pytest.mark.parametrize(
    "ip4, said",
    [
        ("10.1.2.5", "not an address of network"),
        ("10.1.1.0", "not an address of network"),
        ("10.1.1.255", "not an address of network"),
        ("10.1.1.1", "gateway"),
        ("ten", "not an IPv4 address"),
        ("fe80::1", "not an IPv4 address"),
    ],
)
def test_a_chosen_address_that_cannot_be_is_refused(ip4, said):
    with pytest.raises(InvalidParameter, match=said):
        addresses.allocate(make_network(), ip4=ip4)


@pytest.mark.parametrize(
    "mac, said",
    [("x", "not a MAC"), ("01:00:5e:00:00:01", "multicast"), ("02:00:00:00:00:1ff", "not a MAC"),
     ("0E:ab:cd:ef:01:23", "routers")],
)
def test_a_chosen_mac_that_cannot_be_is_refused(mac, said):
    with pytest.raises(InvalidParameter, match=said):
        addresses.allocate(make_network(), mac=mac)


def test_a_mac_is_unique_over_all_networks():
    addresses.allocate(make_network(), mac="02-00-4C-00-00-01")
    with pytest.raises(InvalidParameter, match="02:00:4c:00:00:01 is in use"):
        addresses.allocate(make_network(), mac="02:00:4c:00:00:01")


def test_ipv6_is_what_the_guest_will_form_from_its_mac():
    network = make_network(ip6_cidr="fd00:1::/64", ip6_gateway="fd00:1::1")
    address = addresses.allocate(network, mac="02:00:4c:12:34:56")
    assert address.ip6 == "fd00:1::4c:ff:fe".replace("::4c:ff:fe", "::4cff:fe12:3456")


def test_no_address_is_given_in_a_network_that_is_being_deleted():
    with pytest.raises(NotAllowedInState, match="being deleted"):
        addresses.allocate(make_network(state="Destroy"))


def test_giving_back_twice_is_harmless_and_leaves_nothing():
    network = make_network()
    address = addresses.allocate(network)
    addresses.release(address)
    addresses.release(address)
    assert not GuestAddress.objects.exists()


def test_every_change_of_addresses_is_a_new_version_of_the_router():
    network = make_network()
    router = make_router(network)
    address = addresses.allocate(network)
    after_one = Router.objects.get(pk=router.pk).version
    addresses.release(address)
    assert after_one == router.version + 1
    assert Router.objects.get(pk=router.pk).version == router.version + 2


def test_finding_a_free_address_takes_a_few_queries_in_a_crowded_network(
    django_assert_max_num_queries,
):
    network = make_network(cidr="10.8.0.0/16", gateway="10.8.0.1", state="Implemented")
    start = 10 * 2**24 + 8 * 2**16
    GuestAddress.objects.bulk_create(
        GuestAddress(network=network, mac=f"02:02:00:00:{i >> 8:02x}:{i & 255:02x}",
                     ip4_number=start + i, ip4=f"10.8.{i >> 8}.{i & 255}")
        for i in range(2, 1500)
    )  # fmt: skip
    with django_assert_max_num_queries(8):
        assert addresses.allocate(network).ip4 == "10.8.5.220"


@pytest.mark.parametrize(
    "ip6, said",
    [("fd00:7::5%eth0", "not an address of"), ("fd00:7::", "not an address of"),
     ("fd00:7::1", "is the gateway"), ("fd00:7:0:0::0:1", "is the gateway"),
     ("fd00:8::5", "not an address of")],
)  # fmt: skip
def test_a_chosen_ipv6_address_that_cannot_be_is_refused(ip6, said):
    """A neighbour in a shared network could else stop or play its router."""
    network = make_network(ip6_cidr="fd00:7::/64", ip6_gateway="fd00:7::1")
    with pytest.raises(InvalidParameter, match=said):
        addresses.allocate(network, ip6=ip6)
    assert addresses.allocate(network, ip6="fd00:7::5").ip6 == "fd00:7::5"
