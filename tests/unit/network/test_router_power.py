"""Routers that people stop, start and make anew."""

import pytest

from agent import protocol as p
from api.dispatch import execute
from core.errors import NotAllowedInState
from infra import agents
from jobs.models import AsyncJob, JobStatus
from jobs.worker import run_everything
from network.models import Router
from network.services import routers
from network.upkeep import keep_as_wanted
from tests.factories import admin_caller, make_host, make_network

pytestmark = pytest.mark.django_db


@pytest.fixture
def router(world):
    host = make_host()
    network = make_network(zone=host.zone)
    routers.apply(None, network, host)
    return Router.objects.get(network=network)


def ask(command, router, **more):
    outcome = execute(admin_caller(), command, {"id": str(router.uuid), **more})
    run_everything()
    return outcome


def on_host(router):
    router.refresh_from_db()
    reference = p.RouterRef(str(router.uuid), router.name)
    return agents.call(router.host, "router.state", reference).running


def test_a_stopped_router_is_gone_from_its_host_and_stays_so_until_started(router):
    ask("stopRouter", router)
    assert not on_host(router)
    assert (router.state, router.rests) == ("Stopped", True)
    assert not list(keep_as_wanted())
    routers.changed(router.network)
    assert not list(keep_as_wanted())
    assert not on_host(router)
    ask("startRouter", router)
    assert on_host(router)
    assert (router.state, router.rests) == ("Running", False)


def test_a_machine_that_starts_in_its_network_brings_it_up(router):
    ask("stopRouter", router)
    routers.apply(None, router.network, router.host)
    assert on_host(router)
    assert router.rests is False


def test_it_starts_on_another_host_when_its_own_is_away(router):
    ask("stopRouter", router)
    away = router.host
    other = make_host(away.cluster)
    away.status = "Down"
    away.save()
    ask("startRouter", router)
    assert on_host(router)
    assert router.host == other


def test_a_reboot_makes_it_anew(router):
    before = Router.objects.get().applied_at
    ask("rebootRouter", router)
    assert on_host(router)
    assert router.state == "Running"
    assert router.applied_at > before


def test_a_destroyed_router_leaves_nothing_and_comes_again_with_a_machine(router, world):
    network, host = router.network, router.host
    ask("destroyRouter", router)
    assert not Router.everything.filter(network=network).exists()
    assert not world.ledger.count("routers")
    routers.apply(None, network, host)
    assert Router.objects.get(network=network).state == "Running"


@pytest.mark.parametrize(
    "command, state", [("startRouter", "Running"), ("stopRouter", "Stopped"),
                       ("rebootRouter", "Stopped"), ("destroyRouter", "Stopping")],
)  # fmt: skip
def test_what_it_cannot_do_now_is_refused(router, command, state):
    Router.objects.update(state=state)
    with pytest.raises(NotAllowedInState, match=f"r-{router.pk}-VM is {state}"):
        ask(command, router)


def test_a_stop_that_fails_leaves_it_running_and_forced_does_not_mind(router, world):
    world.faults.fail("router.remove", p.NetworkFailed("busy"))
    ask("stopRouter", router)
    router.refresh_from_db()
    assert (router.state, AsyncJob.objects.get().status) == ("Running", JobStatus.FAILED)
    world.faults.fail("router.remove", p.HostUnavailable("gone"))
    ask("stopRouter", router, forced=True)
    router.refresh_from_db()
    assert router.state == "Stopped"
