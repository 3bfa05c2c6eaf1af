"""Bytes per second and round trips of a console: direct, through the portal, through stock
websockify, in turns within one run.

``python -m bench.console [--realtime] [--seconds 1] [--turns 6] [--idle 500] [--busy 100]``
"""

from __future__ import annotations

import argparse
import os
import selectors
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.console import processes
from bench.console.peers import Browser, Direct, Machine

Connect = Callable[[], Direct]


@dataclass
class Way:
    """One way from browser to machine, and what was measured on it."""

    name: str
    connect: Connect
    pid: int = 0  # of what stands between; it is idle but for us
    gigabytes_s: list[float] = field(default_factory=list)
    cpu_s_per_gigabyte: list[float] = field(default_factory=list)
    trips_us: list[float] = field(default_factory=list)

    def throughput(self, seconds: float) -> None:
        end = self.connect()
        end.send(b"G")
        end.receive()
        total, used, began = 0, processes.cpu_s(self.pid), time.perf_counter()
        while time.perf_counter() - began < seconds:
            total += end.receive()
        took = time.perf_counter() - began
        self.gigabytes_s.append(total / took / 1e9)
        self.cpu_s_per_gigabyte.append((processes.cpu_s(self.pid) - used) / (total / 1e9))
        end.close()

    def round_trips(self, count: int) -> None:
        """From a key's 8 bytes to their echo."""
        self.trips_us += round_trips(self.connect, count)

    def p(self, percent: int) -> float:
        return statistics.quantiles(self.trips_us, n=100)[percent - 1]


def round_trips(connect: Connect, count: int) -> list[float]:
    end = connect()
    end.send(b"E")
    time.sleep(0.05)
    times = []
    for _ in range(count):
        began = time.perf_counter()
        end.send(b"12345678")
        end.receive_message(8)
        times.append((time.perf_counter() - began) * 1e6)
    end.close()
    return times


def crowd(way: Way, idle: int, busy: int, seconds: float = 3) -> None:
    """Memory per idle session; then ``busy`` sessions beside them, which take all they get."""
    before = processes.resident_kb(way.pid)
    sleeping = [way.connect() for _ in range(idle)]
    time.sleep(1)
    each_kb = (processes.resident_kb(way.pid) - before) / idle
    with_idle = round_trips(way.connect, 2000)
    talking = [way.connect() for _ in range(busy)]
    got = dict.fromkeys(talking, 0)
    with selectors.DefaultSelector() as ready:
        for session in talking:
            ready.register(session.socket, selectors.EVENT_READ, session)
            session.send(b"G")
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            for key, _ in ready.select(1):
                got[key.data] += key.data.receive()
        took = time.perf_counter() - began
    full_kb = processes.resident_kb(way.pid)
    for session in (*sleeping, *talking):
        session.close()
    shares = sorted(got.values())
    print(f"{idle} idle sessions: {each_kb:.1f} kB each; round trip beside them p50 "
          f"{statistics.median(with_idle):.0f} µs")  # fmt: skip
    print(f"{busy} busy ones beside them: {sum(shares) / took / 1e9:.2f} GB/s together, "
          f"least {shares[0] / took / 1e6:.1f}, most {shares[-1] / took / 1e6:.1f} MB/s each; "
          f"process {full_kb / 1024:.0f} MiB")  # fmt: skip


@contextmanager
def running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def main() -> None:
    options = argparse.ArgumentParser(prog="bench.console")
    options.add_argument("--realtime", action="store_true", help="before all else here (root)")
    options.add_argument("--seconds", type=float, default=1)
    options.add_argument("--turns", type=int, default=6)
    options.add_argument("--idle", type=int, default=500)
    options.add_argument("--busy", type=int, default=100)
    asked = options.parse_args()
    if asked.realtime:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    with running([sys.executable, "-c", _MACHINE]) as machine:
        machine_port = int(machine.stdout.readline())
        stock_port = _free_port()
        with (
            running([sys.executable, "-m", "bench.console.portal", str(machine_port)]) as portal,
            running([sys.executable, "-m", "websockify", f"127.0.0.1:{stock_port}",
                     f"127.0.0.1:{machine_port}"]) as stock,
        ):  # fmt: skip
            portal_port = int(portal.stdout.readline())
            ways = [
                Way("direct", lambda: Direct(machine_port)),
                Way("portal", lambda: Browser(portal_port, "/console/ws/x"), portal.pid),
                Way("websockify", lambda: Browser(stock_port, "/websockify"), stock.pid),
            ]
            _wait_for(ways)
            compare(ways, asked.seconds, asked.turns)
            crowd(ways[1], asked.idle, asked.busy)


def compare(ways: list[Way], seconds: float, turns: int) -> None:
    for _ in range(turns):
        for way in ways:
            way.throughput(seconds)
            way.round_trips(2000)
    print(f"{'':12}{'GB/s median':>12}{'min':>7}{'max':>7}{'CPU s/GB':>10}"
          f"{'trip p50 µs':>13}{'p99 µs':>8}")  # fmt: skip
    for way in ways:
        speed = way.gigabytes_s
        cpu = f"{statistics.median(way.cpu_s_per_gigabyte):.2f}" if way.pid else "–"
        print(f"{way.name:12}{statistics.median(speed):12.2f}{min(speed):7.2f}{max(speed):7.2f}"
              f"{cpu:>10}{way.p(50):13.0f}{way.p(99):8.0f}")  # fmt: skip
    _, portal, stock = ways
    bytes_ratio = statistics.median(portal.gigabytes_s) / statistics.median(stock.gigabytes_s)
    cpu_ratio = statistics.median(stock.cpu_s_per_gigabyte) / statistics.median(
        portal.cpu_s_per_gigabyte
    )
    print(f"portal against websockify: {bytes_ratio:.2f} × the bytes (aim: at least 1.5), "
          f"1/{cpu_ratio:.2f} of the processor time for a byte")  # fmt: skip
    print(f"portal − websockify, round trip p99: {portal.p(99) - stock.p(99):.0f} µs "
          "(aim: at most 200)")  # fmt: skip


_MACHINE = (
    "from bench.console.peers import Machine; import time; m = Machine(); m.start(); "
    "print(m.port, flush=True); time.sleep(3600)"
)


def _free_port() -> int:
    machine = Machine()
    machine.listener.close()
    return machine.port


def _wait_for(ways: list[Way]) -> None:
    for way in ways:
        for _ in range(100):
            try:
                way.connect().close()
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise SystemExit(f"{way.name} does not answer")


if __name__ == "__main__":
    main()
