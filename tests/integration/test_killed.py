"""The portal is killed at each point of each kind of job: before and after every step and every
call to a host, in the middle of the call, and while it tells of progress. The next portal brings
the job to its end, and nothing is left over.

The points are not listed here: each job is run once to its end, and ``dying_portal`` writes
down what it passed.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import requests

from tests.integration.cloud import Cloud
from tests.integration.portal import REPOSITORY, LabHost, LabPortal, wait_until
from tests.integration.world import differences

pytestmark = pytest.mark.libvirt

ENDS_WITHIN_S = 30
DONE = 1
CALL_IS_SHORT_S = 0.004  # killing in the middle of less is killing before or after it


class DyingPortal(LabPortal):
    program = (sys.executable, "-P", str(REPOSITORY / "tests/integration/dying_portal.py"))

    def order(self, **orders: Any) -> None:
        """``die=point``, ``during_s=seconds``, ``fail=point``; nothing: go on living."""
        path = self.data / "orders.json"
        if orders:
            fresh = path.with_suffix(".new")
            fresh.write_text(json.dumps(orders))
            fresh.replace(path)
        else:
            path.unlink(missing_ok=True)

    def passed(self, job: str) -> list[tuple[float, str]]:
        """(seconds, point) of what a job passed."""
        lines = [line.split(" ", 2) for line in (self.data / "trace").read_text().splitlines()]
        return [(float(when), point) for when, of, point in lines if of == job]

    def has_died(self) -> bool:
        if self.process is None or self.process.poll() is None:
            return False
        self.process = None
        return True


@dataclass(frozen=True)
class Point:
    """Where to die: at the point, or ``during_s`` after a call began."""

    name: str
    during_s: float = 0.0


def points_of(passed: list[tuple[float, str]], where: str) -> list[Point]:
    """Every point with `` where `` in it, and the middle of each call to a host between them."""
    found: list[Point] = []
    for index, (when, name) in enumerate(passed):
        # How often progress is told depends on how busy the machine is.
        if f" {where} " not in name or (" progress#" in name and not name.endswith("#1")):
            continue
        found.append(Point(name))
        step, function, place = name.split(" ", 3)[1:]
        call, _, turn = place.partition(" before#")
        if not turn:
            continue
        end = f"{step} {function} {call} after#{turn}"
        returned = next((t for t, later in passed[index:] if later.endswith(end)), when)
        if returned - when > CALL_IS_SHORT_S:
            middle = name.replace(" before#", " during#")
            found.append(Point(middle, (returned - when) / 2))
    return found


def last_job(cloud: Cloud, command: str) -> tuple[str, int]:
    """Uuid and status of the newest job of a command; empty when there was none."""
    rows = cloud.world.rows(
        "select uuid, status from jobs_asyncjob where command = ? order by id desc limit 1",
        command,
    )
    return (str(UUID(rows[0][0])), rows[0][1]) if rows else ("", 0)


def ended(cloud: Cloud, command: str, after: str) -> int:
    """The status of the newest job, not ``after``, once it has ended; else 0."""
    job, status = last_job(cloud, command)
    return status if job != after else 0


@dataclass
class Deed:
    """Something a person asks for: ``act`` is what is killed, between ``prepare`` and ``tidy``;
    ``is_right`` looks at the outcome (True: it was done, False: it was unwound)."""

    command: str
    act: Callable[[], Any]
    is_right: Callable[[bool], bool]
    prepare: Callable[[], Any] = lambda: None
    tidy: Callable[[], Any] = lambda: None
    fail: str = ""


def walk(cloud: Cloud, deed: Deed, where: str = "do") -> list[str]:
    """Die at each point; returns them."""
    portal = cloud.portal
    points = points_of(rehearse(cloud, deed), where)
    before = cloud.held_at_rest()
    assert points, f"{deed.command} passed nothing called {where}"
    for point in points:
        came_back_in = die_at(cloud, deed, point)
        assert not (stuck := cloud.world.stuck()), f"killed at {point}: {stuck}"
        deed.tidy()
        after = cloud.held_at_rest()
        assert after == before, f"killed at {point}: {differences(before, after)}"
        print(f"  {point.name}{f' +{point.during_s:.3f} s' if point.during_s else ''}: "
              f"ended after {came_back_in:.1f} s")  # fmt: skip
    portal.order()
    return [point.name for point in points]


def rehearse(cloud: Cloud, deed: Deed) -> list[tuple[float, str]]:
    """Once to the end, to see what there is to die at."""
    deed.prepare()
    before, _ = last_job(cloud, deed.command)
    if deed.fail:
        cloud.portal.order(fail=deed.fail)
    deed.act()
    status = wait_until(lambda: ended(cloud, deed.command, before), deed.command)
    cloud.portal.order()
    assert (status == DONE) == (not deed.fail)
    assert deed.is_right(status == DONE)
    passed = cloud.portal.passed(last_job(cloud, deed.command)[0])
    deed.tidy()
    return passed


def die_at(cloud: Cloud, deed: Deed, point: Point) -> float:
    """Seconds from the start of the next portal to the end of the job."""
    portal = cloud.portal
    deed.prepare()
    before, _ = last_job(cloud, deed.command)
    orders = {"fail": deed.fail} if deed.fail else {}
    portal.order(die=point.name, during_s=point.during_s, **orders)
    with contextlib.suppress(requests.RequestException):
        deed.act()
    wait_until(portal.has_died, f"death at {point}", 60)
    began = time.monotonic()
    portal.start()
    status = wait_until(
        lambda: ended(cloud, deed.command, before),
        f"killed at {point}: an end of the job",
        ENDS_WITHIN_S - (time.monotonic() - began),
    )
    took_s = time.monotonic() - began
    assert status == DONE or deed.fail, f"killed at {point}: unwound although nothing was wrong"
    assert deed.is_right(status == DONE), f"killed at {point}: not what was asked for"
    return took_s


@pytest.fixture(scope="module")
def cloud(libvirt_uri, guest_image):
    host = LabHost("cpkill")
    host("down")
    host("up", "1")
    portal = DyingPortal(
        host, guest_image.folder, PYTHONPATH=str(REPOSITORY), PYTHONDONTWRITEBYTECODE=""
    )
    try:
        portal.start()
        made = Cloud(portal, host)
        made.client.updateConfiguration(name="kvm.snapshot.enabled", value="true")
        made.client.updateConfiguration(name="vm.stop.forced.wait", value="1")
        yield made
    finally:
        host("down")  # and the portal with it


@pytest.fixture(scope="module")
def anchor(cloud) -> dict:
    """A machine that runs throughout."""
    return cloud.deployed("anchor", cloud.tiny)


@pytest.fixture(autouse=True)
def _guests_do_not_notice(cloud, anchor):
    before = cloud.qemu(anchor)
    assert before
    yield
    assert cloud.qemu(anchor) == before


def test_deploying_from_a_template_that_is_new_to_the_pool(cloud: Cloud):
    def prepare() -> None:
        new.clear()
        new.append(cloud.ready_template("new"))

    def tidy() -> None:
        cloud.expunge("fresh")
        cloud.drop_template("new")

    new: list[str] = []
    points = walk(cloud, Deed(
        "deployVirtualMachine",
        lambda: cloud.deploy("fresh", new[0]),
        lambda done: cloud.state("fresh") == ("Running" if done else "Error"),
        prepare, tidy,
    ))  # fmt: skip
    assert any("volume.install_template during" in point for point in points)
    assert any("domain.start during" in point for point in points)


def test_a_deployment_that_failed_and_is_being_undone(cloud: Cloud):
    deed = Deed(
        "deployVirtualMachine",
        lambda: cloud.deploy("fresh"),
        lambda done: not done and cloud.state("fresh") == "Error",
        tidy=lambda: cloud.expunge("fresh"),
        fail="deployVirtualMachine start_guest do domain.start after#1",
    )
    points = walk(cloud, deed, "undo")
    assert any("volume.delete" in point for point in points)


def test_stopping(cloud: Cloud):
    subject = cloud.deployed("subject")["id"]
    walk(cloud, Deed(
        "stopVirtualMachine",
        lambda: cloud.client.stopVirtualMachine(id=subject, forced=True),
        lambda done: done and cloud.state("subject") == "Stopped",
        tidy=lambda: cloud.client.startVirtualMachine(id=subject, fetch_result=True),
    ))  # fmt: skip
    cloud.expunge("subject")


def test_destroying_and_expunging(cloud: Cloud):
    walk(cloud, Deed(
        "destroyVirtualMachine",
        lambda: cloud.client.destroyVirtualMachine(
            id=cloud.machine("subject")["id"], expunge=True, forced=True
        ),
        lambda done: done and cloud.machine("subject") is None,
        prepare=lambda: cloud.deployed("subject"),
    ))  # fmt: skip


def test_attaching_a_volume(cloud: Cloud, anchor):
    disks = cloud.client.listDiskOfferings()["diskoffering"]
    disk = next(d["id"] for d in disks if not d["iscustomized"])

    def volume() -> dict:
        return cloud.client.listVolumes(name="data", listall=True)["volume"][0]

    def tidy() -> None:
        if volume().get("virtualmachineid"):
            cloud.client.detachVolume(id=volume()["id"], fetch_result=True)
        cloud.client.deleteVolume(id=volume()["id"])

    points = walk(cloud, Deed(
        "attachVolume",
        lambda: cloud.client.attachVolume(id=volume()["id"], virtualmachineid=anchor["id"]),
        lambda done: done and volume()["virtualmachineid"] == anchor["id"],
        lambda: cloud.client.createVolume(
            name="data", zoneid=cloud.zone, diskofferingid=disk, fetch_result=True
        ),
        tidy,
    ))  # fmt: skip
    assert any("domain.attach_disk" in point for point in points)


def test_taking_a_snapshot_of_a_running_machine(cloud: Cloud, anchor):
    root = cloud.client.listVolumes(virtualmachineid=anchor["id"])["volume"][0]["id"]

    def snapshots() -> list[dict]:
        return cloud.client.listSnapshots(volumeid=root).get("snapshot", [])

    def tidy() -> None:
        for snapshot in snapshots():
            cloud.client.deleteSnapshot(id=snapshot["id"], fetch_result=True)

    points = walk(cloud, Deed(
        "createSnapshot",
        lambda: cloud.client.createSnapshot(volumeid=root),
        lambda done: done and [s["state"] for s in snapshots()] == ["BackedUp"],
        tidy=tidy,
    ))  # fmt: skip
    assert any("volume.snapshot during" in point for point in points)


def test_downloading_a_template(cloud: Cloud):
    points = walk(cloud, Deed(
        "registerTemplate",
        lambda: cloud.add_template("new"),
        lambda done: done and cloud.templates("new")[0]["isready"],
        tidy=lambda: cloud.drop_template("new"),
    ))  # fmt: skip
    assert any("progress" in point for point in points)
    assert any("image.download during" in point for point in points)
