"""The two ways to a running guest that are compared."""

from __future__ import annotations

import sqlite3
import subprocess
import uuid
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import libvirt

from tests.integration.portal import LabPortal, wait_until


class Bare:
    """Overlay, define, create: what the portal's guest needs, and nothing beside."""

    def __init__(self, host: libvirt.virConnect, folder: Path, like: libvirt.virDomain) -> None:
        """``like``: a running guest of the portal, whose definition and base are taken."""
        self.host = host
        self.folder = folder
        self.folder.mkdir()
        running = ET.fromstring(like.XMLDesc())
        found = running.find("./devices/disk[@device='disk']/backingStore/source")
        self.base = Path(found.get("file"))
        self.config_drive = folder / "config.iso"
        self.config_drive.write_bytes(bytes(2**20))
        flags = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
        self.like = like.XMLDesc(flags)

    def up(self) -> libvirt.virDomain:
        self.disk = self.folder / f"{uuid.uuid4()}"
        subprocess.run(
            ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(self.base),
             str(self.disk)],
            check=True,
        )  # fmt: skip
        domain = self.host.defineXML(self._definition())
        domain.create()
        return domain

    def _definition(self) -> str:
        """The portal's own, with name, disk, config drive, card and console of its own."""
        root = ET.fromstring(self.like)
        root.find("name").text = "bare"
        root.find("uuid").text = str(uuid.uuid4())
        devices = root.find("devices")
        devices.find("disk[@device='disk']/source").set("file", str(self.disk))
        devices.find("interface/mac").set("address", "02:00:00:00:00:01")
        devices.find("interface/target").set("dev", "vnet-bare")
        for source in devices.iterfind("disk[@device='cdrom']/source"):
            source.set("file", str(self.config_drive))
        for source in devices.iterfind("serial/source"):
            source.set("path", str(self.folder / "serial.sock"))
        for log in devices.iterfind("serial/log"):
            log.set("file", str(self.folder / "serial.log"))
        return ET.tostring(root, encoding="unicode")

    def down(self, domain: libvirt.virDomain) -> None:
        domain.destroy()
        domain.undefine()
        self.disk.unlink()


class Portal:
    """The same through the API, with the unmodified ``cs`` client."""

    def __init__(self, portal: LabPortal) -> None:
        self.portal = portal
        self.client = portal.client()
        self.template = wait_until(self._templates, "a ready template")[0]["id"]
        self.zone = self.client.listZones()["zone"][0]["id"]
        self.network = self.client.listNetworks(listall=True)["network"][0]["id"]
        self.offering = self.client.createServiceOffering(
            name="bench", displaytext="bench", cpunumber=1, cpuspeed=100, memory=128
        )["serviceoffering"]["id"]

    def _templates(self) -> list[dict[str, Any]]:
        return self.client.listTemplates(templatefilter="executable").get("template", [])

    def up(self) -> str:
        """The machine's id; its job has only begun."""
        asked = self.client.deployVirtualMachine(
            zoneid=self.zone, templateid=self.template, serviceofferingid=self.offering,
            networkids=[self.network],
        )  # fmt: skip
        self.job = asked["jobid"]
        return asked["id"]

    def ended(self) -> bool:
        """Whether the job asked for last is done."""
        status = self.client.queryAsyncJobResult(jobid=self.job)["jobstatus"]
        assert status in (0, 1), "the job failed"
        return status == 1

    def down(self, machine: str) -> None:
        asked = self.client.destroyVirtualMachine(id=machine, expunge=True)
        self.job = asked["jobid"]

    def steps(self) -> dict[str, float]:
        """Milliseconds of each step of the newest job, and from its row to its first step."""
        path = f"file:{self.portal.data}/cloudportal.sqlite3?mode=ro"
        day_ms = 86_400_000
        with sqlite3.connect(path, uri=True) as database:
            key, command, waited, whole = database.execute(
                "select id, command, (julianday(started) - julianday(created)) * ?,"
                " (julianday(completed) - julianday(created)) * ?"
                " from jobs_asyncjob where command like '%VirtualMachine' order by id desc limit 1",
                (day_ms, day_ms),
            ).fetchone()
            rows = database.execute(
                "select name, (julianday(completed) - julianday(started)) * ?"
                " from jobs_jobstep where job_id = ? order by \"index\"",
                (day_ms, key),
            ).fetchall()
        named = {f"{command} {name}": took for name, took in rows}
        return {f"{command} picked up": waited, **named, f"{command} job": whole}
