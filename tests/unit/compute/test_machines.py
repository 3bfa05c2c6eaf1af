"""Machines through their life."""

import pytest

from accounts.models import ResourceCount
from accounts.resources import Resource
from accounts.services import limits
from agent import protocol
from compute.models import Nic, VirtualMachine, VolumeAttachment
from core.errors import (
    InsufficientCapacity,
    InUse,
    InvalidParameter,
    LimitExceeded,
    NotAllowedInState,
    PermissionDenied,
)
from infra.models import HostCapacity
from infra.services.configuration import set_value
from jobs.models import JobStatus
from jobs.worker import run_everything
from storage.models import Volume
from tests.factories import (
    admin_caller,
    make_cloud,
    make_instance_group,
    make_service_offering,
    make_template,
    make_vm,
    make_volume,
    put_image,
    put_machine,
)
from tests.unit.compute.asking import ask, deploy, done
from tests.unit.compute.books import assert_balanced

pytestmark = pytest.mark.django_db

STATES = ("Starting", "Running", "Stopping", "Stopped", "Destroyed", "Error", "Expunging")


@pytest.fixture
def machine(world, account, cloud):
    return lambda state="Running", **more: make_vm(
        state, account=account, cloud=cloud, world=world, **more
    )


@pytest.mark.parametrize(
    "command, allowed",
    [
        ("startVirtualMachine", {"Stopped"}),
        ("stopVirtualMachine", {"Running"}),
        ("rebootVirtualMachine", {"Running"}),
        ("destroyVirtualMachine", {"Running", "Stopped", "Error"}),
        ("recoverVirtualMachine", {"Destroyed"}),
        ("expungeVirtualMachine", {"Destroyed", "Error"}),
        ("restoreVirtualMachine", {"Stopped"}),
        ("resetPasswordForVirtualMachine", {"Stopped"}),
    ],
)
def test_each_command_is_for_its_states_only(world, account, command, allowed):
    cloud = make_cloud(world=world, password_enabled=True)
    key = "virtualmachineid" if command == "restoreVirtualMachine" else "id"
    for state in STATES:
        vm = make_vm(state, account=account, cloud=cloud, world=world)
        if state in allowed:
            ask(admin_caller(), command, **{key: vm})
        else:
            with pytest.raises(NotAllowedInState, match=state):
                ask(admin_caller(), command, **{key: vm})
            vm.refresh_from_db()
            assert vm.state == state


def test_the_second_of_two_stops_is_refused(caller, machine):
    vm = machine()
    ask(caller, "stopVirtualMachine", id=vm)
    with pytest.raises(NotAllowedInState, match="Stopping"):
        ask(caller, "stopVirtualMachine", id=vm)


def test_a_guest_that_ignores_the_button_runs_on_unless_forced(world, caller, machine):
    vm = machine()
    world.deaf_guests.add(str(vm.uuid))
    outcome = ask(caller, "stopVirtualMachine", id=vm)
    run_everything()
    outcome.job.refresh_from_db()
    assert outcome.job.status == JobStatus.FAILED
    assert "did not shut down" in outcome.job.error_text
    vm.refresh_from_db()
    assert vm.state == "Running"
    assert_balanced(world)
    assert done(ask(caller, "stopVirtualMachine", id=vm, forced="true")).state == "Stopped"
    assert_balanced(world)


def test_a_forced_stop_passes_a_host_that_is_down(world, caller, machine, cloud):
    vm = machine()
    cloud.host.move("HostDown", "gone")
    outcome = ask(caller, "stopVirtualMachine", id=vm, forced="true")
    assert done(outcome).state == "Stopped"
    assert HostCapacity.objects.get().memory_used_mb == 0


def test_the_bin_gives_quota_back_and_recovery_takes_it_again(world, caller, account, machine):
    vm = machine()

    def used():
        return ResourceCount.objects.get(account=account, resource=Resource.INSTANCE).used

    assert used() == 1
    assert done(ask(caller, "destroyVirtualMachine", id=vm)).state == "Destroyed"
    assert used() == 0
    limits.set_limit(account, Resource.INSTANCE, 0)
    with pytest.raises(LimitExceeded):
        ask(admin_caller(), "recoverVirtualMachine", id=vm)
    vm.refresh_from_db()
    assert vm.state == "Destroyed"
    limits.set_limit(account, Resource.INSTANCE, 5)
    with pytest.raises(PermissionDenied):
        ask(caller, "recoverVirtualMachine", id=vm)
    set_value("allow.user.expunge.recover.vm", "true")
    assert ask(caller, "recoverVirtualMachine", id=vm).value.state == "Stopped"
    assert used() == 1
    assert_balanced(world)


