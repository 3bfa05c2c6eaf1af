"""Disks, discs and NICs in machines."""

import pytest

from agent import protocol
from compute.models import VolumeAttachment
from core.errors import InUse, InvalidParameter, NotAllowedInState
from core.units import GIB
from jobs.models import JobStatus
from jobs.worker import run_everything
from storage.models import Snapshot, Template, Volume
from tests.factories import (
    admin_caller,
    make_account,
    make_cloud,
    make_disk_offering,
    make_iso,
    make_network,
    make_os_type,
    make_pool,
    make_vm,
    make_volume,
    put_image,
    put_machine,
)
from tests.unit.compute.asking import ask, done
from tests.unit.compute.books import assert_balanced

pytestmark = pytest.mark.django_db


@pytest.fixture
def machine(world, account, cloud):
    return lambda state="Running", **more: make_vm(
        state, account=account, cloud=cloud, world=world, **more
    )


def spec_of(world, vm):
    return world.domain(str(vm.host.uuid), str(vm.uuid)).spec


def test_a_new_disk_is_made_near_a_running_machine(world, caller, account, machine, cloud):
    vm = machine()
    volume = done(ask(caller, "createVolume", name="d", zoneid=cloud.zone,
                      diskofferingid=make_disk_offering()))  # fmt: skip
    assert (volume.state, volume.pool) == ("Allocated", None)
    done(ask(caller, "attachVolume", id=volume, virtualmachineid=vm))
    volume.refresh_from_db()
    assert (volume.state, volume.pool) == ("Ready", cloud.pool)
    assert [d.device_id for d in spec_of(world, vm).disks] == [0, 1]
    assert_balanced(world)
    done(ask(caller, "detachVolume", virtualmachineid=vm, deviceid=1))
    assert [d.device_id for d in spec_of(world, vm).disks] == [0]
    assert_balanced(world)


def test_a_disk_of_a_stopped_machine_is_made_at_its_start(world, caller, account, machine, cloud):
    vm = machine("Stopped")
    volume = make_volume(account, zone=cloud.zone)
    done(ask(caller, "attachVolume", id=volume, virtualmachineid=vm, deviceid=5))
    volume.refresh_from_db()
    assert volume.state == "Allocated"
    done(ask(caller, "startVirtualMachine", id=vm))
    vm.refresh_from_db()
    assert [d.device_id for d in spec_of(world, vm).disks] == [0, 5]
    assert_balanced(world)


def test_of_two_machines_one_gets_the_disk(caller, account, machine, cloud):
    volume = make_volume(account, pool=cloud.pool)
    first, second = machine("Stopped"), machine("Stopped")
    ask(caller, "attachVolume", id=volume, virtualmachineid=first)
    with pytest.raises((InvalidParameter, NotAllowedInState)):
        ask(caller, "attachVolume", id=volume, virtualmachineid=second)
    run_everything()
    assert VolumeAttachment.objects.get(volume=volume).machine == first


def test_what_cannot_be_attached(caller, account, machine, cloud):
    vm = machine("Stopped")
    other = make_cloud()
    cases = {
        "different accounts": make_volume(make_account(), pool=cloud.pool),
        "is in zone": make_volume(account, pool=other.pool),
    }
    for words, volume in cases.items():
        with pytest.raises(InvalidParameter, match=words):
            ask(admin_caller(), "attachVolume", id=volume, virtualmachineid=vm)
    mine = make_volume(account, pool=cloud.pool)
    for device, words in ((3, "CD drive"), (0, "root disk already|Stop")):
        with pytest.raises((InvalidParameter, NotAllowedInState), match=words):
            ask(caller, "attachVolume", id=mine, virtualmachineid=vm, deviceid=device)
    assert VolumeAttachment.objects.count() == 1


def test_local_disks_of_two_hosts_do_not_come_together(caller, account, world):
    cloud = make_cloud(2, shared=False, world=world)
    vm = make_vm("Stopped", account=account, cloud=cloud)
    far = make_volume(account, pool=cloud.pools[1])
    with pytest.raises(InvalidParameter, match="No host reaches both"):
        ask(caller, "attachVolume", id=far, virtualmachineid=vm)
    running = make_vm("Running", account=account, cloud=cloud)
    with pytest.raises(InvalidParameter, match="does not reach"):
        ask(caller, "attachVolume", id=far, virtualmachineid=running)


