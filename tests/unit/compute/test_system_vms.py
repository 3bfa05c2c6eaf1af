"""The cloud's own machines: there by themselves, operated by people, gone without a trace."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agent import protocol as p
from api.dispatch import execute
from compute.models import SystemVm, VirtualMachine
from compute.services import strays, system_vms
from compute.services.recount import recount_hosts
from core.errors import CloudError, InsufficientCapacity, InvalidParameter, NotAllowedInState
from infra import agents
from infra.models import HostCapacity, PodAddress, Zone
from infra.services import configuration, pod_ranges, reports
from infra.services.address_book import checked
from jobs.models import AsyncJob
from jobs.worker import run_everything
from storage.models import Volume
from tests.factories import (
    admin_caller,
    make_cluster,
    make_host,
    make_pool,
    make_service_offering,
    make_zone,
)

pytestmark = pytest.mark.django_db
KINDS = ("consoleproxy", "secondarystoragevm")


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch):
    monkeypatch.setattr(system_vms, "_known_homes", {})
    monkeypatch.setattr(strays, "_looked", {})


@pytest.fixture
def offerings(db):
    return {
        kind: make_service_offering(
            f"for {kind}", is_system=True, system_vm_type=kind, default_use=True
        )
        for kind in KINDS
    }


@pytest.fixture
def cluster(world, offerings):
    """A zone of simulated hosts with storage and management addresses, and one host."""
    cluster = make_cluster()
    wanted = checked("10.1.1.1", "255.255.255.0", "10.1.1.10", "10.1.1.20")
    pod_ranges.add(cluster.pod, wanted)
    host = make_host(cluster)
    pool = make_pool(cluster=cluster)
    agents.call(host, "pool.prepare", p.PreparePool(p.PoolRef(str(pool.uuid))))
    return cluster


@pytest.fixture
def both(cluster):
    system_vms.ensure()
    run_everything()
    return list(SystemVm.objects.order_by("type"))


def ask(command, **given):
    outcome = execute(admin_caller(), command, given)
    run_everything()
    return outcome


def power(vm):
    vm.refresh_from_db()
    return agents.call(vm.host, "domain.state", p.DomainRef(str(vm.uuid))).power


def test_an_enabled_zone_of_simulated_hosts_gets_one_of_each(both, cluster):
    assert [(vm.type, vm.state) for vm in both] == [(kind, "Running") for kind in KINDS]
    assert {vm.name[0] for vm in both} == {"v", "s"}
    assert {str(vm.private_address) for vm in both} == {"10.1.1.10", "10.1.1.11"}
    assert {power(vm) for vm in both} == {"PowerOn"}
    used = HostCapacity.objects.get()
    assert (used.cores_used, used.memory_used_mb) == (2, 1024)
    assert recount_hosts() == 0
    assert system_vms.ensure() == 0
    listed = ask("listSystemVms", zoneid=str(cluster.zone.uuid)).records
    assert {(r["systemvmtype"], r["state"], r["agentstate"]) for r in listed} == {
        (kind, "Running", "Up") for kind in KINDS
    }
    assert not VirtualMachine.objects.exists()


@pytest.mark.parametrize("lacks", ["enabled", "host", "pool", "simulator", "setting"])
def test_none_are_made_while_something_is_missing(cluster, lacks):
    zone = cluster.zone
    if lacks == "enabled":
        Zone.objects.filter(pk=zone.pk).update(allocation_state="Disabled")
    elif lacks == "host":
        zone.hosts.update(status="Alert")
    elif lacks == "pool":
        zone.pools.update(state="Maintenance")
    elif lacks == "simulator":
        zone.hosts.update(hypervisor="KVM")
    else:
        configuration.set_value("simulator.system.vms", "false", zone)
    assert system_vms.ensure() == 0
    assert not SystemVm.objects.exists()


def test_one_that_was_stopped_by_a_person_stays_off_until_it_is_started(both):
    vm = both[0]
    ask("stopSystemVm", id=str(vm.uuid))
    vm.refresh_from_db()
    assert (vm.state, vm.host) == ("Stopped", None)
    assert system_vms.ensure() == 0
    assert HostCapacity.objects.get().cores_used == 1
    ask("startSystemVm", id=str(vm.uuid))
    assert power(vm) == "PowerOn"


def test_one_that_dies_is_started_again(both, world):
    vm = both[0]
    world.kill_guest(str(vm.host.uuid), str(vm.uuid))
    states = agents.call(vm.host, "host.power").states
    reports.power(vm.host, states, timezone.now() + timedelta(seconds=1))
    vm.refresh_from_db()
    assert vm.state == "Stopped"
    assert system_vms.ensure() == 1
    run_everything()
    assert power(vm) == "PowerOn"


def test_when_its_host_is_lost_it_starts_elsewhere_and_is_cleaned_up_behind(both, cluster):
    lost = both[0].host
    second = make_host(cluster)
    ask("configureSimulator", name="PingCommand", value="enabled:false", hostid=str(lost.uuid))
    with pytest.raises(p.HostUnavailable):
        agents.call(lost, "host.power")
    ask("cleanupSimulatorMock")
    lost.status = "Down"
    lost.save()
    reports.lost(lost)
    run_everything()
    for vm in both:
        assert power(vm) == "PowerOn"
        assert vm.host == second
    lost.status = "Up"
    lost.save()
    states = agents.call(lost, "host.power").states
    assert len(states) == 2
    reports.power(lost, states, timezone.now() + timedelta(seconds=1))
    run_everything()
    assert not agents.call(lost, "host.power").states


def test_a_destroyed_one_is_made_anew_while_its_zone_is_enabled(both):
    old = both[0]
    ask("destroySystemVm", id=str(old.uuid))
    assert not SystemVm.objects.filter(pk=old.pk).exists()
    assert system_vms.ensure() == 1
    run_everything()
    new = SystemVm.objects.get(type=old.type)
    assert (new.pk != old.pk, new.state) == (True, "Running")


def test_a_disabled_zone_is_taken_down_to_nothing(both, cluster, world):
    zone = cluster.zone
    ask("updateZone", id=str(zone.uuid), allocationstate="Disabled")
    with pytest.raises(CloudError, match="system VM"):
        ask("deleteHost", id=str(both[0].host.uuid))
    for vm in both:
        ask("destroySystemVm", id=str(vm.uuid))
    assert system_vms.ensure() == 0
    assert not Volume.objects.exists()
    assert not PodAddress.objects.exists()
    assert HostCapacity.objects.get().cores_used == 0
    assert not world.ledger.count("files")
    assert not world.ledger.count("domains")


def test_it_moves_to_another_host(both, cluster):
    vm, second = both[0], make_host(cluster)
    first = vm.host
    ask("migrateSystemVm", virtualmachineid=str(vm.uuid), hostid=str(second.uuid))
    assert power(vm) == "PowerOn"
    assert vm.host == second
    assert agents.call(first, "domain.state", p.DomainRef(str(vm.uuid))).power == "PowerMissing"
    assert recount_hosts() == 0
    with pytest.raises(InvalidParameter, match="already"):
        ask("migrateSystemVm", virtualmachineid=str(vm.uuid), hostid=str(second.uuid))
    with pytest.raises(InvalidParameter, match="where it goes"):
        ask("migrateSystemVm", virtualmachineid=str(vm.uuid))


def test_without_another_host_it_stays_where_it_is(both):
    with pytest.raises(InsufficientCapacity):
        ask("migrateSystemVm", virtualmachineid=str(both[0].uuid), autoselect=True)
    assert power(both[0]) == "PowerOn"
    assert recount_hosts() == 0


def test_it_takes_another_size(both):
    vm = both[0]
    large = make_service_offering(
        is_system=True, system_vm_type=vm.type, cpu_number=2, memory_mb=2048
    )
    with pytest.raises(NotAllowedInState):
        ask("changeServiceForSystemVm", id=str(vm.uuid), serviceofferingid=str(large.uuid))
    ask("scaleSystemVm", id=str(vm.uuid), serviceofferingid=str(large.uuid))
    assert power(vm) == "PowerOn"
    assert (vm.vcpus, vm.memory_mb) == (2, 2048)
    assert recount_hosts() == 0
    tenant = make_service_offering()
    with pytest.raises(InvalidParameter, match="not one for system VMs"):
        ask("scaleSystemVm", id=str(vm.uuid), serviceofferingid=str(tenant.uuid))


def test_a_start_that_fails_leaves_it_stopped_and_is_tried_again_later(cluster, world):
    world.faults.fail("domain.start", p.OperationFailed("no luck"), times=2)
    system_vms.ensure()
    run_everything()
    assert {vm.state for vm in SystemVm.objects.all()} == {"Stopped"}
    assert HostCapacity.objects.get().cores_used == 0
    assert system_vms.ensure() == 0
    AsyncJob.objects.update(completed=timezone.now() - timedelta(minutes=5))
    assert system_vms.ensure() == 2
    run_everything()
    assert {vm.state for vm in SystemVm.objects.all()} == {"Running"}


def test_a_host_that_goes_into_maintenance_sends_them_away(both, cluster):
    host = both[0].host
    ask("prepareHostForMaintenance", id=str(host.uuid))
    host.refresh_from_db()
    assert host.resource_state == "Maintenance"
    make_host(cluster)
    assert system_vms.ensure() == 2
    run_everything()
    assert {power(vm) for vm in both} == {"PowerOn"}


def test_what_got_stuck_is_begun_again(both):
    SystemVm.objects.update(state="Starting", state_at=timezone.now() - timedelta(hours=1))
    assert system_vms.ensure() == 2
    run_everything()
    assert {power(vm) for vm in both} == {"PowerOn"}


@pytest.mark.parametrize("name, count", [("{}", 1), ("x-1-VM", 0), ("v-x-VM", 0), ("s-9-VM", 0)])
def test_they_are_found_by_name(both, name, count):
    found = ask("listSystemVms", name=name.format(both[0].name))
    assert found.count == count


def test_zones_without_simulated_hosts_list_none(world, offerings):
    make_host(make_cluster(zone=make_zone(), hypervisor="KVM"))
    system_vms.ensure()
    assert ask("listSystemVms").count == 0
