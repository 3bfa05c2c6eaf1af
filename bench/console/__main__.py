"""Bytes per second and round trips of a console: direct, through the portal, through stock
websockify, in turns within one run. ``python -m bench.console [--seconds 3] [--turns 3]``"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.console.peers import Browser, Direct, Machine

Connect = Callable[[], Direct]


def throughput(connect: Connect, seconds: float) -> float:
    """Gigabytes per second that one console takes in."""
    end = connect()
    end.send(b"G")
    end.receive()
    total, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        total += end.receive()
    took = time.perf_counter() - began
    end.close()
    return total / took / 1e9


def round_trips(connect: Connect, count: int = 3000) -> list[float]:
    """Microseconds from a key's 8 bytes to their echo."""
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


def resident_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def crowd(pid: int, connect: Connect, idle: int, busy: int) -> dict[str, float]:
    """Memory per idle session, and what ``busy`` sessions share with the idle ones there."""
    before = resident_kb(pid)
    sleeping = [connect() for _ in range(idle)]
    time.sleep(1)
    each = (resident_kb(pid) - before) / idle
    talking = [connect() for _ in range(busy)]
    got = [0] * busy
    end_at = time.perf_counter() + 3

    def take(i: int) -> None:
        talking[i].send(b"G")
        while time.perf_counter() < end_at:
            got[i] += talking[i].receive()

    threads = [threading.Thread(target=take, args=(i,)) for i in range(busy)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for session in (*sleeping, *talking):
        session.close()
    return {
        "kB per idle session": each,
        "busy sessions served": sum(1 for g in got if g > 0),
        "GB/s of all busy": sum(got) / 3 / 1e9,
    }


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
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=float, default=3)
    options.add_argument("--turns", type=int, default=3)
    options.add_argument("--idle", type=int, default=500)
    options.add_argument("--busy", type=int, default=100)
    asked = options.parse_args()
    with running([sys.executable, "-c", _MACHINE]) as machine:
        machine_port = int(machine.stdout.readline())
        with (
            running([sys.executable, "-m", "bench.console.portal", str(machine_port)]) as portal,
            running([sys.executable, "-m", "websockify", f"127.0.0.1:{_free_port()}",
                     f"127.0.0.1:{machine_port}"]) as stock,
        ):  # fmt: skip
            portal_port = int(portal.stdout.readline())
            stock_port = int(stock.args[3].rpartition(":")[2])
            ways: dict[str, Connect] = {
                "direct": lambda: Direct(machine_port),
                "portal": lambda: Browser(portal_port, "/console/ws/x"),
                "websockify": lambda: Browser(stock_port, "/websockify"),
            }
            _wait_for(ways)
            compare(ways, asked.seconds, asked.turns)
            for name, value in crowd(portal.pid, ways["portal"], asked.idle, asked.busy).items():
                print(f"portal, {asked.idle} idle and {asked.busy} busy: {name}: {value:.2f}")


def compare(ways: dict[str, Connect], seconds: float, turns: int) -> None:
    speed: dict[str, list[float]] = {name: [] for name in ways}
    trips: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(turns):
        for name, connect in ways.items():
            speed[name].append(throughput(connect, seconds))
            trips[name] += round_trips(connect)
    print(f"{'':12}{'GB/s median':>12}{'min':>8}{'max':>8}{'trip p50 µs':>14}{'p99 µs':>10}")
    for name in ways:
        cuts = statistics.quantiles(trips[name], n=100)
        print(
            f"{name:12}{statistics.median(speed[name]):12.2f}{min(speed[name]):8.2f}"
            f"{max(speed[name]):8.2f}{cuts[49]:14.0f}{cuts[98]:10.0f}"
        )
    ratio = statistics.median(speed["portal"]) / statistics.median(speed["websockify"])
    p99 = {n: statistics.quantiles(trips[n], n=100)[98] for n in ways}
    print(f"portal / websockify bytes: {ratio:.2f} (aim: at least 1.5)")
    print(f"portal − websockify p99: {p99['portal'] - p99['websockify']:.0f} µs (aim: within 200)")


_MACHINE = (
    "from bench.console.peers import Machine; import time; m = Machine(); m.start(); "
    "print(m.port, flush=True); time.sleep(3600)"
)


def _free_port() -> int:
    machine = Machine()
    machine.listener.close()
    return machine.port


def _wait_for(ways: dict[str, Connect]) -> None:
    for name, connect in ways.items():
        for _ in range(100):
            try:
                connect().close()
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise SystemExit(f"{name} does not answer")


if __name__ == "__main__":
    main()
