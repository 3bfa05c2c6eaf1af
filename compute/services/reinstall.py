"""A machine begun anew: same name, NICs and size, a fresh root disk."""

from __future__ import annotations

from accounts.caller import Caller
from compute import jobs
from compute.models import VirtualMachine, VolumeAttachment
from compute.services import disks
from compute.spec import ROOT_DEVICE
from compute.states import VmEvent
from core.errors import InvalidParameter, NotAllowedInState
from core.steps import Plan
from storage.models import DiskOffering, Template
from storage.services import allocation
from storage.states import Volumes


def reinstall(
    vm: VirtualMachine,
    *,
    template: Template | None,
    root_offering: DiskOffering | None,
    size_gb: int | None,
    expunge: bool,
) -> Plan:
    """Stopped → Restoring. The new disk comes to the old one's pool, beside it, and takes its
    place when it is whole; a failure leaves the machine as it was.

    Raises InvalidParameter, NotAllowedInState, LimitExceeded, InsufficientCapacity.
    """
    rows = VolumeAttachment.objects.select_related("volume__pool", "volume__disk_offering")
    found = rows.filter(machine=vm, device_id=ROOT_DEVICE).first()
    if found is None:
        raise InvalidParameter(f"Virtual machine {vm} has no root disk to begin anew.")
    old = found.volume
    if old.state != Volumes.READY:
        raise NotAllowedInState(f"The root disk of {vm} is {old.state}; it must be Ready.")
    source = template or vm.template
    _check(vm, source)
    vm.apply(VmEvent.REINSTALL)
    offering = root_offering or old.disk_offering
    wanted_gb = size_gb if size_gb is not None or template is not None else None
    size = disks.root_size(
        source,
        vm.service_offering.root_disk_size_bytes if template else old.size_bytes,
        root_offering,
        wanted_gb,
    )
    vm.template = source
    root = disks.allocate_root(vm, size, offering)
    allocation.assign(root, old.pool)
    arguments = {"root": root, "old": old, "expunge": expunge}
    return Plan(jobs.reinstall_vm, vm, arguments, resources=[root, old])


def _check(vm: VirtualMachine, source: Template | None) -> None:
    if source is None or source.removed:
        raise InvalidParameter(f"The template of virtual machine {vm} is gone; name another.")
    usable = Template.objects.filter(pk=source.pk)
    if not usable.usable_by(Caller(vm.account)).exists():
        raise InvalidParameter(f"Account {vm.account} may not use template {source}.")
    if not usable.ready(vm.zone).exists():
        raise InvalidParameter(f"Template {source} is not ready in zone {vm.zone}.")
    if not source.is_iso and source.hypervisor != vm.hypervisor:
        raise InvalidParameter(
            f"Template {source} is for {source.hypervisor}, virtual machine {vm} for "
            f"{vm.hypervisor}."
        )
