"""The agent's line to a portal, played by a small server that speaks the portal's frames."""

import asyncio
import json
import stat
import threading
import tomllib
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from websockets.asyncio.server import serve

from agent import link as module
from agent import main as daemon
from agent import protocol as p
from agent.link import Credential, CredentialFile, Link, Refused
from agent.operations import AgentConfig, World, simulated_agent

HOST = "0f0f0f0f-0000-4000-8000-000000000001"
POOL = p.PoolRef("11111111-0000-4000-8000-000000000001", "Filesystem", "/pool")


class Portal:
    """Answers hello with what ``answer`` says, then lets a test talk to the agent."""

    def __init__(self, answer) -> None:
        self.answer = answer
        self.hellos = []
        self.lines: asyncio.Queue = asyncio.Queue()
        self.url = ""

    async def handle(self, socket) -> None:
        self.hellos.append(json.loads(await socket.recv()))
        await socket.send(json.dumps(self.answer(self.hellos[-1])))
        self.lines.put_nowait(socket)
        await socket.wait_closed()


def welcome(hello) -> dict:
    return {"type": "welcome", "host": HOST, "secret": "s3cret" if "token" in hello else None}


class Talk:
    """One connection as a test uses it."""

    def __init__(self, socket) -> None:
        self.socket = socket
        self.heard = []

    async def call(self, number: int, operation: str, argument=None, **fences) -> None:
        frame = {
            "type": "call", "id": number, "operation": operation,
            "argument": p.to_wire(argument or p.Nothing()), "fences": fences,
            "correlation_id": "c",
        }  # fmt: skip
        await self.socket.send(json.dumps(frame))

    async def wait(self, fits) -> dict:
        while True:
            frame = json.loads(await asyncio.wait_for(self.socket.recv(), 10))
            self.heard.append(frame)
            if fits(frame):
                return frame

    async def answer(self, number: int) -> dict:
        ends = ("result", "error")
        return await self.wait(lambda f: f.get("id") == number and f["type"] in ends)


@asynccontextmanager
async def talking(tmp_path, answer=welcome, world=None, token="t0ken"):
    world = world or World()
    agent = simulated_agent(AgentConfig(tmp_path, name="far", host_uuid=HOST), world)
    portal = Portal(answer)
    async with serve(portal.handle, "127.0.0.1", 0) as server:
        portal.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/agent"
        link = Link(agent, portal.url, CredentialFile(tmp_path / "portal.json"), token=token)
        running = asyncio.ensure_future(link.run())
        try:
            yield portal, running
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError, Refused):
                await running


async def first_line(portal) -> Talk:
    return Talk(await asyncio.wait_for(portal.lines.get(), 10))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(module, "FIRST_WAIT_S", 0.01)


