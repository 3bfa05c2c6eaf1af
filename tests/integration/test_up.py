"""`up` as a person uses it: ended and started again with guests running, and started over."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.integration.portal import REPOSITORY, LabHost, LabPortal, wait_until

pytestmark = pytest.mark.libvirt


@pytest.fixture(scope="module")
def host(libvirt_uri):
    made = LabHost("cpup")
    made("up", "1")
    yield made
    made("down")


@pytest.fixture(scope="module")
def portal(host, guest_image):
    made = LabPortal(host, guest_image.folder)
    made.start()
    yield made
    if made.process:
        made.stop()


def deploy(client, name):
    wanted = {
        "zoneid": client.listZones()["zone"][0]["id"],
        "templateid": client.listTemplates(templatefilter="executable")["template"][0]["id"],
        "serviceofferingid": client.listServiceOfferings()["serviceoffering"][0]["id"],
        "networkids": [client.listNetworks(listall=True)["network"][0]["id"]],
    }
    made = client.deployVirtualMachine(name=name, fetch_result=True, **wanted)
    return made["virtualmachine"]


def running(host):
    return set(host.virsh("list", "--name").split())


def test_guests_outlive_the_portal_and_are_found_again(portal, host):
    machine = deploy(portal.client(), "stays")
    domain = machine["instancename"]
    portal.stop(signal.SIGINT)  # Ctrl-C
    assert domain in running(host)

    took = portal.start()
    assert took < 15, "what was set up once must not be set up again"
    found = portal.client().listVirtualMachines(id=machine["id"])["virtualmachine"][0]
    assert found["state"] == "Running"
    portal.client().stopVirtualMachine(id=machine["id"], forced=True, fetch_result=True)
    assert domain not in running(host)
    portal.client().startVirtualMachine(id=machine["id"], fetch_result=True)
    assert domain in running(host)


def up(portal, *words):
    return subprocess.run(
        [*portal.host.enter(), sys.executable, str(REPOSITORY / "manage.py"), "up", *words],
        env=portal.environment, capture_output=True, text=True, input="no\n", check=False,
        timeout=60,
    )  # fmt: skip


def test_a_second_portal_on_the_same_port_is_told_so(portal):
    refused = up(portal)
    assert refused.returncode != 0
    assert "is in use" in refused.stderr
    assert "CLOUDPORTAL_LISTEN" in refused.stderr


def test_an_installation_is_diagnosed_in_words(portal):
    said = portal.manage("check_install")
    assert "All well" in said
    assert "libvirt" in said


def test_starting_over_asks_first_and_then_leaves_nothing(portal, host):
    assert running(host)
    portal.stop()
    refused = up(portal, "--reset")
    assert "Nothing was changed" in refused.stderr
    assert running(host)

    portal.start(options=["--reset", "--yes"])
    assert running(host) == set()
    client = portal.client(renew=True)
    wait_until(lambda: client.listTemplates(templatefilter="executable").get("template"),
               "a ready template")  # fmt: skip
    assert not client.listVirtualMachines(listall=True)
    deploy(client, "anew")
    assert len(running(host)) == 1
