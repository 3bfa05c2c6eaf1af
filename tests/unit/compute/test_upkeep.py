"""What happens by itself."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agent import protocol
from compute.models import VirtualMachine, VmSample
from compute.services import samples, upkeep
from compute.services.recount import recount_hosts
from infra.models import HostCapacity
from infra.services.configuration import set_value
from infra.services.reconciler import COMPARERS, run
from jobs.models import AsyncJob, JobStatus, Trouble
from jobs.troubles import begin_repair
from jobs.worker import run_everything
from tests.factories import admin_caller, make_system_vm, make_vm
from tests.unit.compute.asking import ask
from tests.unit.compute.books import assert_balanced

pytestmark = pytest.mark.django_db


def test_the_bin_is_emptied_after_the_delay(world, cloud):
    old = make_vm("Destroyed", cloud=cloud, world=world)
    young = make_vm("Destroyed", cloud=cloud, world=world)
    now = timezone.now()
    VirtualMachine.objects.filter(pk=old.pk).update(destroyed_at=now - timedelta(seconds=86500))
    VirtualMachine.objects.filter(pk=young.pk).update(destroyed_at=now)
    assert upkeep.expunge_due() == 1
    assert upkeep.expunge_due() == 0  # it is being worked on
    run_everything()
    old.refresh_from_db()
    assert old.removed is not None
    assert VirtualMachine.objects.get() == young
    set_value("expunge.delay", "0")
    assert upkeep.expunge_due() == 1
    run_everything()
    assert_balanced(world)


def test_an_expunge_that_did_not_get_through_is_tried_again(world, cloud):
    vm = make_vm("Destroyed", cloud=cloud, world=world)
    world.faults.fail("volume.delete", protocol.OperationFailed("disk on fire"))
    ask(admin_caller(), "expungeVirtualMachine", id=vm)
    run_everything()
    assert AsyncJob.objects.get().status == JobStatus.FAILED
    vm.refresh_from_db()
    assert vm.state == "Expunging"
    VirtualMachine.objects.update(state_at=timezone.now() - timedelta(seconds=60))
    assert upkeep.expunge_due() == 1
    run_everything()
    assert not VirtualMachine.objects.exists()
    assert_balanced(world)


def test_wrong_sums_of_capacity_are_set_right(world, cloud):
    make_vm("Running", cloud=cloud, world=world)
    HostCapacity.objects.update(cpu_used_mhz=9999, cores_used=77)
    assert recount_hosts() == 1
    assert recount_hosts() == 0
    assert_balanced(world)


def test_what_is_stuck_without_a_job_is_shown_or_freed(world, cloud):
    silent = make_vm("Stopping", cloud=cloud)
    nowhere = make_vm("Stopped", cloud=cloud)
    VirtualMachine.objects.filter(pk=nowhere.pk).update(state="Starting")
    VirtualMachine.objects.update(state_at=timezone.now() - timedelta(seconds=60))
    run(COMPARERS["machines"])
    nowhere.refresh_from_db()
    assert nowhere.state == "Stopped"
    trouble = Trouble.objects.get(closed=None)
    assert trouble.resource_uuid == silent.uuid
    begin_repair(trouble)
    silent.refresh_from_db()
    assert (silent.state, silent.host) == ("Stopped", None)
    run(COMPARERS["machines"])
    assert not Trouble.objects.filter(closed=None).exists()


# -- measurements ----------------------------------------------------------------------------


def stats(vm, cpu_s, **more):
    domain = protocol.DomainStats(cpu_time_ns=int(cpu_s * 1e9), vcpus=1, memory_kb=1000, **more)
    return protocol.HostStats(domains={str(vm.uuid): domain})


def test_measurements_become_rates(world, cloud):
    vm = make_vm("Running", cloud=cloud)
    at = timezone.now()
    samples.keep(cloud.host, stats(vm, 10), at)
    samples.keep(cloud.host, stats(vm, 11), at + timedelta(seconds=5))  # too soon: not kept
    samples.keep(cloud.host, stats(vm, 25), at + timedelta(seconds=60))
    samples.keep(cloud.host, stats(vm, 1), at + timedelta(seconds=120))  # it was restarted
    assert [round(s.cpu_percent) for s in VmSample.objects.order_by("at")] == [0, 25, 0]
    records = ask(admin_caller(), "listVirtualMachinesUsageHistory", id=vm).records
    assert [len(r["stats"]) for r in records] == [3]
    listed = ask(admin_caller(), "listVirtualMachinesMetrics", listall=True).records
    assert listed[0]["memorykbs"] == 1000


def test_system_vms_are_measured_too(world, cloud):
    guest = make_vm("Running", cloud=cloud)
    proxy = make_system_vm(cloud.zone, host=cloud.host)
    at = timezone.now()
    for cpu_s, seconds in ((5, 0), (35, 60)):
        both = {**stats(guest, cpu_s).domains, **stats(proxy, cpu_s, disk_read_ops=3).domains}
        moment = at + timedelta(seconds=seconds)
        samples.keep(cloud.host, protocol.HostStats(domains=both), moment)
    assert VmSample.objects.count() == 2
    (shown,) = ask(admin_caller(), "listSystemVmsUsageHistory", name=proxy.name).records
    assert shown["id"] == proxy.uuid
    assert [point["cpuused"] for point in shown["stats"]] == ["0.00%", "50.00%"]
    assert shown["stats"][-1]["diskioread"] == 3
    later = {"id": proxy, "startdate": at + timedelta(seconds=30)}
    (shown,) = ask(admin_caller(), "listSystemVmsUsageHistory", **later).records
    assert len(shown["stats"]) == 1
    assert not ask(admin_caller(), "listSystemVmsUsageHistory", name="s-0-VM").records


def test_old_measurements_are_forgotten(cloud):
    vm = make_vm("Running", cloud=cloud)
    VmSample.objects.create(machine=vm, at=timezone.now() - timedelta(minutes=721))
    VmSample.objects.create(machine=vm, at=timezone.now())
    assert samples.forget_old() == 1
