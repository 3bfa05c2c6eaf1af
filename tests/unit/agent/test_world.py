"""The simulator's world: it lives on after a restart, breaks when told, and stays cheap."""

import time
from pathlib import Path

import pytest

from agent import protocol as p
from agent.operations import AgentConfig, World, simulated_agent

POOL = p.PoolRef("11111111-0000-4000-8000-000000000001", "Filesystem", "/pool")
HOST = "22222222-0000-4000-8000-000000000001"


def agent_in(world: World, host: str = HOST):
    return simulated_agent(AgentConfig(Path("/nowhere"), name="sim", host_uuid=host), world)


def start(agent, number: int = 1) -> p.DomainSpec:
    disk = p.DiskRef(POOL, f"v{number}")
    agent.execute(p.Call("pool.prepare", p.PreparePool(POOL)))
    agent.execute(p.Call("volume.create", p.CreateVolume(disk, 2**30)))
    spec = p.DomainSpec(f"u{number}", f"i-2-{number}-VM", 1, 256, disks=(p.Disk(disk, 0),))
    agent.execute(p.Call("domain.start", p.StartDomain(spec)))
    return spec


def power(agent, spec: p.DomainSpec) -> str:
    return agent.execute(p.Call("domain.state", p.DomainRef(spec.uuid))).power


def test_simulated_guests_survive_a_restart_of_the_portal(tmp_path):
    path = tmp_path / "world.json"
    agent = agent_in(World(path))
    kept, removed = start(agent, 1), start(agent, 2)
    agent.execute(p.Call("domain.remove", p.RemoveDomain(removed.uuid)))
    again = agent_in(World(path))
    assert (power(again, kept), power(again, removed)) == ("PowerOn", "PowerMissing")
    with pytest.raises(p.VolumeInUse):
        again.execute(p.Call("volume.delete", p.VolumeRef(kept.disks[0].source)))


def test_a_journal_cut_in_the_middle_of_a_line_still_loads(tmp_path):
    path = tmp_path / "world.json"
    spec = start(agent_in(World(path)))
    with path.open("a") as file:
        file.write('["domains", "x", "y", {"spe')
    assert power(agent_in(World(path)), spec) == "PowerOn"


def test_a_fault_before_leaves_nothing_and_happens_once():
    world = World()
    agent = agent_in(world)
    world.faults.fail("domain.start", p.OperationFailed("no luck"))
    with pytest.raises(p.OperationFailed, match="no luck"):
        start(agent)
    start(agent)


def test_a_fault_after_lets_it_happen_and_loses_the_answer():
    world = World()
    agent = agent_in(world)
    world.faults.fail("domain.*", p.HostUnavailable("cable cut"), when="after")
    with pytest.raises(p.HostUnavailable):
        start(agent)
    assert agent.execute(p.Call("domain.state", p.DomainRef("u1"))).power == "PowerOn"


def test_a_fault_may_be_for_one_host_only():
    world = World()
    other = "22222222-0000-4000-8000-000000000002"
    world.faults.fail("host.power", p.OperationFailed("no"), host=other)
    agent_in(world).execute(p.Call("host.power", p.Nothing()))
    with pytest.raises(p.OperationFailed):
        agent_in(world, other).execute(p.Call("host.power", p.Nothing()))


def test_a_delay_is_obeyed():
    world = World()
    world.faults.delay("host.power", 0.05)
    began = time.monotonic()
    agent_in(world).execute(p.Call("host.power", p.Nothing()))
    assert time.monotonic() - began >= 0.05


def test_a_hypervisor_that_is_down_does_not_answer_and_its_return_is_announced():
    world, events = World(), []
    agent = agent_in(world)
    spec = start(agent)
    agent.listen(events.append)
    world.take_down(HOST)
    with pytest.raises(p.HypervisorUnavailable):
        power(agent, spec)
    assert not agent.execute(p.Call("host.preflight", p.Preflight())).checks[0].passed
    world.bring_up(HOST)
    assert [event.reason for event in events] == ["resync"]
    assert power(agent, spec) == "PowerOn"


def test_power_loss_turns_every_guest_of_the_host_off():
    world = World()
    agent = agent_in(world)
    specs = [start(agent, number) for number in (1, 2)]
    world.power_loss(HOST)
    assert [power(agent, spec) for spec in specs] == ["PowerOff", "PowerOff"]


def test_a_download_answers_what_the_world_says():
    world = World()
    agent = agent_in(world)
    store = p.StorePath(p.StoreRef("s", "/store"), "image")
    world.web["http://gone"] = p.DownloadFailed("404")
    world.web["http://huge"] = p.ImageInfo(2**50, 1, "QCOW2", "")
    with pytest.raises(p.DownloadFailed):
        agent.execute(p.Call("image.download", p.DownloadImage("http://gone", store, "QCOW2")))
    wanted = p.DownloadImage("http://huge", store, "QCOW2", max_virtual_bytes=2**40)
    with pytest.raises(p.ImageRefused):
        agent.execute(p.Call("image.download", wanted))
    wanted = p.DownloadImage("http://good", store, "QCOW2", "{MD5}" + "0" * 32)
    assert agent.execute(p.Call("image.download", wanted)).checksum == wanted.checksum


def test_ten_thousand_hosts_are_cheap():
    world = World()
    began = time.monotonic()
    agents = [agent_in(world, f"host-{number}") for number in range(10_000)]
    reports = [agent.execute(p.Call("host.power", p.Nothing())) for agent in agents]
    assert all(report.states == () for report in reports)
    # Generous: it takes about 0.4 s; a scan over all hosts per call would take minutes.
    assert time.monotonic() - began < 30
