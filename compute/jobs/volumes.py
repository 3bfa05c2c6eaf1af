"""Disks and discs going into machines and out of them."""

from __future__ import annotations

from django.db import transaction

from agent import protocol as p
from compute import spec
from compute.jobs.rows import fresh
from compute.models import VirtualMachine, VolumeAttachment
from compute.states import VmState
from core import live
from core.steps import Run, Step, plan
from infra import agents
from storage.models import Template, Volume
from storage.services import disks
from storage.states import VolumeEvent, Volumes


@plan()
def attach_volume(volume: Volume, *, vm: VirtualMachine) -> list[Step]:
    return [
        Step(make_file, undo=let_go, label="Create the volume's file"),
        Step(show_to_guest, undo=hide_from_guest, label="Attach it to the guest"),
    ]


def make_file(run: Run, volume: Volume, vm: VirtualMachine) -> None:
    """A volume that never had a file gets it on the pool chosen in the request; without one
    (its machine is off) that waits for the machine's next start."""
    volume.refresh_from_db()
    vm = fresh(vm)
    if volume.pool_id is not None and volume.state in (Volumes.ALLOCATED, Volumes.CREATING):
        disks.create_on_pool(run, volume, vm.host)


def show_to_guest(run: Run, volume: Volume, vm: VirtualMachine) -> None:
    """A guest that is off sees it at its next start."""
    vm = fresh(vm)
    attachment = _attachment(volume)
    if vm.state == VmState.RUNNING and attachment is not None:
        wanted = p.AttachDisk(str(vm.uuid), spec.disk(vm, attachment))
        agents.call(vm.host, "domain.attach_disk", wanted, run)
    volume.refresh_from_db()
    if volume.state == Volumes.ATTACHING:
        volume.apply(VolumeEvent.DONE)
    live.changed(vm)


def hide_from_guest(run: Run, volume: Volume, vm: VirtualMachine) -> None:
    vm = fresh(vm)
    attachment = _attachment(volume)
    if vm.state == VmState.RUNNING and attachment is not None and attachment.volume.path:
        wanted = p.DetachDisk(str(vm.uuid), spec.disk(vm, attachment))
        agents.call(vm.host, "domain.detach_disk", wanted, run)


def let_go(run: Run, volume: Volume, vm: VirtualMachine) -> None:
    """Undo of the request: not attached; a file that was made for this is gone again."""
    volume.refresh_from_db()
    if volume.state == Volumes.ATTACHING:
        with transaction.atomic():
            VolumeAttachment.objects.filter(volume=volume, machine=vm).delete()
            volume.apply(VolumeEvent.FAILED)
        return
    if not VolumeAttachment.objects.filter(volume=volume, machine=vm).exists():
        return
    disks.delete_file(run, volume)
    VolumeAttachment.objects.filter(volume=volume, machine=vm).delete()


@plan(cancellable=False)
def detach_volume(volume: Volume, *, vm: VirtualMachine) -> list[Step]:
    return [Step(take_from_guest, undo=give_back_to_guest, label="Detach it from the guest")]


def take_from_guest(run: Run, volume: Volume, vm: VirtualMachine) -> None:
    hide_from_guest(run, volume, vm)
    VolumeAttachment.objects.filter(volume=volume, machine=vm).delete()
    live.changed(volume)


def give_back_to_guest(run: Run, volume: Volume, vm: VirtualMachine) -> None:
    """The guest did not let go in time; if it did after all, it sees the disk again."""
    vm = fresh(vm)
    attachment = _attachment(volume)
    if vm.state == VmState.RUNNING and attachment is not None:
        wanted = p.AttachDisk(str(vm.uuid), spec.disk(vm, attachment))
        agents.call(vm.host, "domain.attach_disk", wanted, run)


def _attachment(volume: Volume) -> VolumeAttachment | None:
    rows = VolumeAttachment.objects.select_related("volume__pool", "volume__disk_offering")
    return rows.filter(volume=volume).first()


@plan(cancellable=False)
def change_iso(vm: VirtualMachine, *, before: Template | None) -> list[Step]:
    return [Step(change_disc, undo=change_disc_back, label="Change the disc in the drive")]


def change_disc(run: Run, vm: VirtualMachine) -> None:
    """What the request put on the row lies in the drive."""
    vm = fresh(vm)
    if vm.state == VmState.RUNNING:
        wanted = p.ChangeCdrom(str(vm.uuid), spec.cdrom(vm, vm.iso))
        agents.call(vm.host, "domain.change_cdrom", wanted, run)


def change_disc_back(run: Run, vm: VirtualMachine, before: Template | None) -> None:
    VirtualMachine.objects.filter(pk=vm.pk).update(iso=before)
    change_disc(run, vm)

