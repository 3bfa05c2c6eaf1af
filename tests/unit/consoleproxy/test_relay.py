"""Bytes between a browser and a machine, over real sockets."""

import asyncio
import socket

import pytest

from consoleproxy import relay
from core import origins


class Browser:
    """The ASGI server's side of a WebSocket."""

    def __init__(self):
        self.inbox: asyncio.Queue = asyncio.Queue()
        self.got = bytearray()
        self.slow = asyncio.Event()
        self.slow.set()

    async def receive(self):
        return await self.inbox.get()

    async def send(self, message):
        await self.slow.wait()
        self.got += message["bytes"]

    def types(self, data):
        self.inbox.put_nowait({"type": "websocket.receive", "bytes": data})

    def leaves(self):
        self.inbox.put_nowait({"type": "websocket.disconnect", "code": 1001})


async def connected():
    listener = socket.create_server(("127.0.0.1", 0))
    end = await relay.connect("127.0.0.1", listener.getsockname()[1], "")
    machine, _ = listener.accept()
    machine.settimeout(5)
    listener.close()
    browser = Browser()
    return machine, browser, asyncio.ensure_future(relay.carry(end, browser.receive, browser.send))


async def until(condition):
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("did not happen within 5 s")


def test_what_the_machine_shows_reaches_the_browser_and_what_is_typed_the_machine():
    async def story():
        machine, browser, carrying = await connected()
        machine.sendall(b"RFB 003.008\n")
        await until(lambda: bytes(browser.got) == b"RFB 003.008\n")
        browser.types(b"hello")
        assert await asyncio.to_thread(machine.recv, 100) == b"hello"
        browser.leaves()
        assert await carrying == "browser"
        assert await asyncio.to_thread(machine.recv, 100) == b""

    asyncio.run(story())


def test_a_machine_that_goes_away_ends_it_and_says_so():
    async def story():
        machine, _, carrying = await connected()
        machine.close()
        assert await asyncio.wait_for(carrying, 5) == "machine"

    asyncio.run(story())


def test_a_slow_browser_slows_the_machine_instead_of_filling_memory():
    async def story():
        machine, browser, carrying = await connected()
        browser.slow.clear()
        machine.setblocking(False)
        sent = 0
        for _ in range(200):
            try:
                sent += machine.send(b"x" * 1_000_000)
            except BlockingIOError:
                await asyncio.sleep(0.01)
        assert sent < 100_000_000, "the relay took in more than socket buffers hold"
        browser.slow.set()
        await until(lambda: len(browser.got) == sent)
        browser.leaves()
        await carrying

    asyncio.run(story())


def test_cancelling_closes_the_machines_end():
    async def story():
        machine, _, carrying = await connected()
        carrying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await carrying
        assert await asyncio.to_thread(machine.recv, 100) == b""

    asyncio.run(story())


def test_a_screen_that_does_not_answer_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(OSError):
        asyncio.run(relay.connect("127.0.0.1", port, ""))


@pytest.mark.parametrize(
    "origin, is_same",
    [
        ("http://cloud.example:8080", True),
        ("https://cloud.example:8080", True),
        ("http://cloud.example", False),
        ("http://evil.example", False),
        ("http://cloud.example:8080.evil.example", False),
        ("null", False),
        ("", False),
    ],
)
def test_only_pages_of_this_address_may_open_a_socket(origin, is_same):
    headers = [(b"host", b"cloud.example:8080")]
    if origin:
        headers.append((b"origin", origin.encode()))
    assert origins.same_origin({"headers": headers, "client": ("127.0.0.1", 1)}) is is_same
