"""What the all-in-one portal costs while nobody asks anything of it, and how fast it starts
once set up. ``python -m bench.idle [--seconds 60] [--starts 5] [--guests 1]``, as root.

The host is a simulated one (``scripts/lab/hosts``) with a libvirtd of its own.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from bench.deploy.ways import Portal
from tests.integration.portal import LabHost, LabPortal

IMAGES = Path(__file__).resolve().parents[2] / "var" / "images"
SETTLE_S = 20.0  # the first round of everything that is done again and again
_TICKS = os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    return _status(pid, "VmRSS") / 1024


def _status(pid: int, field: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def cpu_s(pid: int) -> float:
    """Seconds of a core: the process, its threads, and children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS


def cpu_by_thread(pid: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            fields = (task / "stat").read_text().rpartition(")")[2].split()
            name = (task / "comm").read_text().strip()
        except FileNotFoundError:
            continue
        found[f"{name} {task.name}"] = sum(map(int, fields[11:13])) / _TICKS
    return found


def start(lab: LabPortal) -> float:
    """Seconds from the start of the program until the address answers."""
    began = time.monotonic()
    lab.start()  # prints its address once it listens
    assert time.monotonic() - began < 60
    while not answers(lab.url):
        time.sleep(0.01)
    return time.monotonic() - began


def answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/", timeout=5) as reply:
            return reply.status == 200
    except (TimeoutError, URLError):
        return False


def libvirtd(portal: int) -> int:
    """The pid of the one in the portal's process namespace."""
    space = os.readlink(f"/proc/{portal}/ns/pid")
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if (path / "comm").read_text() != "libvirtd\n":
                continue
            if os.readlink(path / "ns" / "pid") == space:
                return int(path.name)
        except FileNotFoundError:
            continue
    raise SystemExit("libvirtd is not there")


def use(portal: Portal, pid: int) -> None:
    """What an administrator's first look at everything loads; some of it stays."""
    before = resident_mb(pid)
    for _ in range(20):
        answers(portal.portal.url)
        for words in ("Zones", "Hosts", "VirtualMachines", "Volumes", "Events", "Capacity"):
            getattr(portal.client, f"list{words}")()
    print(f"resident           {before:.0f} MB, after 140 calls {resident_mb(pid):.0f}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--guests", type=int, default=1)
    wanted = parser.parse_args()
    host = LabHost("cpidle")
    host("down")
    try:
        host("up", "1")
        lab = LabPortal(host, IMAGES, CLOUDPORTAL_LOG="WARNING")
        first_s = start(lab)
        portal = Portal(lab)
        for _ in range(wanted.guests):
            portal.up()
            while not portal.ended():
                time.sleep(0.1)
        starts = []
        for _ in range(wanted.starts):
            lab.stop()
            starts.append(start(lab))
        print(f"start, set up      median {statistics.median(starts):.2f} s, most {max(starts):.2f}"
              f" (the first, with database and zone: {first_s:.1f})")  # fmt: skip
        use(portal, lab.pid)
        idle(lab.pid, libvirtd(lab.pid), wanted.seconds)
    finally:
        host("down")


def idle(pid: int, hypervisor: int, seconds: float) -> None:
    time.sleep(SETTLE_S)
    before, theirs, threads = cpu_s(pid), cpu_s(hypervisor), cpu_by_thread(pid)
    time.sleep(seconds)
    share = (cpu_s(pid) - before) / seconds * 100
    print(f"resident, idle     {resident_mb(pid):.0f} MB, most {_status(pid, 'VmHWM') / 1024:.0f}")
    print(f"CPU                {share:.2f} % of a core over {seconds:.0f} s")
    print(f"CPU of libvirtd    {(cpu_s(hypervisor) - theirs) / seconds * 100:.2f} %")
    grown = {n: c - threads.get(n, 0.0) for n, c in cpu_by_thread(pid).items()}
    for name, used in sorted(grown.items(), key=lambda pair: -pair[1])[:6]:
        print(f"  thread {name:<24} {used / seconds * 100:.2f} %")


if __name__ == "__main__":
    main()