def test_a_guest_that_holds_on_keeps_its_disk(world, caller, account, machine, cloud):
    vm = machine()
    volume = make_volume(account, pool=cloud.pool)
    VolumeAttachment.objects.create(machine=vm, volume=volume, device_id=1)
    put_machine(world, vm)
    world.deaf_guests.add(str(vm.uuid))
    outcome = ask(caller, "detachVolume", id=volume)
    run_everything()
    outcome.job.refresh_from_db()
    assert outcome.job.status == JobStatus.FAILED
    assert "did not release" in outcome.job.error_text
    assert_balanced(world)


def test_an_attached_volume_cannot_be_deleted(caller, machine):
    root = machine("Stopped").attachments.get().volume
    with pytest.raises(InUse):
        ask(caller, "deleteVolume", id=root)
    root.refresh_from_db()
    assert root.state == "Ready"


def test_a_root_disk_comes_off_and_on_while_stopped(world, caller, machine):
    vm = machine()
    root = vm.attachments.get().volume
    with pytest.raises(NotAllowedInState, match="Stop"):
        ask(caller, "detachVolume", id=root)
    done(ask(caller, "stopVirtualMachine", id=vm))
    done(ask(caller, "detachVolume", id=root))
    with pytest.raises(InvalidParameter, match="no root disk"):
        ask(caller, "startVirtualMachine", id=vm)
    done(ask(caller, "attachVolume", id=root, virtualmachineid=vm, deviceid=0))
    assert done(ask(caller, "startVirtualMachine", id=vm)).state == "Running"


def test_a_running_guest_sees_its_disk_grow(world, caller, machine):
    vm = machine()
    root = vm.attachments.get().volume
    done(ask(caller, "resizeVolume", id=root, size=9))
    root.refresh_from_db()
    assert root.size_bytes == 9 * GIB
    with pytest.raises(InvalidParameter, match="shrink"):
        ask(caller, "resizeVolume", id=root, size=6, shrinkok="true")
    assert_balanced(world)


def test_a_snapshot_of_a_running_machine_and_what_comes_of_it(world, caller, machine, cloud):
    vm = machine()
    root = vm.attachments.get().volume
    snapshot = done(ask(caller, "createSnapshot", volumeid=root, name="s",
                        **{"tags[0].key": "k"}))  # fmt: skip
    assert (snapshot.state, snapshot.name) == ("BackedUp", "s")
    with pytest.raises(NotAllowedInState, match="stop it"):
        ask(caller, "revertSnapshot", id=snapshot)
    copy = done(ask(caller, "createVolume", name="c", snapshotid=snapshot, virtualmachineid=vm))
    assert copy.attachment.machine == vm
    assert copy.size_bytes == root.size_bytes
    template = done(ask(caller, "createTemplate", name="t", snapshotid=snapshot,
                        ostypeid=make_os_type()))  # fmt: skip
    assert (template.hypervisor, template.account) == ("Simulator", vm.account)
    assert Template.objects.filter(pk=template.pk).ready(cloud.zone).exists()
    assert_balanced(world)
    done(ask(caller, "stopVirtualMachine", id=vm))
    done(ask(caller, "revertSnapshot", id=snapshot))
    assert Snapshot.objects.get().state == "BackedUp"
    assert_balanced(world)


def test_a_template_of_a_volume_needs_its_machine_off(world, caller, machine):
    vm = machine()
    root = vm.attachments.get().volume
    with pytest.raises(NotAllowedInState, match="stop it"):
        ask(caller, "createTemplate", name="t", volumeid=root, ostypeid=make_os_type())
    done(ask(caller, "stopVirtualMachine", id=vm))
    done(ask(caller, "createTemplate", name="t", volumeid=root, ostypeid=make_os_type()))
    root.refresh_from_db()
    assert root.state == "Ready"


