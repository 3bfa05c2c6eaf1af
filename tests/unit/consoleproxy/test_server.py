"""The shortcut under a real uvicorn, with real sockets on both sides."""

import asyncio
import contextlib
import queue
import socket
import threading

import pytest
import uvicorn
import uvloop
from websockets.sync.client import connect

from cloudportal.web import uvicorn_config
from consoleproxy import relay
from consoleproxy.server import CARRY


class Portal(threading.Thread):
    """Accepts any WebSocket and carries it to ``machine``; ``ends`` says who ended each."""

    def __init__(self, loop_factory) -> None:
        super().__init__(daemon=True)
        self.machine = socket.create_server(("127.0.0.1", 0))
        self.machine.settimeout(5)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.ends: queue.SimpleQueue[str] = queue.SimpleQueue()

        async def application(scope, receive, send):
            await self.talk(scope, receive, send)

        self.server = uvicorn.Server(uvicorn_config(application))
        self.loop_factory = loop_factory

    def run(self) -> None:
        with asyncio.Runner(loop_factory=self.loop_factory) as runner:
            runner.run(self.server.serve(sockets=[self.listener]))

    async def talk(self, scope, receive, send) -> None:
        await receive()
        end = await relay.connect("127.0.0.1", self.machine.getsockname()[1], "")
        await send({"type": "websocket.accept"})
        with end:
            self.ends.put(await scope["extensions"][CARRY](end, b""))
        with contextlib.suppress(OSError):
            await send({"type": "websocket.close", "code": 4408})

    @contextlib.contextmanager
    def open(self, **options):
        with connect(self.url, compression=None, max_size=None, **options) as browser:
            machine, _ = self.machine.accept()
            machine.settimeout(10)
            yield browser, machine


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def portal(request):
    made = Portal(request.param)
    made.start()
    yield made
    made.server.should_exit = True
    made.join(10)
    made.machine.close()


def take(machine, size):
    got = bytearray()
    while len(got) < size:
        got += machine.recv(size - len(got))
    return bytes(got)


@pytest.mark.parametrize("size", [1, 125, 126, 65535, 65536, 300_000])
def test_bytes_pass_whole_in_both_directions(portal, size):
    with portal.open() as (browser, machine):
        data = bytes(i % 251 for i in range(size))
        machine.sendall(data)
        got = b""
        while len(got) < size:
            got += browser.recv(5)
        assert got == data
        browser.send(data)
        assert take(machine, size) == data
        browser.send([data[: size // 2], data[size // 2 :]])  # in two fragments
        assert take(machine, size) == data
        browser.send("文")
        assert take(machine, 3) == "文".encode()


def test_a_machine_that_goes_away_ends_it(portal):
    with portal.open() as (browser, machine):
        machine.close()
        with pytest.raises(Exception, match="4408"):
            browser.recv(5)
        assert portal.ends.get(timeout=5) == "machine"


def test_a_browser_that_leaves_ends_it(portal):
    with portal.open() as (browser, machine):
        browser.close()
        assert machine.recv(10) == b""
        assert portal.ends.get(timeout=5) == "browser"


def test_a_browser_that_vanishes_ends_it(portal):
    with portal.open() as (browser, machine):
        browser.socket.shutdown(socket.SHUT_RDWR)
        assert machine.recv(10) == b""
        assert portal.ends.get(timeout=5) == "browser"


def test_a_slow_browser_slows_the_machine_and_loses_nothing(portal):
    with portal.open(max_queue=1) as (browser, machine):
        machine.setblocking(False)
        sent, refused = 0, 0
        while refused < 20:
            try:
                sent += machine.send(bytes(1_000_000))
            except BlockingIOError:
                refused += 1
                threading.Event().wait(0.02)
            assert sent < 100_000_000, "the relay took in more than buffers hold"
        got = 0
        while got < sent:
            got += len(browser.recv(5))
        assert got == sent


def test_a_slow_machine_slows_the_browser_and_loses_nothing(portal):
    with portal.open() as (browser, machine):
        blocks = [bytes([i]) * 1_000_000 for i in range(40)]

        def paste():
            for block in blocks:
                browser.send(block)

        pasting = threading.Thread(target=paste, daemon=True)
        pasting.start()
        threading.Event().wait(0.3)
        assert pasting.is_alive(), "nobody read it, and it was taken all the same"
        assert take(machine, 40_000_000) == b"".join(blocks)
        pasting.join(5)


def test_a_portal_that_ends_lets_go_of_its_consoles(portal):
    with portal.open() as (browser, machine):
        portal.server.should_exit = True
        assert machine.recv(10) == b""
        portal.join(10)
        assert portal.ends.get(timeout=5) == "browser"