def test_users_may_not_expunge_unless_allowed(caller, machine):
    vm = machine("Stopped")
    with pytest.raises(PermissionDenied):
        ask(caller, "destroyVirtualMachine", id=vm, expunge="true")
    vm.refresh_from_db()
    assert vm.state == "Stopped"


def test_expunging_leaves_nothing_but_data_disks(world, caller, machine, account, cloud):
    vm = machine()
    data = make_volume(account, pool=cloud.pool, name="data")
    VolumeAttachment.objects.create(machine=vm, volume=data, device_id=1)
    put_machine(world, vm)
    ask(caller, "createTags", resourceids=vm, resourcetype="UserVm", **{"tags[0].key": "k"})
    run_everything()
    done(ask(admin_caller(), "destroyVirtualMachine", id=vm, expunge="true"))
    assert not VirtualMachine.objects.exists()
    assert not Nic.objects.exists()
    assert list(Volume.objects.values_list("name", "state")) == [("data", "Ready")]
    assert ask(caller, "listTags").records == []
    assert_balanced(world)
    # Its id is known, and it is not there any more.
    assert ask(admin_caller(), "listVirtualMachines", id=vm).records == []


def test_named_data_disks_go_with_it(world, caller, machine, account, cloud):
    vm = machine("Stopped")
    data, loose = (make_volume(account, pool=cloud.pool) for _ in range(2))
    VolumeAttachment.objects.create(machine=vm, volume=data, device_id=1)
    with pytest.raises(InvalidParameter, match="not a data disk"):
        ask(caller, "destroyVirtualMachine", id=vm, volumeids=[data, loose])
    done(ask(caller, "destroyVirtualMachine", id=vm, volumeids=data))
    data.refresh_from_db()
    assert data.state == "Destroy"
    assert [a.device_id for a in vm.attachments.all()] == [0]


def test_a_protected_machine_cannot_be_destroyed(caller, machine):
    vm = machine()
    ask(caller, "updateVirtualMachine", id=vm, deleteprotection="true")
    with pytest.raises(InvalidParameter, match="protected"):
        ask(caller, "destroyVirtualMachine", id=vm)
    ask(caller, "updateVirtualMachine", id=vm, deleteprotection="false")
    done(ask(caller, "destroyVirtualMachine", id=vm))


def test_a_machine_cannot_start_while_a_disk_is_busy(caller, machine):
    vm = machine("Stopped")
    Volume.objects.update(state="Snapshotting")
    with pytest.raises(NotAllowedInState, match="Snapshotting"):
        ask(caller, "startVirtualMachine", id=vm)
    vm.refresh_from_db()
    assert vm.state == "Stopped"


def test_what_is_renamed_is_known_by_its_new_name(world, caller, machine, account, cloud):
    network = cloud.network(account)
    vm, other = machine("Stopped", network=network), machine("Stopped", network=network)
    with pytest.raises(InvalidParameter, match="known as"):
        ask(caller, "updateVirtualMachine", id=vm, name=other.name)
    ask(caller, "updateVirtualMachine", id=vm, name="Neu 1", displayname="新的", group="g")
    vm.refresh_from_db()
    assert (vm.name, vm.hostname, vm.display_name) == ("Neu 1", "neu-1", "新的")
    assert vm.group.name == "g"
    nic = vm.nics.get()
    assert (nic.hostname, nic.address.hostname) == ("neu-1", "neu-1")
    ask(caller, "updateVirtualMachine", id=vm, group="")
    vm.refresh_from_db()
    assert vm.group is None


def test_details_are_replaced_and_cleaned(caller, machine):
    vm = machine("Stopped")
    ask(caller, "updateVirtualMachine", id=vm, **{"details[0].note": "x"})
    vm.refresh_from_db()
    assert vm.details == {"note": "x"}
    with pytest.raises(InvalidParameter, match="extraconfig"):
        ask(caller, "updateVirtualMachine", id=vm, **{"details[0].ExtraConfig-1": "<x/>"})
    ask(caller, "updateVirtualMachine", id=vm, cleanupdetails="true")
    vm.refresh_from_db()
    assert vm.details == {}


def test_deleting_a_group_keeps_its_machines(caller, machine, account):
    vm = machine("Stopped", group=make_instance_group(account))
    ask(caller, "deleteInstanceGroup", id=vm.group)
    vm.refresh_from_db()
    assert vm.group is None


# -- scaling -----------------------------------------------------------------------------------


