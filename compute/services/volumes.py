"""Volumes in machines: attached, detached, and what is done to a disk that a guest uses."""

from __future__ import annotations

from accounts.caller import Caller
from compute import jobs
from compute.models import VirtualMachine, VolumeAttachment
from compute.placement import pools
from compute.services.disks import free_device
from compute.spec import ROOT_DEVICE
from compute.states import VmState
from core import live
from core.errors import InvalidParameter, NotAllowedInState
from core.steps import Plan
from infra.models import Host
from storage.models import DiskOffering, Snapshot, Template, Volume
from storage.services import allocation, snapshots, space
from storage.services import volumes as storage
from storage.services.bases import source_copy
from storage.states import VolumeEvent, Volumes


def attach(volume: Volume, vm: VirtualMachine, device_id: int | None = None) -> Plan:
    """A running guest sees the disk at once. The volume's state and the attachment's row are
    the claim: of two machines one gets it.

    Raises InvalidParameter, NotAllowedInState, InsufficientCapacity.
    """
    if vm.state not in (VmState.RUNNING, VmState.STOPPED):
        raise NotAllowedInState(f"Virtual machine {vm} is {vm.state}; it takes no disks now.")
    _check_together(volume, vm)
    device = _device(volume, vm, device_id)
    if volume.state == Volumes.READY:
        _check_reach(volume, vm)
        volume.apply(VolumeEvent.ATTACH)
    elif volume.state == Volumes.ALLOCATED:
        if vm.host is not None:
            _find_room(volume, vm.host)
    else:
        raise volume.refused(VolumeEvent.ATTACH)
    VolumeAttachment.objects.create(volume=volume, machine=vm, device_id=device)
    live.changed(vm)
    return Plan(jobs.attach_volume, volume, {"vm": vm}, resources=[vm])


def _device(volume: Volume, vm: VirtualMachine, wanted: int | None) -> int:
    if wanted == ROOT_DEVICE:
        if vm.state != VmState.STOPPED:
            raise NotAllowedInState(f"Stop virtual machine {vm} to give it a root disk.")
        if VolumeAttachment.objects.filter(machine=vm, device_id=ROOT_DEVICE).exists():
            raise InvalidParameter(f"Virtual machine {vm} has a root disk already.")
        if volume.type != "ROOT":
            raise InvalidParameter(f"Volume {volume} is a data disk; it cannot be at device 0.")
        return ROOT_DEVICE
    return free_device(vm, wanted)


def _check_together(volume: Volume, vm: VirtualMachine) -> None:
    holder = VolumeAttachment.objects.filter(volume=volume).select_related("machine").first()
    if holder is not None:
        raise InvalidParameter(f"Volume {volume} is attached to {holder.machine} already.")
    if volume.account_id != vm.account_id:
        raise InvalidParameter(
            f"Volume {volume} and virtual machine {vm} belong to different accounts."
        )
    if volume.zone_id != vm.zone_id:
        raise InvalidParameter(f"Volume {volume} is in zone {volume.zone}, {vm} in {vm.zone}.")


def _check_reach(volume: Volume, vm: VirtualMachine) -> None:
    """The host it runs on, or could start on, must reach the volume's pool."""
    pool = volume.pool
    if vm.host is not None:
        if not pools.reaches(vm.host, pool):
            raise InvalidParameter(
                f"Volume {volume} is on storage pool {pool}, which the host of virtual machine "
                f"{vm} does not reach; migrate the volume first."
            )
        return
    placed = VolumeAttachment.objects.filter(machine=vm).exclude(volume__pool=None)
    for attachment in placed.select_related("volume__pool"):
        other = attachment.volume.pool
        if not _share_a_host(pool, other):
            raise InvalidParameter(
                f"No host reaches both storage pool {pool} of volume {volume} and {other}, where "
                f"{attachment.volume} of virtual machine {vm} is; migrate one of them first."
            )


def _share_a_host(one: object, other: object) -> bool:
    if one.host_id and other.host_id:
        return one.host_id == other.host_id
    return None in (one.cluster_id, other.cluster_id) or one.cluster_id == other.cluster_id


def _find_room(volume: Volume, host: Host) -> None:
    offering = volume.disk_offering
    kind = "local" if offering and offering.storage_type == "local" else ""
    tags = offering.tags if offering else ()
    pool = space.choose(volume.zone, host, tags, volume.size_bytes, storage_type=kind)
    allocation.assign(volume, pool)


def attached(
    volume: Volume | None, vm: VirtualMachine | None, device_id: int | None
) -> VolumeAttachment:
    """The attachment named by its volume, or by machine and device. Raises InvalidParameter."""
    rows = VolumeAttachment.objects.select_related("volume", "machine__host")
    if volume is not None:
        found = rows.filter(volume=volume).first()
        if found is None:
            raise InvalidParameter(f"Volume {volume} is not attached to any machine.")
        return found
    if vm is None or device_id is None:
        raise InvalidParameter("Give id, or virtualmachineid and deviceid.")
    found = rows.filter(machine=vm, device_id=device_id).first()
    if found is None:
        raise InvalidParameter(f"Virtual machine {vm} has no disk at device {device_id}.")
    return found


