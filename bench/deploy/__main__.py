"""From the API call to a running guest, and back to nothing, against the bare sequence on the
same host, in turns within one run. ``python -m bench.deploy [--turns 15]``, as root.

The host is a simulated one (``scripts/lab/hosts``): network, mount and process namespaces and a
libvirtd of its own. Both ways end when libvirt says that the domain runs, asked every 2 ms.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import libvirt

from bench.deploy.ways import Bare, Portal
from tests.integration.portal import LabHost, LabPortal

IMAGES = Path(__file__).resolve().parents[2] / "var" / "images"
POLL_S = 0.002
REST_S = 0.5  # between two turns: what the last one set off comes to its end

Times = dict[str, list[float]]


def runs(host: libvirt.virConnect, uuid: str) -> bool:
    """``isActive`` would not do: it is true before QEMU is there."""
    try:
        return host.lookupByUUIDString(uuid).state()[0] == libvirt.VIR_DOMAIN_RUNNING
    except libvirt.libvirtError:
        return False


def is_gone(host: libvirt.virConnect, uuid: str) -> bool:
    try:
        host.lookupByUUIDString(uuid)
    except libvirt.libvirtError:
        return True
    return False


def await_true(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("what was waited for did not come within 60 s")
        time.sleep(POLL_S)


class Bench:
    def __init__(self, lab: LabPortal, uri: str) -> None:
        self.times: Times = {}
        libvirt.registerErrorHandler(lambda *_: None, None)
        self.host = libvirt.open(uri)
        self.primary = lab.data / "primary"
        self.portal = Portal(lab)
        first = self.portal.up()  # brings the template to the pool, makes bridge and router
        await_true(self.portal.ended)
        self.bare = Bare(self.host, lab.data / "bare", self.host.lookupByUUIDString(first))
        self._portal_down(first)
        self.times.clear()

    def turn(self) -> None:
        began = time.perf_counter()
        domain = self.bare.up()
        await_true(lambda: runs(self.host, domain.UUIDString()))
        self._note("bare up", began)
        began = time.perf_counter()
        self.bare.down(domain)
        self._note("bare down", began)
        time.sleep(REST_S)
        machine = self._portal_up()
        time.sleep(REST_S)
        self._portal_down(machine)
        time.sleep(REST_S)

    def _portal_up(self) -> str:
        began = time.perf_counter()
        machine = self.portal.up()
        self._note("portal up: HTTP answer", began)
        await_true(lambda: runs(self.host, machine))
        self._note("portal up", began)
        await_true(self.portal.ended)
        self._note_steps()
        return machine

    def _portal_down(self, machine: str) -> None:
        """Until the domain is not defined and its file not there."""
        files = self._files()
        began = time.perf_counter()
        self.portal.down(machine)
        await_true(lambda: is_gone(self.host, machine) and self._files() < files)
        self._note("portal down", began)
        await_true(self.portal.ended)
        self._note_steps()

    def _files(self) -> set[str]:
        return {path.name for path in self.primary.iterdir()}

    def _note(self, name: str, began: float) -> None:
        self.times.setdefault(name, []).append((time.perf_counter() - began) * 1000)

    def _note_steps(self) -> None:
        for name, took_ms in self.portal.steps().items():
            self.times.setdefault(name, []).append(took_ms)


def report(times: Times) -> None:
    print(f"{'milliseconds':<48}{'median':>8}{'min':>8}{'max':>8}")
    for name, values in times.items():
        middle = statistics.median(values)
        print(f"{name:<48}{middle:>8.1f}{min(values):>8.1f}{max(values):>8.1f}")
    for way in ("up", "down"):
        ratio = statistics.median(times[f"portal {way}"]) / statistics.median(times[f"bare {way}"])
        print(f"{way}: portal / bare = {ratio:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--turns", type=int, default=15)
    wanted = parser.parse_args()
    host = LabHost("cpbench")
    host("down")
    try:
        host("up", "1")
        lab = LabPortal(host, IMAGES, CLOUDPORTAL_LOG="WARNING")
        lab.start()
        bench = Bench(lab, host("uri", "1"))
        for _ in range(wanted.turns):
            bench.turn()
        report(bench.times)
    finally:
        host("down")


if __name__ == "__main__":
    main()
