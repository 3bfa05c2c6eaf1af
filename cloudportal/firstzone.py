"""A working zone on this machine, built through the commands a person would use.

Each part is looked for first, so an interrupted set-up is finished at the next start, and
nothing is made twice.
"""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts.caller import Caller
from accounts.models import User
from api.dispatch import execute
from cloudportal.steps import Teller
from core.errors import CloudError
from jobs.models import AsyncJob, JobStatus

ZONE = "zone-1"
GATEWAY, NETMASK = "10.77.0.1", "255.255.0.0"
FIRST_IP, LAST_IP = "10.77.1.0", "10.77.250.255"


class FirstZone:
    """``hypervisor`` is KVM (this machine, accelerated or not) or Simulator."""

    def __init__(self, hypervisor: str, teller: Teller) -> None:
        admin = User.objects.select_related("account__domain", "account__role").get(
            username="admin", domain__level=0
        )
        self.caller = Caller.of(admin)
        self.hypervisor = hypervisor
        self.teller = teller
        self.zone: dict[str, Any] = {}

    def build(self) -> None:
        with self.teller.step(f"zone {ZONE}, pod and cluster"):
            self.zone = self.ensure("Zones", ZONE, "createZone", networktype="Advanced",
                                    dns1=_resolver(), internaldns1=_resolver(),
                                    localstorageenabled=True)  # fmt: skip
            zoneid = self.zone["id"]
            self._physical_network(zoneid)
            pod = self.ensure("Pods", "pod-1", "createPod", zoneid=zoneid, gateway="10.78.0.1",
                              netmask="255.255.255.0", startip="10.78.0.10",
                              endip="10.78.0.250")  # fmt: skip
            cluster = self._cluster(zoneid, pod["id"])
        with self.teller.step("this machine as a host") as step:
            host = self._host(zoneid, pod["id"], cluster["id"])
            step.say(f"{host['name']}, {host['hypervisor']}")
        with self.teller.step("primary storage and secondary store"):
            self._primary(zoneid, pod["id"], cluster["id"], host)
            self._secondary(zoneid)
        with self.teller.step(f"guest network {GATEWAY}/16 with DHCP, DNS and a way out"):
            self._network(zoneid)
        with self.teller.step("template"):
            self._template(zoneid)

    # -- parts -------------------------------------------------------------------------

    def _physical_network(self, zoneid: str) -> None:
        physical = self.ensure("PhysicalNetworks", "physnet-1", "createPhysicalNetwork",
                               zoneid=zoneid)  # fmt: skip
        have = self.records("listTrafficTypes", physicalnetworkid=physical["id"])
        for kind in {"Guest", "Management"} - {t["traffictype"] for t in have}:
            self.do("addTrafficType", physicalnetworkid=physical["id"], traffictype=kind)
        if physical["state"] != "Enabled":
            self.do("updatePhysicalNetwork", id=physical["id"], state="Enabled")
        self._virtual_router(physical["id"])

    def _virtual_router(self, physicalnetworkid: str) -> None:
        """What the built-in network offerings need is enabled."""
        provider = self.records("listNetworkServiceProviders", name="VirtualRouter",
                                physicalnetworkid=physicalnetworkid)[0]  # fmt: skip
        if provider["state"] == "Enabled":
            return
        for element in self.records("listVirtualRouterElements", nspid=provider["id"]):
            self.do("configureVirtualRouterElement", id=element["id"], enabled=True)
        self.do("updateNetworkServiceProvider", id=provider["id"], state="Enabled")

    def _cluster(self, zoneid: str, podid: str) -> dict[str, Any]:
        found = self.records("listClusters", zoneid=zoneid)
        if found:
            return found[0]
        return self.do("addCluster", zoneid=zoneid, podid=podid, clustername="cluster-1",
                       clustertype="CloudManaged", hypervisor=self.hypervisor)  # fmt: skip

    def _host(self, zoneid: str, podid: str, clusterid: str) -> dict[str, Any]:
        hosts = self.records("listHosts", zoneid=zoneid, type="Routing")
        if not hosts:
            simulated = self.hypervisor == "Simulator"
            self.do("addHost", zoneid=zoneid, podid=podid, clusterid=clusterid,
                    hypervisor=self.hypervisor,
                    url=f"http://{'sim-1' if simulated else socket.gethostname()}")  # fmt: skip
        return self.until("listHosts", lambda h: h["state"] == "Up", 120,
                          zoneid=zoneid, type="Routing")  # fmt: skip

    def _primary(self, zoneid: str, podid: str, clusterid: str, host: dict[str, Any]) -> None:
        if not self.records("listStoragePools", zoneid=zoneid):
            path = settings.DATA / "primary"
            self.do("createStoragePool", name="primary-1", zoneid=zoneid, podid=podid,
                    clusterid=clusterid, scope="HOST", hypervisor=self.hypervisor,
                    url=f"file://{path}", hostid=host["id"])  # fmt: skip
        self.until("listStoragePools", lambda p: p["state"] == "Up", 60, zoneid=zoneid)

    def _secondary(self, zoneid: str) -> None:
        if not self.records("listImageStores", zoneid=zoneid):
            self.do("addImageStore", name="secondary-1", provider="Directory", zoneid=zoneid,
                    url=f"file://{settings.DATA / 'secondary'}")  # fmt: skip

    def _network(self, zoneid: str) -> None:
        if self.records("listNetworks", zoneid=zoneid, listall="true"):
            return
        offerings = self.records("listNetworkOfferings", name="DefaultSharedNetworkOffering")
        self.do("createNetwork", name="guest", displaytext="Guest network", zoneid=zoneid,
                networkofferingid=offerings[0]["id"], gateway=GATEWAY, netmask=NETMASK,
                startip=FIRST_IP, endip=LAST_IP, vlan="untagged", acltype="Domain")  # fmt: skip

    def _template(self, zoneid: str) -> None:
        """The tiny guest that ``scripts/setup`` has built from Debian packages."""
        about = settings.DATA / "images" / "guest.json"
        if self.records("listTemplates", zoneid=zoneid, templatefilter="all"):
            return
        if not about.exists() and self.hypervisor != "Simulator":
            self.teller.line("    no guest image here; run scripts/setup, then start again")
            return
        image = json.loads(about.read_text()) if about.exists() else {}
        wanted = image.get("os_type", "Other Linux (64-bit)")
        os_types = self.records("listOsTypes", description=wanted) or self.records("listOsTypes")
        name = image.get("name", "Tiny Linux")
        self.do("registerTemplate", name=name, displaytext=image.get("display_text", name),
                zoneid=zoneid, format="QCOW2", hypervisor=self.hypervisor,
                url=f"file://{settings.DATA / 'images' / image.get('file', 'tiny.qcow2')}",
                checksum=f"{{SHA-256}}{image['sha256']}" if image else "",
                ostypeid=os_types[0]["id"], ispublic=True, isfeatured=True, isextractable=True,
                requireshvm=True, passwordenabled=True)  # fmt: skip

    # -- asking ------------------------------------------------------------------------

    def do(self, command: str, **parameters: Any) -> dict[str, Any]:
        """The record, once the job that the command began (if any) has ended well."""
        outcome = execute(self.caller, command, parameters)
        record = outcome.records[0] if outcome.records else outcome.record()
        follow_up = AsyncJob.objects.filter(instance_uuid=record["id"]).order_by("-pk").first()
        if outcome.job or follow_up:
            wait(outcome.job or follow_up, 300)
        return record

    def records(self, command: str, **parameters: Any) -> list[dict[str, Any]]:
        return execute(self.caller, command, parameters).records or []

    def ensure(self, plural: str, name: str, create: str, **parameters: Any) -> dict[str, Any]:
        found = self.records(f"list{plural}", name=name)
        return found[0] if found else self.do(create, name=name, **parameters)

    def until(
        self, command: str, good: Any, timeout_s: float, **parameters: Any
    ) -> dict[str, Any]:
        """The first record that is as it should be. Raises CloudError with its last state."""
        end = time.monotonic() + timeout_s
        records: list[dict[str, Any]] = []
        while time.monotonic() < end:
            records = self.records(command, **parameters)
            for record in records:
                if good(record):
                    return record
            time.sleep(0.1)
        states = ", ".join(f"{r['name']} is {r.get('state')}" for r in records) or "none is there"
        raise CloudError(f"{command}: not as wanted after {timeout_s:.0f} s: {states}.")


def wait(job: AsyncJob, timeout_s: float) -> None:
    """Until the job has ended. Raises CloudError with the job's own words when it failed."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        job.refresh_from_db()
        if job.status == JobStatus.DONE:
            return
        if job.status != JobStatus.PENDING:
            raise CloudError(job.error_text, details=job.error_details)
        time.sleep(0.05)
    raise CloudError(f"{job.command} is still at work after {timeout_s:.0f} s; see its steps.")


def _resolver() -> str:
    """The machine's first name server that a router's namespace could reach as well."""
    try:
        lines = Path("/etc/resolv.conf").read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver" and not words[1].startswith("127."):
            return words[1]
    return "9.9.9.9"
