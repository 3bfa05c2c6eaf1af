import pytest
from django.db import transaction

from agent import protocol
from infra.services import reconciler, reports
from jobs.models import Trouble
from jobs.troubles import REPAIRS
from jobs.worker import run_everything
from network.models import GuestAddress, Router
from network.services import addresses, guests, routers
from tests.factories import make_host, make_network, make_zone

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def served(world):
    """A network whose router runs on a host."""
    zone = make_zone()
    network, host = make_network(zone=zone), make_host(zone=zone)
    with transaction.atomic():
        routers.ensure(network)
        addresses.allocate(network)
    routers.apply(None, network, host)
    return network


def look():
    reconciler.run(reconciler.COMPARERS["routers"])
    return Router.objects.get()


def test_what_changed_without_a_job_is_applied(served):
    with transaction.atomic():
        addresses.release(served.addresses.get())
    assert Router.objects.get().applied_version < Router.objects.get().version
    router = look()
    assert router.applied_version == router.version


def test_a_host_that_comes_back_gets_its_routers_again(served):
    router = Router.objects.get()
    reports.back(router.host)
    assert Router.objects.get().applied_version == 0
    assert look().applied_version == router.version


def test_what_cannot_be_mended_needs_attention_until_it_can(served, monkeypatch):
    routers.changed(served)
    real = routers.agents.call

    def refuse(*_):
        raise protocol.NetworkFailed("dnsmasq does not start")

    monkeypatch.setattr(routers.agents, "call", refuse)
    look()
    trouble = Trouble.objects.get(closed=None)
    assert "dnsmasq does not start" in trouble.sentence

    monkeypatch.setattr(routers.agents, "call", real)
    REPAIRS[trouble.repair](trouble)
    run_everything()
    look()
    assert not Trouble.objects.filter(closed=None).exists()


def test_a_host_that_is_away_is_not_the_routers_trouble(served, monkeypatch):
    routers.changed(served)

    def away(*_):
        raise protocol.HostUnavailable("away")

    monkeypatch.setattr(routers.agents, "call", away)
    look()
    assert not Trouble.objects.exists()


def test_a_password_that_was_fetched_is_forgotten_and_a_newer_one_kept(served, monkeypatch):
    address = served.addresses.get()
    guests.set_metadata(address, {"local-hostname": "a"}, password="first")
    real = routers.agents.call

    def taken(host, operation, argument, run=None):
        state = real(host, operation, argument, run)
        return protocol.RouterState(
            state.uuid, state.version, state.running, passwords_taken=(address.ip4,)
        )

    monkeypatch.setattr(routers.agents, "call", taken)
    look()
    assert GuestAddress.objects.get().sealed_password == ""

    def taken_while_changed(*args):
        guests.set_metadata(address, {"local-hostname": "a"}, password="third")
        return taken(*args)

    guests.set_metadata(address, {"local-hostname": "a"}, password="second")
    monkeypatch.setattr(routers.agents, "call", taken_while_changed)
    look()
    assert GuestAddress.objects.get().sealed_password != ""
