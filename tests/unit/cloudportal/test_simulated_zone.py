"""A zone of simulated hosts from nothing to machines, and to nothing again."""

import pytest

from agent import protocol
from agent.operations import World
from agent.tasks import Task
from api.dispatch import execute
from cloudportal import defaults, hosts
from compute.models import SystemVm, VirtualMachine
from compute.services import system_vms
from infra.models import Host, HostCapacity, PodAddress, Zone
from infra.services.configuration import set_value
from jobs.models import AsyncJob, JobStatus, Trouble
from jobs.worker import run_everything
from network.models import GuestAddress
from storage.models import ImageStore, StoragePool, Template, Volume
from tests.factories import admin_caller, make_host

pytestmark = pytest.mark.django_db


def ask(command, **given):
    outcome = execute(admin_caller(), command, {k: str(v) for k, v in given.items()})
    run_everything()
    return outcome.records or [outcome.record()]


def build() -> dict[str, str]:
    (zone,) = ask("createZone", name="sim", networktype="Advanced", dns1="8.8.8.8",
                  internaldns1="8.8.8.8")  # fmt: skip
    (physical,) = ask("createPhysicalNetwork", name="physical", zoneid=zone["id"])
    for kind in ("Guest", "Management"):
        ask("addTrafficType", physicalnetworkid=physical["id"], traffictype=kind)
    ask("updatePhysicalNetwork", id=physical["id"], state="Enabled", vlan="100-199")
    (provider,) = ask("listNetworkServiceProviders", name="VirtualRouter",
                      physicalnetworkid=physical["id"])  # fmt: skip
    (element,) = ask("listVirtualRouterElements", nspid=provider["id"])
    ask("configureVirtualRouterElement", id=element["id"], enabled="true")
    ask("updateNetworkServiceProvider", id=provider["id"], state="Enabled")
    (pod,) = ask("createPod", name="pod", zoneid=zone["id"], gateway="10.0.0.1",
                 netmask="255.255.255.0", startip="10.0.0.10", endip="10.0.0.50")  # fmt: skip
    (cluster,) = ask("addCluster", zoneid=zone["id"], podid=pod["id"], clustername="c0",
                     clustertype="CloudManaged", hypervisor="Simulator")  # fmt: skip
    for number in range(2):
        ask("addHost", zoneid=zone["id"], podid=pod["id"], clusterid=cluster["id"],
            hypervisor="Simulator", url=f"http://sim/c0/h{number}", username="root",
            password="password")  # fmt: skip
    ask("createStoragePool", name="primary", zoneid=zone["id"], podid=pod["id"],
        clusterid=cluster["id"], url="nfs://10.147.28.6:/export/primary")  # fmt: skip
    ask("addImageStore", provider="NFS", zoneid=zone["id"], url="nfs://10.147.28.6/secondary")
    ask("updateZone", id=zone["id"], allocationstate="Enabled")
    system_vms.ensure()
    run_everything()
    return {"zone": zone["id"], "pod": pod["id"], "cluster": cluster["id"],
            "physical": physical["id"]}  # fmt: skip


def deploy(zone: str) -> dict:
    (template,) = ask("listTemplates", templatefilter="featured", zoneid=zone)
    assert template["isready"] is True
    (offering,) = ask("listServiceOfferings", name="Small Instance")
    (kind,) = ask("listNetworkOfferings", name="DefaultSharedNetworkOffering")
    (network,) = ask("createNetwork", name="guests", zoneid=zone, displaytext="guests",
                     networkofferingid=kind["id"], gateway="10.9.0.1", netmask="255.255.255.0",
                     startip="10.9.0.10", endip="10.9.0.99", vlan="99")  # fmt: skip
    ask("deployVirtualMachine", zoneid=zone, templateid=template["id"],
        serviceofferingid=offering["id"], networkids=network["id"])  # fmt: skip
    return network


def test_a_zone_of_simulated_hosts_is_a_cloud_and_leaves_nothing(world):
    defaults.ensure()
    ids = build()
    assert {h.status for h in Host.objects.all()} == {"Up"}
    assert {v.state for v in SystemVm.objects.all()} == {"Running"}
    network = deploy(ids["zone"])
    vm = VirtualMachine.objects.get()
    assert vm.state == "Running"
    assert not AsyncJob.objects.exclude(status=JobStatus.DONE).exists()

    ask("destroyVirtualMachine", id=vm.uuid, expunge="true")
    ask("deleteNetwork", id=network["id"])
    ask("updateZone", id=ids["zone"], allocationstate="Disabled")
    for system_vm in list(SystemVm.objects.all()):
        ask("destroySystemVm", id=system_vm.uuid)
    for store in list(ImageStore.objects.all()):
        ask("deleteImageStore", id=store.uuid)
    for pool in list(StoragePool.objects.all()):
        ask("deleteStoragePool", id=pool.uuid)
    for host in list(Host.objects.all()):
        ask("deleteHost", id=host.uuid)
    ask("deleteCluster", id=ids["cluster"])
    ask("deletePod", id=ids["pod"])
    ask("deletePhysicalNetwork", id=ids["physical"])
    ask("deleteZone", id=ids["zone"])
    left = (Zone, Host, HostCapacity, PodAddress, GuestAddress, ImageStore, StoragePool, Volume,
            SystemVm, VirtualMachine, Template)  # fmt: skip
    assert not [model.__name__ for model in left if model.objects.exists()]
    assert not Trouble.objects.filter(closed=None).exists()
    tables = ("domains", "files", "pools", "images", "routers")
    assert not [table for table in tables if world.ledger.count(table)]


def test_a_host_does_on_purpose_what_its_own_mock_says(monkeypatch):
    """A simulated machine has an identity of its own, which outlives the host's row."""
    shared = World()
    monkeypatch.setattr(hosts, "world", lambda: shared)
    host = make_host(machine="9d0a0000-0000-4000-8000-000000000001")
    shared.mocks.add("StopCommand", "result:fail", place=str(host.uuid), count=1)
    agent = hosts.simulated(host)
    call = protocol.Call("domain.stop", protocol.StopDomain("u", forced=True))
    with pytest.raises(protocol.OperationFailed):
        agent.execute(call)
    agent.execute(call)


def test_a_zone_can_be_as_slow_as_a_real_one(monkeypatch):
    shared, slept = World(), []
    monkeypatch.setattr(hosts, "world", lambda: shared)
    monkeypatch.setattr(Task, "sleep", lambda task, seconds: slept.append(seconds))
    host, other = make_host(), make_host()
    question = protocol.Call("domain.stop", protocol.StopDomain("u", forced=True))
    links = [hosts.simulated(row) for row in (host, other)]
    set_value("simulator.pace", "0.5", host.zone)
    for link in links:
        link.execute(question)
    assert slept == [2.0]
    set_value("simulator.pace", "0", host.zone)
    links[0].execute(question)
    assert slept == [2.0]