def test_discs_go_in_and_out(world, caller, account, machine, cloud):
    vm = machine()
    isos = [make_iso(account, store=cloud.store) for _ in range(2)]
    for iso in isos:
        put_image(world, iso)
    with pytest.raises(InvalidParameter, match="no ISO"):
        ask(caller, "detachIso", virtualmachineid=vm)
    done(ask(caller, "attachIso", id=isos[0], virtualmachineid=vm))
    assert spec_of(world, vm).cdrom.source is not None
    with pytest.raises(InvalidParameter, match="detach it first"):
        ask(caller, "attachIso", id=isos[1], virtualmachineid=vm)
    done(ask(caller, "attachIso", id=isos[1], virtualmachineid=vm, forced="true"))
    done(ask(caller, "detachIso", virtualmachineid=vm))
    assert spec_of(world, vm).cdrom.source is None
    with pytest.raises(InvalidParameter, match="not an ISO"):
        ask(caller, "attachIso", id=cloud.template, virtualmachineid=vm)


# -- NICs --------------------------------------------------------------------------------------


def test_nics_come_and_go(world, caller, account, machine, cloud):
    vm = machine()
    more = make_network(account, zone=cloud.zone)
    outcome = ask(caller, "addNicToVirtualMachine", virtualmachineid=vm, networkid=more,
                  ipaddress="10.1.1.50")  # fmt: skip
    done(outcome)
    nic = vm.nics.get(network=more)
    assert (nic.device_id, nic.is_default, nic.address.ip4) == (1, None, "10.1.1.50")
    assert nic.address.mac in {n.mac for n in spec_of(world, vm).nics}
    with pytest.raises(InvalidParameter, match="twice"):
        ask(caller, "addNicToVirtualMachine", virtualmachineid=vm, networkid=more)
    default = vm.nics.get(is_default=True)
    with pytest.raises(InvalidParameter, match="default"):
        ask(caller, "removeNicFromVirtualMachine", virtualmachineid=vm, nicid=default)
    done(ask(caller, "updateDefaultNicForVirtualMachine", virtualmachineid=vm, nicid=nic))
    done(ask(caller, "removeNicFromVirtualMachine", virtualmachineid=vm, nicid=default))
    assert [n.network for n in vm.nics.filter(removed=None)] == [more]
    assert_balanced(world)


def test_a_nic_of_another_machine_is_not_pulled(caller, machine):
    first, second = machine("Stopped"), machine("Stopped")
    with pytest.raises(InvalidParameter, match="not one of"):
        ask(caller, "removeNicFromVirtualMachine", virtualmachineid=first, nicid=second.nics.get())


def test_an_address_is_changed_while_stopped(world, caller, machine):
    vm = machine("Stopped")
    nic = vm.nics.get()
    done(ask(caller, "updateVmNicIp", nicid=nic, ipaddress="10.1.1.99"))
    nic.address.refresh_from_db()
    assert nic.address.ip4 == "10.1.1.99"
    with pytest.raises(InvalidParameter, match="not an address of"):
        ask(caller, "updateVmNicIp", nicid=nic, ipaddress="10.9.9.9")


def test_a_shared_network_of_another_account_is_plugged_into(world, caller, machine, cloud):
    vm = machine()
    shared = make_network(make_account(), zone=cloud.zone, guest_type="Shared")
    done(ask(caller, "addNicToVirtualMachine", virtualmachineid=vm, networkid=shared))
    assert vm.nics.filter(network=shared).exists()


def test_a_failed_plug_leaves_nothing(world, caller, account, machine, cloud):
    vm = machine()
    network = make_network(account, zone=cloud.zone)
    world.faults.fail("domain.attach_nic", protocol.OperationFailed("no slot"))
    ask(caller, "addNicToVirtualMachine", virtualmachineid=vm, networkid=network)
    run_everything()
    assert vm.nics.filter(removed=None).count() == 1
    assert not network.addresses.exists()
    assert_balanced(world)


def test_a_pool_with_room_near_the_host_is_found(world, caller, account, machine, cloud):
    vm = machine()
    Volume.objects.update(size_bytes=GIB)
    make_pool(cluster=cloud.cluster, tags=["fast"], name="fast")
    volume = make_volume(account, zone=cloud.zone,
                         disk_offering=make_disk_offering(tags=["fast"]))  # fmt: skip
    done(ask(caller, "attachVolume", id=volume, virtualmachineid=vm))
    volume.refresh_from_db()
    assert volume.pool.name == "fast"
