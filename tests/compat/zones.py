"""Three zones of simulated hosts with nothing but ``cs``: built, filled with machines, listed and
taken down again.

    python -m tests.compat.zones http://127.0.0.1:8080/client/api KEY SECRET [--machines 100]

The calls and their order are those of CloudStack's own programs (Marvin's ``deployDataCenter``,
the zone wizard of its UI).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from cs import CloudStack

Record = dict[str, Any]

#: So long nothing may take: jobs, a template on its way, a host coming up.
PATIENCE_S = 240


@dataclass(frozen=True)
class Plan:
    """What a zone is to be. ``number`` keeps its addresses and VLANs apart from the others'."""

    name: str
    number: int
    basic: bool = False
    clusters: int = 2
    hosts: int = 2

    @property
    def gateway(self) -> str:
        return f"10.{100 + self.number}.0.1"

    def address(self, last: int, third: int = 0) -> str:
        return f"10.{100 + self.number}.{third}.{last}"


PLANS = (
    Plan("basic", 1, basic=True),
    Plan("advanced-1", 2),
    Plan("advanced-2", 3, clusters=1, hosts=4),
)


@dataclass
class Zone:
    """What was made for a plan, by id."""

    plan: Plan
    id: str
    physical: str = ""
    pod: str = ""
    network: str = ""
    ranges: list[str] = field(default_factory=list)
    clusters: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    pools: list[str] = field(default_factory=list)
    stores: list[str] = field(default_factory=list)
    machines: list[str] = field(default_factory=list)


