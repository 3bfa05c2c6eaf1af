"""From a started portal to a guest that answers on SSH, and to nothing left of it, through
the unmodified ``cs`` client."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import MySQLdb
import pytest

from tests.integration.portal import LabHost, LabPortal, wait_until

pytestmark = pytest.mark.libvirt


@pytest.fixture(scope="module")
def host(libvirt_uri):
    made = LabHost()
    made("up", "1")
    yield made
    made("down")


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def portal(request, host, guest_image):
    environment = {}
    if request.param == "mariadb":
        url = request.getfixturevalue("mariadb_url")
        environment["CLOUDPORTAL_DATABASE_URL"] = fresh_database(url, "journey")
    made = LabPortal(host, guest_image.folder, **environment)
    if environment:
        made.manage("initdb", "--database-url", environment["CLOUDPORTAL_DATABASE_URL"])
    made.start()
    yield made
    made.stop()


def fresh_database(url: str, name: str) -> str:
    """A new database on the tests' server, reached by its socket: a simulated host has a
    loopback of its own."""
    parts = urlsplit(url)
    connection = MySQLdb.connect(
        host=parts.hostname, port=parts.port, user=parts.username, passwd=parts.password
    )
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(
            f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
        )
        cursor.execute("SELECT @@datadir, @@socket")
        folder, file = cursor.fetchone()
    connection.close()
    socket = Path(folder) / file
    return f"mysql://{parts.username}:{parts.password}@localhost/{name}?unix_socket={socket}"


def test_a_machine_from_the_template_to_nothing_left(portal, host, tmp_path: Path):
    client = portal.client()
    zone = client.listZones()["zone"][0]
    template = wait_until(
        lambda: client.listTemplates(templatefilter="executable").get("template"),
        "a ready template",
    )[0]
    offering = client.listServiceOfferings()["serviceoffering"][0]
    network = client.listNetworks(listall=True)["network"][0]
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    client.registerSSHKeyPair(name="mine", publickey=key.with_suffix(".pub").read_text().strip())

    made = client.deployVirtualMachine(
        zoneid=zone["id"], templateid=template["id"], serviceofferingid=offering["id"],
        networkids=[network["id"]], name="web-1", keypair="mine",
        userdata=base64.b64encode(b"#!/bin/sh\necho seen > /run/seen\n").decode(),
        fetch_result=True,
    )["virtualmachine"]  # fmt: skip
    assert made["state"] == "Running"
    address = made["nic"][0]["ipaddress"]
    guest = Guest(host, key, address)
    wait_until(lambda: guest.says("hostname") == "web-1", "SSH with the given key", 90)
    assert guest.says("cat /run/seen") == "seen"

    client.stopVirtualMachine(id=made["id"], fetch_result=True)
    assert one(client, made)["state"] == "Stopped"
    client.startVirtualMachine(id=made["id"], fetch_result=True)
    wait_until(lambda: guest.says("hostname") == "web-1", "SSH after a new start", 90)

    disks = client.listDiskOfferings()["diskoffering"]
    small = min((d for d in disks if not d["iscustomized"]), key=lambda d: d["disksize"])
    volume = client.createVolume(
        name="data", zoneid=zone["id"], diskofferingid=small["id"], fetch_result=True
    )["volume"]
    client.attachVolume(id=volume["id"], virtualmachineid=made["id"], fetch_result=True)
    sectors = small["disksize"] * 2**30 // 512
    wait_until(lambda: guest.says("cat /sys/block/vdb/size") == str(sectors), "the new disk")
    root = client.listVolumes(virtualmachineid=made["id"], type="ROOT")["volume"][0]
    client.updateConfiguration(name="kvm.snapshot.enabled", value="true")
    snapshot = client.createSnapshot(volumeid=root["id"], fetch_result=True)["snapshot"]
    assert snapshot["state"] == "BackedUp"

    client.detachVolume(id=volume["id"], fetch_result=True)
    client.deleteVolume(id=volume["id"])
    client.deleteSnapshot(id=snapshot["id"], fetch_result=True)
    client.destroyVirtualMachine(id=made["id"], expunge=True, fetch_result=True)
    assert one(client, made) is None
    nothing_is_left(portal, host, address)


class Guest:
    """Commands in a guest over SSH, from the host it runs on."""

    def __init__(self, host: LabHost, key: Path, address: str) -> None:
        options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
        options += ["-o", "ConnectTimeout=3", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"]
        self.host = host
        self.command = ["ssh", "-i", str(key), *options, f"root@{address}"]

    def says(self, command: str) -> str:
        namespaces = self.host.run("ip", "netns", "list").stdout.split()
        routers = [n for n in namespaces if n.startswith("r-")]
        if not routers:
            return ""
        inside = ["ip", "netns", "exec", routers[0]]
        return self.host.run(*inside, *self.command, command, timeout_s=30).stdout.strip()


def one(client, machine):
    found = client.listVirtualMachines(id=machine["id"]).get("virtualmachine")
    return found[0] if found else None


def nothing_is_left(portal: LabPortal, host: LabHost, address: str) -> None:
    assert host.virsh("list", "--all", "--name") == ""
    files = [p.name for p in (portal.data / "primary").rglob("*") if p.is_file()]
    left = [name for name in files if not name.startswith(".")]
    templates = portal.client().listTemplates(templatefilter="all")["template"]
    assert len(left) <= len(templates), left
    # An image and what was found out about it share a name.
    stored = {p.name.split(".")[0] for p in (portal.data / "secondary").rglob("*") if p.is_file()}
    assert len(stored - {""}) <= len(templates), stored
    leases = host.run("ip", "-d", "addr").stdout
    assert "vnet" not in leases
    count = "from network.models import GuestAddress as g; print(g.objects.count())"
    addresses = portal.manage("shell", "-v0", "-c", count)
    assert addresses.strip() == "0", f"{address} was not given back"
