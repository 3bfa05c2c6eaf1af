"""A machine with a fresh root disk."""

from __future__ import annotations

from django.db import transaction

from compute.jobs.rows import fresh
from compute.models import VirtualMachine, VolumeAttachment
from compute.spec import ROOT_DEVICE
from compute.states import VmEvent, VmState
from core.steps import Run, Step, plan
from storage.models import Volume
from storage.services import allocation, disks, reach, volumes


@plan(cancellable=False)
def reinstall_vm(
    vm: VirtualMachine, *, root: Volume, old: Volume, expunge: bool
) -> list[Step]:
    return [
        Step(build_new_root, undo=keep_old_root, label="Create the new root disk"),
        Step(swap_roots, label="Put it in the place of the old one"),
        Step(delete_old_root, label="Delete the old root disk", patience_s=300),
    ]


def build_new_root(run: Run, root: Volume) -> None:
    root.refresh_from_db()
    disks.create_on_pool(run, root, reach.host_for(root.pool))


def keep_old_root(run: Run, vm: VirtualMachine, root: Volume) -> None:
    disks.delete_file(run, root)
    with transaction.atomic():
        allocation.discard(root)
        vm = fresh(vm)
        if vm.state == VmState.RESTORING:
            vm.apply(VmEvent.FAILED)


def swap_roots(vm: VirtualMachine, root: Volume, old: Volume) -> None:
    """Restoring → Stopped, with the new disk at device 0 and the old one in the bin."""
    with transaction.atomic():
        vm = fresh(vm)
        if vm.state != VmState.RESTORING:
            return
        VolumeAttachment.objects.filter(machine=vm, device_id=ROOT_DEVICE).update(volume=root)
        old.refresh_from_db()
        volumes.mark_destroyed(old)
        vm.apply(VmEvent.REINSTALLED, template=root.template)


def delete_old_root(run: Run, old: Volume, expunge: bool) -> None:
    """In the bin it can be recovered as a data disk; named for expunging it goes now."""
    if expunge:
        disks.expunge(run, old)
