"""What lists show is what is there, within ten seconds: after a guest was killed, while libvirt
is away, and when the portal dies under twenty deployments. Jobs go on."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest

from tests.integration.cloud import Cloud
from tests.integration.portal import LabHost, LabPortal, wait_until
from tests.integration.world import differences

pytestmark = pytest.mark.libvirt

WITHIN_S = 10
MANY = 20


@pytest.fixture(scope="module")
def cloud(libvirt_uri, guest_image):
    host = LabHost("cptrue")
    host("down")
    try:
        host("up", "1")
        portal = LabPortal(host, guest_image.folder, PYTHONDONTWRITEBYTECODE="")
        portal.start()
        made = Cloud(portal, host)
        made.client.updateConfiguration(name="vm.stop.forced.wait", value="1")
        yield made
    finally:
        host("down")


@pytest.fixture
def machine(cloud):
    yield cloud.deployed("one")
    cloud.expunge("one")


def host_state(cloud: Cloud) -> str:
    return cloud.client.listHosts(type="Routing")["host"][0]["state"]


def job(cloud: Cloud, asked: dict[str, Any]) -> dict[str, Any]:
    return cloud.client.queryAsyncJobResult(jobid=asked["jobid"])


def has_ended(cloud: Cloud, asked: dict[str, Any]) -> bool:
    return job(cloud, asked)["jobstatus"] != 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_guest_killed_behind_our_back_is_shown_stopped(cloud: Cloud, machine, number):
    before = len(cloud.client.listEvents(type="VM.STOP").get("event", []))
    began = time.monotonic()
    cloud.host.run("kill", f"-{number.value}", str(cloud.qemu(machine)))
    wait_until(lambda: cloud.state("one") == "Stopped", "Stopped", WITHIN_S)
    print(f"  Stopped {time.monotonic() - began:.1f} s after {number.name}")
    shown = cloud.client.listVirtualMachines(id=machine["id"])["virtualmachine"][0]
    assert shown.get("hostid") is None
    events = cloud.client.listEvents(type="VM.STOP")["event"]
    assert len(events) == before + 1
    assert events[0]["level"] == "WARN"
    assert "one" in events[0]["description"]
    # It kept its address, and starts again as if nothing had been.
    address = machine["nic"][0]["ipaddress"]
    again = cloud.client.startVirtualMachine(id=machine["id"], fetch_result=True)
    assert again["virtualmachine"]["nic"][0]["ipaddress"] == address
    assert cloud.qemu(machine)


def test_libvirt_away_and_back(cloud: Cloud, machine):
    cloud.deployed("other")
    guest = cloud.qemu(machine)
    held = cloud.held_at_rest()

    cloud.host("stop-libvirtd", "1")
    # Asked for before anybody has noticed.
    early = cloud.client.stopVirtualMachine(id=cloud.machine("other")["id"], forced=True)
    wait_until(lambda: host_state(cloud) in ("Alert", "Disconnected"), "the host's state", WITHIN_S)
    # And after.
    late = cloud.client.rebootVirtualMachine(id=machine["id"], forced=True)
    time.sleep(3)
    assert not has_ended(cloud, early)
    assert not has_ended(cloud, late)
    assert cloud.state("one") == "Running"
    waiting = cloud.world.rows("select note from jobs_asyncjob where status = 0")
    assert len(waiting) == 2
    assert all("libvirt" in note for (note,) in waiting)
    with pytest.raises(Exception, match="(?i)capacity|host") as refused:
        cloud.deploy("third")
    assert refused.value.error["errorcode"] == 533

    cloud.host("start-libvirtd", "1")
    wait_until(lambda: host_state(cloud) == "Up", "the host Up again", WITHIN_S)
    for asked in (early, late):
        wait_until(lambda asked=asked: has_ended(cloud, asked), "the job's end", WITHIN_S)
        assert job(cloud, asked)["jobstatus"] == 1
    assert cloud.state("other") == "Stopped"
    assert cloud.state("one") == "Running"
    assert cloud.qemu(machine) == guest  # a reset is not a new process

    cloud.client.startVirtualMachine(id=cloud.machine("other")["id"], fetch_result=True)
    assert cloud.held_at_rest() == held
    cloud.expunge("other")
    assert cloud.world.stuck() == {}


def test_a_guest_that_dies_while_libvirt_is_away(cloud: Cloud, machine):
    cloud.host("stop-libvirtd", "1")
    cloud.host.run("kill", "-9", str(cloud.qemu(machine)))
    wait_until(lambda: host_state(cloud) != "Up", "the host's state", WITHIN_S)
    assert cloud.state("one") == "Running"  # nobody can know better now
    cloud.host("start-libvirtd", "1")
    wait_until(lambda: cloud.state("one") == "Stopped", "the truth", WITHIN_S)
    wait_until(lambda: host_state(cloud) == "Up", "the host Up again", WITHIN_S)


def test_the_portal_dies_under_twenty_deployments(cloud: Cloud):
    names = [f"many-{i}" for i in range(MANY)]
    cloud.deployed("first")
    cloud.expunge("first")
    before = cloud.held_at_rest()
    for name in names:
        cloud.deploy(name)
    under_way = "select count(*) from jobs_asyncjob where status = 0 and started is not null"
    assert cloud.world.rows(under_way)[0][0] > 0, "there was nothing under way to kill"
    cloud.portal.kill()
    guests = set(cloud.host.virsh("list", "--uuid").split())
    assert len(guests) < MANY
    began = time.monotonic()
    cloud.portal.start()
    wait_until(lambda: shows_the_truth(cloud), "what is there is what is shown", WITHIN_S)

    wait_until(cloud.is_idle, "twenty deployments ended", 120)
    print(f"  {MANY} deployments ended {time.monotonic() - began:.1f} s after the restart, "
          f"{len(guests)} guests ran when the portal died")  # fmt: skip
    states = {m["name"]: m["state"] for m in cloud.machines() if m["name"] in names}
    assert states == dict.fromkeys(names, "Running")
    assert cloud.world.stuck() == {}
    assert shows_the_truth(cloud)
    addresses = [m["nic"][0]["ipaddress"] for m in cloud.machines()]
    assert len(set(addresses)) == MANY
    for name in names:
        cloud.expunge(name)
    after = cloud.held_at_rest()
    assert after == before, differences(before, after)


def shows_the_truth(cloud: Cloud) -> bool:
    """Every machine that is shown as Running runs, and no other that no job is bringing up."""
    running = {m["id"] for m in cloud.machines() if m["state"] == "Running"}
    starting = {m["id"] for m in cloud.machines() if m["state"] == "Starting"}
    there = set(cloud.host.virsh("list", "--uuid").split())
    return running <= there <= running | starting


def test_a_portal_that_was_ended_politely_leaves_guests_alone(cloud: Cloud, machine):
    guest = cloud.qemu(machine)
    cloud.portal.stop(signal.SIGINT)
    assert cloud.qemu(machine) == guest
    cloud.portal.start()
    assert cloud.state("one") == "Running"
    assert cloud.qemu(machine) == guest
