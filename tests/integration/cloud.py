"""What tests ask of a portal in a simulated host, through the unmodified ``cs`` client."""

from __future__ import annotations

import subprocess
from typing import Any

from tests.integration.portal import LabHost, LabPortal, wait_until
from tests.integration.world import World


class Cloud:
    """Machines from ``blank``, a template with nothing on it, stop at their BIOS: many of them
    cost little without KVM. Those from ``tiny`` boot."""

    def __init__(self, portal: LabPortal, host: LabHost) -> None:
        self.portal = portal
        self.host = host
        self.world = World(portal, host)
        self.client = portal.client()
        wait_until(lambda: self.all_ready(), "the first zone's template", 60)
        first = self.client.listTemplates(templatefilter="executable")["template"][0]
        self.tiny, self._os_type = first["id"], first["ostypeid"]
        self.zone = self.client.listZones()["zone"][0]["id"]
        self.network = self.client.listNetworks(listall=True)["network"][0]["id"]
        self.offering = self.client.createServiceOffering(
            name="tiny", displaytext="tiny", cpunumber=1, cpuspeed=100, memory=96
        )["serviceoffering"]["id"]
        image = portal.data / "blank.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(image), "1M"], check=True)
        self.blank = self.ready_template("blank", image.name)

    # -- machines ------------------------------------------------------------------------

    def deploy(self, name: str, template: str = "", **more: Any) -> dict:
        return self.client.deployVirtualMachine(
            zoneid=self.zone, serviceofferingid=self.offering, networkids=[self.network],
            name=name, templateid=template or self.blank, **more,
        )  # fmt: skip

    def deployed(self, name: str, template: str = "") -> dict:
        return self.deploy(name, template, fetch_result=True)["virtualmachine"]

    def machines(self, **wanted: Any) -> list[dict]:
        return self.client.listVirtualMachines(listall=True, **wanted).get("virtualmachine", [])

    def machine(self, name: str) -> dict | None:
        found = [m for m in self.machines(name=name) if m["name"] == name]
        return found[0] if found else None

    def state(self, name: str) -> str:
        found = self.machine(name)
        return found["state"] if found else "nowhere"

    def expunge(self, name: str) -> None:
        found = self.machine(name)
        if found:
            self.client.destroyVirtualMachine(
                id=found["id"], expunge=True, forced=True, fetch_result=True
            )

    def qemu(self, machine: dict) -> int:
        """The pid of a machine's guest, as its host numbers it; 0 when there is none."""
        found = self.host.run("pgrep", "-f", f"qemu.* -uuid {machine['id']}").stdout.split()
        return int(found[0]) if found else 0

    # -- templates -----------------------------------------------------------------------

    def all_ready(self) -> bool:
        found = self.client.listTemplates(templatefilter="all").get("template", [])
        return bool(found) and all(template["isready"] for template in found)

    def add_template(self, name: str, image: str = "images/tiny.qcow2") -> None:
        self.client.registerTemplate(
            name=name, displaytext=name, zoneid=self.zone, format="QCOW2", hypervisor="KVM",
            url=f"file://{self.portal.data / image}", ostypeid=self._os_type, requireshvm=True,
        )  # fmt: skip

    def templates(self, name: str) -> list[dict]:
        return self.client.listTemplates(templatefilter="all", name=name).get("template", [])

    def ready_template(self, name: str, image: str = "images/tiny.qcow2") -> str:
        self.add_template(name, image)
        wait_until(lambda: self.templates(name)[0]["isready"], f"template {name}", 60)
        return self.templates(name)[0]["id"]

    def drop_template(self, name: str) -> None:
        for template in self.templates(name):
            self.client.deleteTemplate(id=template["id"], fetch_result=True)

    # -- at rest -------------------------------------------------------------------------

    def is_idle(self) -> bool:
        return not self.world.rows("select 1 from jobs_asyncjob where status = 0")

    def held_at_rest(self) -> dict[str, list[str]]:
        wait_until(self.is_idle, "all jobs ended")
        return self.world.held()
