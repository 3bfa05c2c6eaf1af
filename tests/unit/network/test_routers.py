import pytest

from agent import protocol
from network.models import Router
from network.services import addresses, guests, routers
from tests.factories import make_host, make_network, make_zone

pytestmark = pytest.mark.django_db(transaction=True)


def plugged(network, **more):
    from django.db import transaction

    with transaction.atomic():
        routers.ensure(network)
        return addresses.allocate(network, **more)


def test_the_whole_wanted_state_is_in_the_spec():
    network = make_network()
    address = plugged(network, hostname="web-1", mac="02:00:4c:00:00:09")
    guests.set_metadata(address, {"local-hostname": "web-1"}, user_data="aGk=", password="s3cret")
    router = Router.objects.get(network=network)
    spec = routers.spec_for(router, routers.guests_of(network))
    served = spec.networks[0]
    assert spec.version == router.version
    assert served.gateway4 == "10.1.1.1"
    assert served.hosts == (protocol.DhcpHost("02:00:4c:00:00:09", "10.1.1.2", "", "web-1"),)
    assert served.metadata == (
        protocol.GuestMetadata("10.1.1.2", {"local-hostname": "web-1"}, "aGk=", "s3cret"),
    )
    assert spec.nat


def test_a_password_is_sealed_in_the_database():
    network = make_network()
    address = plugged(network)
    guests.set_metadata(address, {}, password="s3cret")
    address.refresh_from_db()
    assert "s3cret" not in address.sealed_password


def test_applying_brings_the_host_to_the_newest_version(world):
    zone = make_zone()
    host, network = make_host(zone=zone), make_network(zone=zone)
    plugged(network)
    routers.apply(None, network, host)
    router = Router.objects.get(network=network)
    assert (router.state, router.applied_version) == ("Running", router.version)
    assert router.host == host


def test_what_is_applied_already_is_not_applied_again(world, monkeypatch):
    zone = make_zone()
    host, network = make_host(zone=zone), make_network(zone=zone)
    plugged(network)
    routers.apply(None, network, host)
    calls = []
    monkeypatch.setattr(routers.agents, "call", lambda *a: calls.append(a))
    routers.apply(None, network, host)
    assert calls == []


def test_the_router_stays_on_its_host_while_that_is_up(world):
    zone = make_zone()
    first, second, network = make_host(zone=zone), make_host(zone=zone), make_network(zone=zone)
    plugged(network)
    routers.apply(None, network, first)
    plugged(network)
    routers.apply(None, network, second)
    assert Router.objects.get(network=network).host == first


def test_a_network_without_services_gets_a_bridge_only(world):
    zone = make_zone()
    host, network = make_host(zone=zone), make_network(zone=zone, guest_type="L2")
    routers.apply(None, network, host)
    assert not Router.objects.exists()


def test_two_routers_have_links_that_do_not_touch():
    ends = set()
    for _ in range(3):
        network = make_network()
        ends.update(routers.ensure(network).link)
    assert len(ends) == 6
