"""The screen of a simulated guest, looked at as a VNC viewer does."""

import io
import socket
import struct
import time

import pytest
from PIL import Image

from agent import protocol as p
from agent.drivers import screen
from agent.operations import World
from tests.unit.agent.test_mocks import agent_in

SPEC = p.DomainSpec("u", "i-2-3-VM", 2, 512, title="web-1")


class Viewer:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 5)
        assert self.read(12) == b"RFB 003.008\n"
        self.socket.sendall(b"RFB 003.008\n")
        assert self.read(2) == b"\1\1"
        self.socket.sendall(b"\1")
        assert self.read(4) == b"\0\0\0\0"
        self.socket.sendall(b"\1")
        self.width, self.height = struct.unpack(">HH", self.read(4))
        self.read(16)
        self.name = self.read(int.from_bytes(self.read(4), "big")).decode()

    def read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            assert part, "hung up"
            data += part
        return data

    def wants(self, *, incremental: bool) -> None:
        size = struct.pack(">HHHH", 0, 0, self.width, self.height)
        self.socket.sendall(struct.pack(">BB", 3, incremental) + size)

    def update(self) -> list[tuple[int, int]]:
        """(top, pixels of ink) of each rectangle."""
        _, count = struct.unpack(">BxH", self.read(4))
        found = []
        for _ in range(count):
            _, top, width, height, encoding = struct.unpack(">HHHHi", self.read(12))
            assert encoding == 0
            pixels = self.read(width * height * 4)
            paper = pixels[:4]
            found.append((top, sum(pixels[i : i + 4] != paper for i in range(0, len(pixels), 4))))
        return found


@pytest.fixture
def agent():
    made = agent_in(World())
    made.execute(p.Call("domain.start", p.StartDomain(SPEC)))
    return made


def test_a_viewer_sees_the_guest_and_its_clock_and_what_is_typed(agent):
    where = agent.execute(p.Call("domain.console", p.DomainRef("u")))
    assert where.vnc_host == "127.0.0.1"
    viewer = Viewer(where.vnc_port)
    assert (viewer.name, viewer.width, viewer.height) == ("i-2-3-VM", 640, 400)
    viewer.wants(incremental=False)
    drawn = viewer.update()
    assert len(drawn) == screen.LINES
    assert sum(1 for _, ink in drawn if ink) >= 6

    for key in b"root":
        for down in (1, 0):
            viewer.socket.sendall(struct.pack(">BBxxI", 4, down, key))
    viewer.wants(incremental=True)
    assert 1 <= len(viewer.update()) < screen.LINES
    deadline = time.monotonic() + 5
    while agent.parts.driver._world.keyboard("u").line != "root":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_viewer_is_hung_up_on_when_the_guest_goes_off(agent):
    viewer = Viewer(agent.execute(p.Call("domain.console", p.DomainRef("u"))).vnc_port)
    agent.execute(p.Call("domain.stop", p.StopDomain("u", forced=True, timeout_s=0)))
    assert viewer.socket.recv(1) == b""
    with pytest.raises(p.OperationFailed):
        agent.execute(p.Call("domain.console", p.DomainRef("u")))


def test_a_screenshot_is_a_picture_with_something_on_it(agent):
    shot = agent.execute(p.Call("domain.screenshot", p.DomainRef("u")))
    picture = Image.open(io.BytesIO(shot.png))
    assert picture.size == (screen.WIDTH, screen.HEIGHT)
    assert len(picture.convert("RGB").getcolors()) == 2


def test_keys_are_lines():
    keyboard = screen.Keyboard()
    for key in (*b"ab", 0xFF08, *b"c", 0xFF0D, 0xFFE3, *b"d"):
        keyboard.press(key)
    assert (keyboard.said, keyboard.line) == (["ac"], "d")


def test_statistics_move_and_counters_only_grow(agent, monkeypatch):
    seen = []
    start = time.time()
    for minute in range(30):
        monkeypatch.setattr(time, "time", lambda minute=minute: start + 60 * minute)
        seen.append(agent.execute(p.Call("host.stats", p.Nothing())))
    assert len({stats.cpu_used_percent for stats in seen}) > 20
    worked = [stats.domains["u"].cpu_time_ns for stats in seen]
    assert worked == sorted(worked)
    assert worked[-1] > worked[0]
    assert all(0 < stats.memory_used_mb <= 131072 for stats in seen)