def detach(attachment: VolumeAttachment) -> Plan:
    """A running guest is asked to let go; a root disk comes off a stopped machine only."""
    volume, vm = attachment.volume, attachment.machine
    if vm.state not in (VmState.RUNNING, VmState.STOPPED):
        raise NotAllowedInState(f"Virtual machine {vm} is {vm.state}; it keeps its disks now.")
    if attachment.device_id == ROOT_DEVICE and vm.state != VmState.STOPPED:
        raise NotAllowedInState(f"Stop virtual machine {vm} to take its root disk away.")
    if volume.state not in (Volumes.READY, Volumes.ALLOCATED):
        raise NotAllowedInState(f"Volume {volume} is {volume.state}; it cannot be detached now.")
    return Plan(jobs.detach_volume, volume, {"vm": vm}, resources=[vm])


# -- what a running machine must be told of -------------------------------------------------


def _where(volume: Volume) -> tuple[VirtualMachine | None, dict[str, object]]:
    """The machine that has the volume, and how storage finds the disk in its running guest."""
    rows = VolumeAttachment.objects.select_related("machine__host")
    found = rows.filter(volume=volume).first()
    if found is None:
        return None, {}
    vm = found.machine
    if vm.state not in (VmState.RUNNING, VmState.STOPPED, VmState.DESTROYED, VmState.ERROR):
        raise NotAllowedInState(
            f"Volume {volume} is in virtual machine {vm}, which is {vm.state}; wait for that."
        )
    if vm.state != VmState.RUNNING:
        return vm, {}
    return vm, {"domain_uuid": str(vm.uuid), "device_id": found.device_id, "host": vm.host}


def _holding(plan: Plan, vm: VirtualMachine | None) -> Plan:
    """No other job works on the machine meanwhile."""
    if vm is not None:
        plan.resources = [*plan.resources, vm]
    return plan


def create(
    caller: Caller, volume: Volume, vm: VirtualMachine | None, *, from_snapshot: bool
) -> Plan:
    """The plan behind ``createVolume``: build it, and attach it where a machine is named."""
    if vm is None:
        return storage.create_plan(volume)
    if not from_snapshot:
        return attach(volume, vm)
    if vm.state not in (VmState.RUNNING, VmState.STOPPED):
        raise NotAllowedInState(f"Virtual machine {vm} is {vm.state}; it takes no disks now.")
    _check_together(volume, vm)
    _check_reach(volume, vm)
    VolumeAttachment.objects.create(
        volume=volume, machine=vm, device_id=free_device(vm, None)
    )
    return Plan(jobs.attach_volume, volume, {"vm": vm}, resources=[vm])


def resize(
    volume: Volume, *, size_gb: int | None, offering: DiskOffering | None, shrink_ok: bool
) -> Plan:
    vm, where = _where(volume)
    plan = storage.resize(
        volume, size_gb=size_gb, offering=offering, shrink_ok=shrink_ok, **where
    )
    return _holding(plan, vm)


def snapshot(volume: Volume, *, name: str, quiesce: bool) -> Plan:
    vm, where = _where(volume)
    plan = snapshots.create(
        volume,
        name=name,
        quiesce=quiesce,
        hypervisor=vm.hypervisor if vm else "KVM",
        **where,
    )
    return _holding(plan, vm)


def revert(row: Snapshot) -> Plan:
    """Only while the volume's machine is off."""
    found = VolumeAttachment.objects.filter(volume=row.volume_id).select_related("machine").first()
    vm = found.machine if found else None
    if vm is not None and vm.state not in (VmState.STOPPED, VmState.DESTROYED):
        raise NotAllowedInState(
            f"Virtual machine {vm} is {vm.state}; stop it to bring volume {row.volume} back."
        )
    return _holding(snapshots.revert(row), vm)


# -- discs ---------------------------------------------------------------------------------


def attach_iso(vm: VirtualMachine, iso: Template, *, forced: bool) -> Plan:
    """Lay an ISO in the drive. Raises InvalidParameter when one lies there, unless ``forced``."""
    if not iso.is_iso:
        raise InvalidParameter(f"{iso} is a template, not an ISO.")
    usable = Template.objects.filter(pk=iso.pk).usable_by(Caller(vm.account))
    if not usable.exists():
        raise InvalidParameter(f"Account {vm.account} may not use ISO {iso}.")
    source_copy(iso, vm.zone)
    if vm.iso_id is not None and not forced:
        raise InvalidParameter(f"ISO {vm.iso} is in the drive of {vm}; detach it first.")
    return _change_iso(vm, iso)


def detach_iso(vm: VirtualMachine) -> Plan:
    if vm.iso_id is None:
        raise InvalidParameter(f"There is no ISO in the drive of virtual machine {vm}.")
    return _change_iso(vm, None)


def _change_iso(vm: VirtualMachine, iso: Template | None) -> Plan:
    if vm.state not in (VmState.RUNNING, VmState.STOPPED):
        raise NotAllowedInState(f"Virtual machine {vm} is {vm.state}; its drive is closed now.")
    before = vm.iso
    VirtualMachine.objects.filter(pk=vm.pk).update(iso=iso)
    vm.iso = iso
    live.changed(vm)
    return Plan(jobs.change_iso, vm, {"before": before})