def test_a_new_host_shows_its_token_and_keeps_its_secret(tmp_path):
    async def go():
        async with talking(tmp_path) as (portal, _):
            await first_line(portal)
            (hello,) = portal.hellos
            assert (hello["version"], hello["token"]) == (p.VERSION, "t0ken")
            assert p.from_wire(p.HostFacts, hello["facts"]).name == "far"

    asyncio.run(go())
    path = tmp_path / "portal.json"
    assert CredentialFile(path).read() == Credential(HOST, "s3cret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_known_host_shows_its_credential(tmp_path):
    CredentialFile(tmp_path / "portal.json").write(Credential(HOST, "old"))

    async def go():
        async with talking(tmp_path) as (portal, _):
            await first_line(portal)
            assert portal.hellos == [
                {"type": "hello", "version": p.VERSION, "host": HOST, "secret": "old"}
            ]

    asyncio.run(go())
    assert CredentialFile(tmp_path / "portal.json").read() == Credential(HOST, "old")


def test_a_refusal_ends_it_with_the_portals_words(tmp_path):
    async def go():
        refused = {"type": "refused", "message": "ask for a new token"}
        async with talking(tmp_path, lambda hello: refused) as (_, running):
            with pytest.raises(Refused, match="ask for a new token"):
                await asyncio.wait_for(running, 10)

    asyncio.run(go())


def test_without_token_or_credential_nothing_is_said(tmp_path):
    async def go():
        async with talking(tmp_path, token="") as (portal, running):
            with pytest.raises(Refused, match="enrolment token"):
                await asyncio.wait_for(running, 10)
            assert portal.hellos == []

    asyncio.run(go())


def test_calls_are_answered_with_results_and_errors(tmp_path):
    async def go():
        async with talking(tmp_path) as (portal, _):
            talk = await first_line(portal)
            await talk.call(1, "pool.prepare", p.PreparePool(POOL))
            stats = p.from_wire(p.PoolStats, (await talk.answer(1))["result"])
            assert stats.capacity_bytes > 0
            await talk.call(2, "domain.console", p.DomainRef("nobody"))
            answer = await talk.answer(2)
            assert (answer["type"], answer["error"]) == ("error", "NoSuchDomain")
            assert "nobody" in answer["message"]

    asyncio.run(go())


def test_progress_travels_and_a_cancel_stops_the_call(tmp_path):
    world = World()
    world.faults.delay("image.download", 30)

    async def go():
        async with talking(tmp_path, world=world) as (portal, _):
            talk = await first_line(portal)
            store = p.StorePath(p.StoreRef("s", "/store"), "image")
            wanted = p.DownloadImage("http://x/", store, "QCOW2")
            await talk.call(7, "image.download", wanted)
            await talk.call(8, "host.power")
            await talk.answer(8)  # The long one does not hold the others.
            await talk.socket.send(json.dumps({"type": "cancel", "id": 7}))
            assert (await talk.answer(7))["error"] == "Cancelled"
            world.faults.clear()
            await talk.call(9, "image.download", wanted)
            assert (await talk.answer(9))["type"] == "result"
            assert any(f["type"] == "progress" and f["id"] == 9 for f in talk.heard)

    asyncio.run(go())


def test_events_travel_and_a_new_line_begins_with_resync(tmp_path):
    world = World()

    async def go():
        async with talking(tmp_path, world=world) as (portal, _):
            talk = await first_line(portal)
            event = (await talk.wait(lambda f: f["type"] == "event"))["event"]
            assert event["reason"] == "resync"
            spec = p.DomainSpec("u1", "i-2-1-VM", 1, 128)
            await talk.call(1, "domain.start", p.StartDomain(spec))
            await talk.answer(1)
            threading.Thread(target=world.kill_guest, args=(HOST, "u1")).start()
            event = await talk.wait(
                lambda f: f["type"] == "event" and f["event"]["power"] == "PowerOff"
            )
            assert event["event"]["reason"] == "crashed"

    asyncio.run(go())


def test_a_broken_line_is_dialled_again_and_the_work_goes_on(tmp_path):
    world = World()
    world.faults.delay("pool.prepare", 0.2, times=1)

    async def go():
        async with talking(tmp_path, world=world) as (portal, _):
            talk = await first_line(portal)
            await talk.call(1, "pool.prepare", p.PreparePool(POOL))
            await talk.socket.close()
            again = await first_line(portal)
            assert portal.hellos[1]["secret"] == "s3cret"
            await again.call(2, "pool.prepare", p.PreparePool(POOL))
            assert (await again.answer(2))["type"] == "result"

    asyncio.run(go())


@pytest.mark.parametrize(
    "frame, error",
    [
        ({"operation": "domain.explode"}, "knows no operation"),
        ({"operation": "domain.state", "argument": {}}, "not one"),
        ({"operation": "domain.state", "argument": [1]}, "not one"),
        ({"operation": "host.power", "fences": {"a": "x"}}, ""),
    ],
)
def test_a_call_that_is_none_is_answered_with_an_error(tmp_path, frame, error):
    async def go():
        async with talking(tmp_path) as (portal, _):
            talk = await first_line(portal)
            await talk.socket.send(json.dumps({"type": "call", "id": 5, **frame}))
            answer = await talk.answer(5)
            assert answer["type"] == "error"
            assert error in answer["message"]
            await talk.call(6, "host.power")
            assert (await talk.answer(6))["type"] == "result"

    asyncio.run(go())


@pytest.mark.parametrize("portal", ["", "http://x/agent", "ws://portal.example/agent"])
def test_a_credential_travels_only_over_tls(portal, tmp_path, capsys):
    options = ["--virt", "simulator", "--data", str(tmp_path), "--portal", portal]
    assert daemon.main(options) == 1


def test_check_prints_each_finding_with_its_cure(tmp_path, capsys):
    assert daemon.main(["--virt", "simulator", "--data", str(tmp_path), "--check"]) == 0
    assert "hypervisor" in capsys.readouterr().out


def test_the_package_lists_every_folder_with_code():
    root = Path(module.__file__).parent
    listed = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = {path.parent.relative_to(root.parent) for path in root.rglob("__init__.py")}
    assert set(listed) == {str(folder).replace("/", ".") for folder in folders}