class Builder:
    def __init__(self, api: CloudStack) -> None:
        self.api = api

    # -- calls -----------------------------------------------------------------------------

    def made(self, command: str, key: str, **given: Any) -> Record:
        """The record that a command answers, its job (if any) awaited."""
        found: Any = getattr(self.api, command)(fetch_result=True, **given)[key]
        return found[0] if isinstance(found, list) else found

    def all(self, command: str, **given: Any) -> list[Record]:
        found: list[Record] = getattr(self.api, command)(fetch_list=True, **given)
        return found

    def until(self, command: str, good: Any, **given: Any) -> list[Record]:
        """Until every record is as it should be."""
        end = time.monotonic() + PATIENCE_S
        while True:
            found = self.all(command, **given)
            if found and all(map(good, found)):
                return found
            assert time.monotonic() < end, f"{command}: {found}"
            time.sleep(0.2)

    def every(self, jobs: list[Record]) -> None:
        """Until every job has ended well."""
        for job in jobs:
            self.api._jobresult(job["jobid"])

    # -- a zone ----------------------------------------------------------------------------

    def build(self, plan: Plan) -> Zone:
        zone = Zone(plan, self._zone(plan))
        self._physical_network(zone)
        self._providers(zone)
        zone.pod = self.made(
            "createPod", "pod", zoneid=zone.id, name=f"{plan.name}-pod", gateway=plan.gateway,
            netmask="255.255.0.0", startip=plan.address(2), endip=plan.address(60),
        )["id"]  # fmt: skip
        if plan.basic:
            self._guest_network(zone)
        else:
            self._public_range(zone)
        for number in range(plan.clusters):
            self._cluster(zone, number)
        self._storage(zone)
        self.made("updateZone", "zone", id=zone.id, allocationstate="Enabled")
        self.until("listHosts", lambda h: h["state"] == "Up", zoneid=zone.id, type="Routing")
        if not plan.basic:
            self._isolated_network(zone)
        return zone

    def _zone(self, plan: Plan) -> str:
        kind = {"networktype": "Basic"} if plan.basic else {
            "networktype": "Advanced", "guestcidraddress": "10.1.1.0/24",
        }  # fmt: skip
        made = self.made("createZone", "zone", name=plan.name, dns1="8.8.8.8",
                         internaldns1="8.8.4.4", localstorageenabled=False, **kind)  # fmt: skip
        return str(made["id"])

    def _physical_network(self, zone: Zone) -> None:
        vlans = {} if zone.plan.basic else {
            "vlan": f"{zone.plan.number}000-{zone.plan.number}099", "isolationmethods": ["VLAN"],
        }  # fmt: skip
        zone.physical = self.made(
            "createPhysicalNetwork", "physicalnetwork", zoneid=zone.id,
            name=f"{zone.plan.name}-physical", **vlans,
        )["id"]  # fmt: skip
        for kind in ("Guest", "Management") if zone.plan.basic else (
            "Guest", "Management", "Public",
        ):  # fmt: skip
            self.made("addTrafficType", "traffictype", physicalnetworkid=zone.physical,
                      traffictype=kind)  # fmt: skip
        self.made("updatePhysicalNetwork", "physicalnetwork", id=zone.physical, state="Enabled")

    def _providers(self, zone: Zone) -> None:
        also = "SecurityGroupProvider" if zone.plan.basic else "ConfigDrive"
        for name in ("VirtualRouter", also):
            (provider,) = self.all(
                "listNetworkServiceProviders", name=name, physicalnetworkid=zone.physical
            )
            for element in self.all("listVirtualRouterElements", nspid=provider["id"]):
                self.made("configureVirtualRouterElement", "virtualrouterelement",
                          id=element["id"], enabled=True)  # fmt: skip
            self.made("updateNetworkServiceProvider", "networkserviceprovider",
                      id=provider["id"], state="Enabled")  # fmt: skip

    def _offering(self, name: str) -> str:
        (found,) = (o for o in self.all("listNetworkOfferings", name=name) if o["name"] == name)
        return str(found["id"])

    def _guest_network(self, zone: Zone) -> None:
        """Of a Basic zone: one for all, with addresses in each pod."""
        offering = self._offering("DefaultSharedNetworkOfferingWithSGService")
        zone.network = self.made(
            "createNetwork", "network", zoneid=zone.id, name=f"{zone.plan.name}-guest",
            displaytext="Guests of the Basic zone", networkofferingid=offering,
        )["id"]  # fmt: skip
        made = self.made(
            "createVlanIpRange", "vlan", zoneid=zone.id, podid=zone.pod, networkid=zone.network,
            gateway=zone.plan.gateway, netmask="255.255.0.0", forvirtualnetwork=False,
            startip=zone.plan.address(10, 1), endip=zone.plan.address(250, 4),
        )  # fmt: skip
        zone.ranges.append(made["id"])

    def _public_range(self, zone: Zone) -> None:
        made = self.made(
            "createVlanIpRange", "vlan", zoneid=zone.id, forvirtualnetwork=True, vlan="untagged",
            gateway=f"172.{16 + zone.plan.number}.0.1", netmask="255.255.255.0",
            startip=f"172.{16 + zone.plan.number}.0.10",
            endip=f"172.{16 + zone.plan.number}.0.200",
        )  # fmt: skip
        zone.ranges.append(made["id"])

    def _cluster(self, zone: Zone, number: int) -> None:
        name = f"{zone.plan.name}-c{number}"
        cluster = self.made("addCluster", "cluster", zoneid=zone.id, podid=zone.pod,
                            clustername=name, clustertype="CloudManaged",
                            hypervisor="Simulator")["id"]  # fmt: skip
        zone.clusters.append(cluster)
        for host in range(zone.plan.hosts):
            made = self.made(
                "addHost", "host", zoneid=zone.id, podid=zone.pod, clusterid=cluster,
                hypervisor="Simulator", url=f"http://sim/{name}/h{host}", username="root",
                password="password",
            )  # fmt: skip
            zone.hosts.append(made["id"])
        self.until("listHosts", lambda h: h["state"] == "Up", clusterid=cluster)
        pool = self.made(
            "createStoragePool", "storagepool", zoneid=zone.id, podid=zone.pod, name=f"{name}-p",
            clusterid=cluster, url=f"nfs://{zone.plan.address(6)}/export/{name}",
        )  # fmt: skip
        zone.pools.append(pool["id"])

    def _storage(self, zone: Zone) -> None:
        made = self.made(
            "addImageStore", "imagestore", zoneid=zone.id, name=f"{zone.plan.name}-store",
            provider="NFS", url=f"nfs://{zone.plan.address(7)}/export/secondary",
        )  # fmt: skip
        zone.stores.append(made["id"])

    def _isolated_network(self, zone: Zone) -> None:
        offering = self._offering("DefaultIsolatedNetworkOfferingWithSourceNatService")
        zone.network = self.made(
            "createNetwork", "network", zoneid=zone.id, name=f"{zone.plan.name}-net",
            displaytext="Isolated", networkofferingid=offering,
        )["id"]  # fmt: skip

    # -- machines --------------------------------------------------------------------------

    def deploy(self, zone: Zone, count: int) -> None:
        """``count`` machines, asked for at once and awaited together."""
        template = self.until(
            "listTemplates", lambda t: t["isready"], templatefilter="all", zoneid=zone.id,
            hypervisor="Simulator",
        )[0]  # fmt: skip
        (offering,) = self.all("listServiceOfferings", name="Small Instance")
        given = {
            "zoneid": zone.id, "templateid": template["id"], "serviceofferingid": offering["id"],
            **({} if zone.plan.basic else {"networkids": [zone.network]}),
        }  # fmt: skip
        names = [f"{zone.plan.name}-{number:03}" for number in range(count)]
        with ThreadPoolExecutor(4) as pool:
            begun = list(pool.map(lambda n: self.api.deployVirtualMachine(name=n, **given), names))
        zone.machines += [b["id"] for b in begun]
        self.every(begun)

    def look(self, zone: Zone) -> Iterator[tuple[str, int]]:
        """How many of each kind the lists of the zone show."""
        for command in ("listVirtualMachines", "listVolumes", "listHosts", "listClusters",
                        "listPods", "listStoragePools", "listNetworks", "listPhysicalNetworks",
                        "listVlanIpRanges", "listImageStores"):  # fmt: skip
            listall = {"listall": True} if command in (
                "listVirtualMachines", "listVolumes", "listNetworks",
            ) else {}  # fmt: skip
            yield command, len(self.all(command, zoneid=zone.id, **listall))

    # -- down ------------------------------------------------------------------------------

    def tear_down(self, zone: Zone) -> None:
        with ThreadPoolExecutor(4) as pool:
            ended = list(pool.map(
                lambda m: self.api.destroyVirtualMachine(id=m, expunge=True), zone.machines
            ))  # fmt: skip
        self.every(ended)
        self.made("updateZone", "zone", id=zone.id, allocationstate="Disabled")
        self._system_vms(zone)
        if zone.plan.basic:  # its addresses are the network's
            self._gone("deleteVlanIpRange", zone.ranges)
        self._gone("deleteNetwork", [zone.network], forced=True)
        for host in zone.hosts:
            self.made("prepareHostForMaintenance", "host", id=host)
        for pool in zone.pools:
            self.made("enableStorageMaintenance", "storagepool", id=pool)
        self._gone("deleteStoragePool", zone.pools, forced=True)
        self._gone("deleteHost", zone.hosts)
        self._gone("deleteImageStore", zone.stores)
        self._gone("deleteCluster", zone.clusters)
        if not zone.plan.basic:
            self._gone("deleteVlanIpRange", zone.ranges)
        self._gone("deletePod", [zone.pod])
        self._gone("deletePhysicalNetwork", [zone.physical])
        self._gone("deleteZone", [zone.id])

    def _system_vms(self, zone: Zone) -> None:
        for machine in self.all("listSystemVms", zoneid=zone.id):
            self.made("destroySystemVm", "systemvm", id=machine["id"])

    def _gone(self, command: str, ids: list[str], **given: Any) -> None:
        for one in ids:
            answer = getattr(self.api, command)(id=one, fetch_result=True, **given)
            assert str(answer.get("success", "true")).lower() == "true", answer


