"""Agent.execute: fences, time limits, progress, cancellation, errors that may cross."""

import threading
import time
from pathlib import Path

import pytest

from agent import execution
from agent import protocol as p
from agent.execution import Agent, Interceptor, Parts
from agent.fences import FenceBook
from agent.operations import AgentConfig, World, simulated_agent

POOL = p.PoolRef("11111111-0000-4000-8000-000000000001", "Filesystem", "/pool")


class Pause(Interceptor):
    """Runs what a test wants inside each operation."""

    def __init__(self, action):
        self.action = action

    def around(self, call, task, work):
        self.action(call, task)
        return work()


def agent_doing(action, *, inline=False) -> Agent:
    simulated = simulated_agent(AgentConfig(Path("/nowhere"), name="sim"))
    parts = simulated.parts
    parts = Parts(parts.driver, parts.storage, parts.images, parts.network, inline=inline)
    return Agent(parts, FenceBook(), Pause(action))


def power(agent: Agent, progress=None, **fences: int):
    return agent.execute(p.Call("host.power", p.Nothing(), fences), progress)


def test_every_operation_of_the_protocol_has_a_handler():
    assert set(execution._HANDLERS) == set(p.OPERATIONS)
    assert set(execution._LOCKS) <= set(p.OPERATIONS)


def test_an_unknown_operation_is_refused():
    with pytest.raises(p.OperationFailed, match="knows no operation 'domain.explode'"):
        agent_doing(lambda *_: None).execute(p.Call("domain.explode", p.Nothing()))


def test_an_argument_of_the_wrong_kind_is_refused():
    with pytest.raises(p.OperationFailed, match="takes DomainRef, not Nothing"):
        agent_doing(lambda *_: None).execute(p.Call("domain.state", p.Nothing()))


@pytest.mark.parametrize("inline", [True, False])
def test_what_a_driver_did_not_foresee_becomes_operation_failed(inline):
    def explode(call, task):
        raise ZeroDivisionError("boom")

    with pytest.raises(p.OperationFailed, match="host.power failed: boom"):
        power(agent_doing(explode, inline=inline))


@pytest.mark.parametrize("inline", [True, False])
def test_an_error_of_the_protocol_crosses_as_it_is(inline):
    def explode(call, task):
        raise p.NotEnoughSpace("full")

    with pytest.raises(p.NotEnoughSpace, match="full"):
        power(agent_doing(explode, inline=inline))


def test_progress_is_reported_in_the_callers_thread():
    seen = []
    agent = agent_doing(lambda call, task: task(100.0, "half"))
    power(agent, lambda percent, note="": seen.append((percent, note, threading.get_ident())))
    assert seen == [(100.0, "half", threading.get_ident())]


@pytest.mark.parametrize("inline", [True, False])
def test_a_caller_that_gives_up_stops_the_operation(inline):
    reached = []

    def work(call, task):
        task(100.0)
        task.sleep(0.02)
        task.check()
        reached.append("the end")

    def give_up(percent, note=""):
        raise p.Cancelled("changed my mind")

    with pytest.raises(p.Cancelled, match="changed my mind"):
        power(agent_doing(work, inline=inline), give_up)
    assert not reached


def test_an_operation_that_is_too_slow_is_stopped(monkeypatch):
    operation = p.Operation("host.power", p.Nothing, p.PowerReport, 0.05)
    monkeypatch.setitem(p.OPERATIONS, "host.power", operation)
    with pytest.raises(p.HostUnavailable, match="did not end within"):
        power(agent_doing(lambda call, task: task.sleep(5)))


def test_an_operation_that_hangs_does_not_hold_its_caller(monkeypatch):
    operation = p.Operation("host.power", p.Nothing, p.PowerReport, 0.05)
    monkeypatch.setitem(p.OPERATIONS, "host.power", operation)
    monkeypatch.setattr(execution, "GRACE_S", 0.05)
    released = threading.Event()
    began = time.monotonic()
    with pytest.raises(p.HostUnavailable, match="did not end within"):
        power(agent_doing(lambda call, task: released.wait(10)))
    assert time.monotonic() - began < 5
    released.set()


def test_a_later_lease_stops_what_an_earlier_one_runs():
    begun = threading.Event()
    outcome = []

    def work(call, task):
        if call.fences.get("vm:1") == 1:
            begun.set()
            task.sleep(10)

    agent = agent_doing(work)

    def first():
        try:
            power(agent, **{"vm:1": 1})
        except p.AgentError as error:
            outcome.append(error)

    thread = threading.Thread(target=first)
    thread.start()
    assert begun.wait(5)
    power(agent, **{"vm:1": 2})
    thread.join(5)
    assert [type(error) for error in outcome] == [p.StaleFence]


def test_a_late_worker_is_refused():
    agent = agent_doing(lambda *_: None)
    power(agent, **{"vm:1": 7, "volume:2": 3})
    power(agent, **{"vm:1": 7})
    with pytest.raises(p.StaleFence, match="Lease 6 on vm:1"):
        power(agent, **{"vm:1": 6, "volume:2": 9})
    # Refused whole: the other resource's number was not raised either.
    power(agent, **{"volume:2": 3})


def test_calls_on_one_volume_take_turns_and_others_do_not_wait():
    inside, most, guard = [0], [0], threading.Lock()

    def work(call, task):
        with guard:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        task.sleep(0.03)
        with guard:
            inside[0] -= 1

    agent = agent_doing(work)
    agent.execute(p.Call("pool.prepare", p.PreparePool(POOL)))
    disk = p.DiskRef(POOL, "v1")
    same = [p.Call("volume.create", p.CreateVolume(disk, 2**20)) for _ in range(4)]
    _run_together(agent, same)
    assert most[0] == 1
    others = [p.Call("domain.state", p.DomainRef(f"u{i}")) for i in range(4)]
    _run_together(agent, others)
    assert most[0] > 1


def _run_together(agent, calls):
    threads = [threading.Thread(target=agent.execute, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)


def test_simulated_hosts_share_their_world():
    world = World()
    first, second = (
        simulated_agent(AgentConfig(Path("/nowhere"), name=name), world) for name in ("a", "b")
    )
    first.execute(p.Call("pool.prepare", p.PreparePool(POOL)))
    disk = p.DiskRef(POOL, "v1")
    first.execute(p.Call("volume.create", p.CreateVolume(disk, 2**20)))
    assert second.execute(p.Call("volume.info", p.VolumeRef(disk))).virtual_bytes == 2**20
    assert first.execute(p.Call("host.facts", p.Nothing())).uuid != (
        second.execute(p.Call("host.facts", p.Nothing())).uuid
    )
