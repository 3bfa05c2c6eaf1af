"""What operators have simulated hosts do on purpose."""

import time
from pathlib import Path

import pytest

from agent import protocol as p
from agent.drivers import mocks
from agent.operations import AgentConfig, World, simulated_agent

HOST, CLUSTER, ZONE = "h", "c", "z"


def agent_in(world: World, host: str = HOST):
    places = (CLUSTER, "p", ZONE)
    config = AgentConfig(Path("/nowhere"), name=host, host_uuid=host, simulated_places=places)
    return simulated_agent(config, world)


def power(agent):
    return agent.execute(p.Call("host.power", p.Nothing()))


def test_a_mock_fails_as_often_as_it_was_told():
    world = World()
    agent = agent_in(world)
    world.mocks.add("PingCommand", "result:fail", count=2)
    for _ in range(2):
        with pytest.raises(p.OperationFailed, match="on purpose"):
            power(agent)
    power(agent)
    assert [mock.left for mock in world.mocks.all()] == [0]


def test_a_host_that_is_away_is_called_by_its_name():
    world = World()
    config = AgentConfig(Path("/nowhere"), name="rack-7", host_uuid=HOST)
    world.mocks.add("PingCommand", "result:fault")
    with pytest.raises(p.HostUnavailable, match="rack-7"):
        power(simulated_agent(config, world))


def test_the_narrowest_place_decides():
    world = World()
    world.mocks.add("host.power", "result:fault", place=ZONE)
    world.mocks.add("host.power", "", place=HOST)
    power(agent_in(world))
    with pytest.raises(p.HostUnavailable):
        power(agent_in(world, "other"))


def test_a_host_that_is_off_has_lost_its_guests_and_one_whose_agent_is_away_has_not():
    world = World()
    agent = agent_in(world)
    for value, power_after in (("result:fault", "PowerOn"), ("enabled:false", "PowerOff")):
        agent.execute(p.Call("domain.start", p.StartDomain(p.DomainSpec("u", "i-2-3-VM", 1, 128))))
        world.mocks.add("PingCommand", value, count=1)
        with pytest.raises(p.HostUnavailable):
            power(agent)
        assert [s.power for s in power(agent).states] == [power_after]


def test_a_mock_of_another_place_is_nobody_else_s():
    world = World()
    world.mocks.add("host.power", "enabled:false", place="elsewhere")
    power(agent_in(world))


def test_waiting_takes_as_long_as_it_says():
    world = World()
    world.mocks.add("PingCommand", "wait:0.05")
    began = time.monotonic()
    power(agent_in(world))
    assert time.monotonic() - began >= 0.05


def test_a_timeout_lets_it_happen_and_loses_the_answer():
    world = World()
    agent = agent_in(world)
    number = world.mocks.add("StartCommand", "timeout:0").id
    spec = p.DomainSpec("u", "i-2-3-VM", 1, 128)
    with pytest.raises(p.HostUnavailable, match="lost"):
        agent.execute(p.Call("domain.start", p.StartDomain(spec)))
    assert [s.power for s in power(agent).states] == ["PowerOn"]
    assert world.mocks.remove(number)
    assert not world.mocks.remove(number)


def test_a_reply_replaces_what_it_names():
    world = World()
    agent = agent_in(world)
    world.mocks.add("StartupRoutingCommand", "", reply='{"cpus": 128, "memory_mb": 1048576}')
    facts = agent.execute(p.Call("host.facts", p.Nothing()))
    assert (facts.cpus, facts.memory_mb, facts.name) == (128, 1048576, HOST)


@pytest.mark.parametrize(
    "name, value, reply, said",
    [
        ("MakeCoffeeCommand", "wait:1", "", "no host is ever asked"),
        ("StartCommand", "wait:soon", "", "takes seconds"),
        ("StartCommand", "wait:-1", "", "takes seconds"),
        ("StartCommand", "explode", "", "none of wait"),
        ("StartCommand", "result:maybe", "", "none of wait"),
        ("StartCommand", "", "[1]", "not a JSON object"),
        ("StartCommand", "", "{", "is not JSON"),
    ],
)
def test_what_is_no_mock_is_refused_with_the_reason(name, value, reply, said):
    world = World()
    with pytest.raises(ValueError, match=said):
        world.mocks.add(name, value, reply=reply)
    assert not world.mocks.all()


def test_every_name_of_cloudstack_s_means_operations_there_are():
    for name in mocks.COMMANDS:
        assert set(mocks.operations_of(name)) <= set(p.OPERATIONS)
    assert mocks.operations_of("start") == ("domain.start",)


def test_processes_share_mocks_guests_and_files(tmp_path):
    one, two = World(tmp_path / "world.json"), World(tmp_path / "world.json")
    events = []
    agent_in(two).listen(events.append)
    pool = p.PoolRef("pool", "Filesystem", "/pool")
    disk = p.DiskRef(pool, "disk")
    first = agent_in(one)
    first.execute(p.Call("pool.prepare", p.PreparePool(pool)))
    first.execute(p.Call("volume.create", p.CreateVolume(disk, 2**30, provisioning="fat")))
    spec = p.DomainSpec("u", "i-2-3-VM", 1, 128, disks=(p.Disk(disk, 0),))
    first.execute(p.Call("domain.start", p.StartDomain(spec)))

    second = agent_in(two)
    assert [s.power for s in power(second).states] == ["PowerOn"]
    assert two.used_bytes("pool") == 2**30
    with pytest.raises(p.VolumeInUse):
        second.execute(p.Call("volume.delete", p.VolumeRef(disk)))
    assert [event.power for event in events] == ["PowerOn"]
    two.mocks.add("PingCommand", "result:fail", count=1)
    with pytest.raises(p.OperationFailed):
        power(first)
    power(second)
    two.take_down(HOST)
    with pytest.raises(p.HypervisorUnavailable):
        power(first)


def test_a_process_that_dies_in_the_middle_of_a_line_spoils_nothing(tmp_path):
    path = tmp_path / "world.json"
    one = World(path)
    with path.open("a") as file:
        file.write('["domains","x","y",{"spe')
    one.mocks.add("PingCommand", "wait:1")
    two = World(path)
    two.mocks.add("PingCommand", "wait:2")
    assert [mock.wait_s for mock in one.mocks.all()] == [1, 2]


def test_the_journal_is_written_anew_only_by_who_comes_first(tmp_path):
    path = tmp_path / "world.json"
    one = World(path)
    for number in range(50):
        one.mocks.add("PingCommand", f"wait:{number}")
        one.mocks.remove(1)
    before = path.stat()
    two = World(path)
    assert path.stat().st_ino == before.st_ino
    one.mocks.add("PingCommand", "wait:7")
    assert len(two.mocks.all()) == 1
    one.ledger.close()
    two.ledger.close()
    three = World(path)
    assert path.stat().st_size < before.st_size / 10
    assert [mock.wait_s for mock in three.mocks.all()] == [7]