def run(api: CloudStack, machines: int, say: Any = print) -> None:
    """The whole of it: three zones at once, each built, filled, listed and taken down."""
    builder = Builder(api)
    begun = time.monotonic()
    zones = [builder.build(plan) for plan in PLANS]
    say(f"built {len(zones)} zones in {time.monotonic() - begun:.1f} s")
    begun = time.monotonic()
    for zone in zones:
        builder.deploy(zone, machines)
    say(f"deployed {machines} machines in each in {time.monotonic() - begun:.1f} s")
    for zone in zones:
        seen = dict(builder.look(zone))
        assert seen["listVirtualMachines"] == seen["listVolumes"] == machines, seen
        assert seen["listClusters"] == len(zone.clusters), seen
        say(f"{zone.plan.name}: {seen}")
    begun = time.monotonic()
    for zone in zones:
        builder.tear_down(zone)
    say(f"took everything down in {time.monotonic() - begun:.1f} s")
    assert builder.all("listZones") == []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("endpoint")
    parser.add_argument("key")
    parser.add_argument("secret")
    parser.add_argument("--machines", type=int, default=100)
    options = parser.parse_args()
    api = CloudStack(
        endpoint=options.endpoint, key=options.key, secret=options.secret, timeout=60,
        poll_interval=0.1, job_timeout=PATIENCE_S,
    )  # fmt: skip
    run(api, options.machines)


if __name__ == "__main__":
    main()
