"""Machines going away: to the bin, and out of it for good."""

from __future__ import annotations

from contextlib import suppress

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from agent import protocol as p
from compute import spec
from compute.jobs.power import return_to_running, shut_down
from compute.jobs.rows import fresh
from compute.models import MachineRules, Nic, VirtualMachine, VolumeAttachment
from compute.services import holdings, nics
from compute.states import VmEvent, VmState
from core import presence
from core.steps import Run, Step, plan
from infra import agents
from infra.models import Host
from jobs.troubles import close_troubles
from network.models import Network, Router
from network.services import routers
from storage.models import Volume
from storage.services import disks, volumes


@plan(cancellable=False)
def destroy_vm(
    vm: VirtualMachine, *, forced: bool, timeout_s: int, expunge: bool, with_volumes: list[Volume]
) -> list[Step]:
    off = Step(shut_down, undo=return_to_running, label="Shut the guest down")
    if expunge:
        return [off, *_expunge_steps()]
    return [off, Step(put_in_bin, label="Put the machine in the bin")]


@plan(cancellable=False)
def expunge_vm(vm: VirtualMachine) -> list[Step]:
    return _expunge_steps()


def _expunge_steps() -> list[Step]:
    return [
        Step(delete_disks, label="Delete the disks", patience_s=300),
        Step(forget_machine, label="Give addresses and quota back"),
    ]


def put_in_bin(vm: VirtualMachine, with_volumes: list[Volume]) -> None:
    """Stopped → Destroyed; data disks named with it go the same way."""
    with transaction.atomic():
        vm = fresh(vm)
        if vm.state == VmState.STOPPED:
            to_bin(vm)
        for attachment in VolumeAttachment.objects.filter(
            machine=vm, volume__in=with_volumes
        ).select_related("volume"):
            attachment.delete()
            volumes.mark_destroyed(attachment.volume)


def to_bin(vm: VirtualMachine) -> None:
    """Stopped → Destroyed, in the caller's transaction. It counts nothing from here on."""
    vm.apply(VmEvent.DESTROY, destroyed_at=timezone.now())
    holdings.give_quota_back(vm)


def delete_disks(run: Run, vm: VirtualMachine, with_volumes: list[Volume] = ()) -> None:
    """The root disk, and data disks that were to go too; the others stay, for another machine."""
    vm = _out_of_the_bin(vm)
    if not (run.results.get("shut_down") or {}).get("is_off_host"):
        _forget_definition(run, vm)
    named = {v.pk for v in with_volumes}
    for attachment in spec.attachments_of(vm):
        if attachment.device_id == spec.ROOT_DEVICE or attachment.volume_id in named:
            disks.expunge(run, attachment.volume)


def _out_of_the_bin(vm: VirtualMachine) -> VirtualMachine:
    """One that was stopped to go for good is in the bin no longer than this transaction."""
    with transaction.atomic():
        vm = fresh(vm)
        if vm.state == VmState.STOPPED:
            to_bin(vm)
        if vm.state == VmState.DESTROYED:
            vm.apply(VmEvent.EXPUNGE)
    return vm


def _forget_definition(run: Run, vm: VirtualMachine) -> None:
    """A guest that went down by itself may have left it; a stop of ours has taken it along."""
    if vm.last_host is not None and vm.last_host.status == "Up":
        agents.call(vm.last_host, "domain.remove", p.RemoveDomain(str(vm.uuid)), run)


def forget_machine(run: Run, vm: VirtualMachine) -> None:
    """Nothing is held any more, and its networks know; the row stays, removed, for history."""
    with transaction.atomic():
        now = fresh(vm)
        if not now.removed:
            _let_go(now)
    _tidy_networks(run, vm)


def _let_go(vm: VirtualMachine) -> None:
    VolumeAttachment.objects.filter(machine=vm).delete()
    nics.unplug_all(vm)
    if vm.counted:
        holdings.give_quota_back(vm)
    for rows in _beside(vm):
        rows.delete()
    close_troubles(vm)
    vm.remove(user_data="", encrypted_password="", sealed_password="", iso=None)


def _beside(vm: VirtualMachine) -> list[QuerySet]:
    """What says something of the machine: groups it is in, its keys, the state of its rules."""
    models = [
        (vm.affinity_groups.through, "virtualmachine"),
        (vm.security_groups.through, "virtualmachine"),
        (vm.key_pairs.through, "virtualmachine"),
        (MachineRules, "machine"),
    ]
    there = presence.present(*((model, {name: vm.pk}) for model, name in models))
    pairs = zip(models, there, strict=True)
    return [m._base_manager.filter(**{name: vm}) for (m, name), found in pairs if found]


def _tidy_networks(run: Run, vm: VirtualMachine) -> None:
    """Its routers forget it now rather than at their next change; a host that cannot be
    reached learns of it then. Networks of a closed account wait for that, or go themselves:
    of a thousand machines each would tell its router of all the others."""
    left = Nic.everything.filter(machine=vm).values("network")
    there = Network.objects.filter(pk__in=left).exclude(account__state="disabled")
    for network in there.select_related("offering", "zone"):
        router = Router.objects.filter(network=network).select_related("host").first()
        if router is not None and router.host is not None and router.host.status == "Up":
            with suppress(p.AgentError):
                routers.apply(run, network, router.host)


@plan(cancellable=False)
def clean_host(vm: VirtualMachine, *, host: Host) -> list[Step]:
    return [Step(take_domain_away, label="Take the leftover off the host")]


def take_domain_away(run: Run, vm: VirtualMachine, host: Host) -> None:
    """Unless the machine is meant to be there by now."""
    vm = fresh(vm)
    if vm.host_id != host.pk:
        agents.call(host, "domain.remove", p.RemoveDomain(str(vm.uuid)), run)


@plan(cancellable=False)
def remove_stranger(host: Host, *, uuid: str) -> list[Step]:
    return [Step(take_stranger_away, label="Take the unknown domain off the host")]


def take_stranger_away(run: Run, host: Host, uuid: str) -> None:
    """Unless a machine of this identity came to be meanwhile."""
    if not VirtualMachine.objects.filter(uuid=uuid, host=host).exists():
        agents.call(host, "domain.remove", p.RemoveDomain(uuid), run)