def test_a_stopped_machine_is_scaled(world, caller, account, machine):
    vm = machine("Stopped")
    large = make_service_offering(cpu_number=2, memory_mb=2048)
    assert done(ask(caller, "scaleVirtualMachine", id=vm, serviceofferingid=large)) == vm
    vm.refresh_from_db()
    assert (vm.vcpus, vm.memory_mb, vm.service_offering) == (2, 2048, large)
    assert ResourceCount.objects.get(account=account, resource=Resource.MEMORY).used == 2048
    assert done(ask(caller, "startVirtualMachine", id=vm)).state == "Running"
    assert_balanced(world)
    with pytest.raises(NotAllowedInState, match="Running"):
        ask(caller, "changeServiceForVirtualMachine", id=vm, serviceofferingid=large)


def test_scaling_stays_within_limits_and_storage(caller, account, machine):
    vm = machine("Stopped")
    limits.set_limit(account, Resource.MEMORY, 600)
    large = make_service_offering(memory_mb=4096)
    with pytest.raises(LimitExceeded):
        ask(caller, "changeServiceForVirtualMachine", id=vm, serviceofferingid=large)
    fast = make_service_offering(storage_tags=["fast"])
    with pytest.raises(InvalidParameter, match="storage tag fast"):
        ask(caller, "changeServiceForVirtualMachine", id=vm, serviceofferingid=fast)
    vm.refresh_from_db()
    assert vm.memory_mb == 512


# -- fresh root disks ---------------------------------------------------------------------------


def test_a_machine_begins_anew(world, caller, machine, cloud):
    vm = machine("Stopped")
    old = vm.attachments.get().volume
    other = make_template(store=cloud.store, is_public=True, size_bytes=3 * 2**30)
    put_image(world, other)
    vm = done(ask(caller, "restoreVirtualMachine", virtualmachineid=vm, templateid=other))
    assert (vm.state, vm.template) == ("Stopped", other)
    root = vm.attachments.get().volume
    assert root != old
    assert (root.type, root.template, root.state) == ("ROOT", other, "Ready")
    old.refresh_from_db()
    assert old.state == "Destroy"
    assert done(ask(caller, "startVirtualMachine", id=vm)).state == "Running"
    assert_balanced(world)


# -- hosts that are to be worked on --------------------------------------------------------------


def test_a_host_rests_only_when_nothing_runs_on_it(world, caller, account):
    cloud = make_cloud(2, world=world)
    admin = admin_caller()
    vm = make_vm("Running", account=account, cloud=cloud, world=world)
    with pytest.raises(InUse) as refused:
        ask(admin, "prepareHostForMaintenance", id=cloud.host)
    way = refused.value.details["machine"][0]
    assert (way["name"], way["canmove"], way["host"]) == (vm.name, True, [cloud.hosts[1].name])
    done(ask(caller, "stopVirtualMachine", id=vm))
    assert done(ask(admin, "prepareHostForMaintenance", id=cloud.host)).resource_state == (
        "Maintenance"
    )
    assert done(ask(caller, "startVirtualMachine", id=vm)).host == cloud.hosts[1]
    done(ask(admin, "cancelHostMaintenance", id=cloud.host))
    cloud.host.refresh_from_db()
    assert cloud.host.resource_state == "Enabled"


def test_a_start_that_finds_no_place_leaves_the_machine_stopped(world, caller, machine):
    vm = machine("Stopped")
    HostCapacity.objects.update(memory_used_mb=65536)
    with pytest.raises(InsufficientCapacity):
        ask(caller, "startVirtualMachine", id=vm)
    vm.refresh_from_db()
    assert (vm.state, vm.host) == ("Stopped", None)


def test_a_start_that_fails_on_the_host_leaves_the_machine_stopped(world, caller, machine):
    vm = machine("Stopped")
    world.faults.fail("domain.start", protocol.OperationFailed("no"))
    outcome = ask(caller, "startVirtualMachine", id=vm)
    run_everything()
    outcome.job.refresh_from_db()
    assert outcome.job.status == JobStatus.FAILED
    vm.refresh_from_db()
    assert (vm.state, vm.host) == ("Stopped", None)
    assert_balanced(world)


def test_a_reset_password_is_shown_and_set_at_the_next_start(world, caller):
    cloud = make_cloud(world=world, password_enabled=True)
    vm = done(deploy(caller, cloud, startvm="false"))
    before = vm.sealed_password
    done(ask(caller, "resetPasswordForVirtualMachine", id=vm))
    vm.refresh_from_db()
    assert vm.sealed_password not in ("", before)
    done(ask(caller, "startVirtualMachine", id=vm))
    vm.refresh_from_db()
    assert vm.sealed_password == ""
