"""Mocks through their commands, and what they do to the portal's own work."""

import pytest

from agent import protocol as p
from api.dispatch import execute
from core.errors import InvalidParameter, NoSuchObject, ResourceUnavailable
from infra import agents
from infra.models import Host
from infra.services import simulator
from infra.services.monitor import Monitor
from jobs.worker import run_everything
from tests.factories import admin_caller, make_cluster, make_host

pytestmark = pytest.mark.django_db


def configure(**given):
    return execute(admin_caller(), "configureSimulator", given).record()


def test_a_host_told_to_be_away_is_in_alert_and_comes_back(world):
    host, other = make_host(), make_host()
    mock = configure(name="PingCommand", value="enabled:false", hostid=str(host.uuid))
    monitor = Monitor()
    for _ in range(2):
        monitor.round()
    host.refresh_from_db()
    other.refresh_from_db()
    assert (host.status, other.status) == ("Alert", "Up")
    assert "does not answer" in host.reason
    execute(admin_caller(), "cleanupSimulatorMock", {"id": mock["id"]})
    monitor.round()
    host.refresh_from_db()
    assert host.status == "Up"


def test_mocks_count_down_for_the_place_they_are_for(world):
    host = make_host()
    configure(name="StopCommand", value="result:fail", clusterid=str(host.cluster.uuid), count=1)
    wanted = p.StopDomain("u", forced=True)
    agents.call(make_host(make_cluster()), "domain.stop", wanted)
    with pytest.raises(p.OperationFailed):
        agents.call(host, "domain.stop", wanted)
    agents.call(host, "domain.stop", wanted)
    found = execute(admin_caller(), "querySimulatorMock", {}).record()
    assert (found["count"], found["clusterid"]) == (0, str(host.cluster.uuid))


@pytest.mark.parametrize(
    "given, said",
    [
        ({"name": "MakeCoffee", "value": "wait:1"}, "no host is ever asked"),
        ({"name": "StartCommand", "value": "wait:soon"}, "takes seconds"),
        ({"name": "StartCommand", "value": "x", "jsonresponse": "{"}, "is not JSON"),
        ({"name": "StartCommand", "value": "result:fail", "count": 0}, "1 or more"),
    ],
)
def test_what_is_no_mock_is_refused(world, given, said):
    with pytest.raises(InvalidParameter, match=said):
        configure(**given)
    assert not world.mocks.all()


def test_a_real_host_does_nothing_on_purpose(world):
    host = make_host()
    Host.objects.filter(pk=host.pk).update(link="local")
    with pytest.raises(InvalidParameter, match="real one"):
        configure(name="StartCommand", value="result:fail", hostid=str(host.uuid))


def test_all_mocks_go_at_once_and_one_that_is_not_there_is_said_so(world):
    for _ in range(3):
        configure(name="StartCommand", value="wait:1")
    execute(admin_caller(), "cleanupSimulatorMock", {})
    assert not world.mocks.all()
    with pytest.raises(NoSuchObject):
        execute(admin_caller(), "cleanupSimulatorMock", {"id": 7})
    with pytest.raises(NoSuchObject):
        execute(admin_caller(), "querySimulatorMock", {})


def test_without_a_simulator_there_is_nothing_to_mock():
    simulator.use(None)
    with pytest.raises(ResourceUnavailable):
        configure(name="StartCommand", value="wait:1")


def test_a_host_learns_another_size_when_it_is_connected_again(world):
    host = make_host()
    reply = '{"cpus": 96, "memory_mb": 786432}'
    configure(name="StartupRoutingCommand", value="wait:0", jsonresponse=reply)
    execute(admin_caller(), "reconnectHost", {"id": str(host.uuid)})
    run_everything()
    host.refresh_from_db()
    assert (host.status, host.cpus, host.memory_mb) == ("Up", 96, 786432)
