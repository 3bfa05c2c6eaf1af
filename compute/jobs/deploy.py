"""Machines coming up: the first time, and again.

Whatever the request took (quota, room, addresses) is given back by the first step's undo, so
a deployment that fails leaves a row in Error that holds nothing, and a start that fails leaves
the machine as it was before.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from agent import protocol as p
from compute import guestdata, spec
from compute.jobs.rows import fresh
from compute.models import Nic, VirtualMachine, VolumeAttachment
from compute.services import filtering, holdings, nics
from compute.states import Power, VmEvent, VmState
from core import vault
from core.errors import CloudError
from core.steps import Run, Step, plan
from infra import agents
from network.services import guests, routers
from storage.services import allocation, disks
from storage.states import Volumes

_WITHOUT_FILE = (Volumes.ALLOCATED, Volumes.CREATING)


@plan()
def deploy_vm(vm: VirtualMachine, *, start: bool) -> list[Step]:
    if not start:
        return [Step(hand_over, undo=abandon, label="Hand over the stopped machine")]
    return [Step(create_disks, undo=abandon, label="Create the disks"), *_bring_up()]


@plan()
def start_vm(vm: VirtualMachine) -> list[Step]:
    return [Step(create_disks, undo=return_to_stopped, label="Create the disks"), *_bring_up()]


def _bring_up() -> list[Step]:
    return [
        Step(start_guest, undo=remove_guest, label="Start the guest"),
        Step(tell_networks, label="Tell the networks"),
    ]


def hand_over(run: Run, vm: VirtualMachine) -> None:
    """Nothing to build yet; the password is shown now, and set at the first start."""
    vm = fresh(vm)
    if vm.sealed_password:
        run.reply_once("password", vault.unseal(vm.sealed_password))


def create_disks(run: Run, vm: VirtualMachine) -> None:
    """Every disk that has no file yet gets one, the root disk first."""
    vm = fresh(vm)
    for attachment in _disks_of(run, vm):
        if attachment.volume.state in _WITHOUT_FILE:
            disks.create_file(run, attachment.volume, vm.host)


def start_guest(run: Run, vm: VirtualMachine) -> None:
    """The guest runs, plugged into its networks."""
    vm = fresh(vm)
    if vm.state != VmState.STARTING:
        raise CloudError(f"Virtual machine {vm} was found {vm.state} while it was starting.")
    cards = _cards_of(run, vm)
    _prepare_networks(run, vm, cards)
    filtered = any(nic.network.offering.provides("SecurityGroup") for nic in cards)
    version = filtering.wanted_of(vm) if filtered else 0
    wanted = spec.domain(vm, _disks_of(run, vm), cards, password=_password(vm))
    agents.call(vm.host, "domain.start", p.StartDomain(wanted), run)
    if filtered:
        filtering.applied(vm, version)


def _disks_of(run: Run, vm: VirtualMachine) -> list[VolumeAttachment]:
    return run.once("disks", lambda: spec.attachments_of(vm))


def _cards_of(run: Run, vm: VirtualMachine) -> list[Nic]:
    return run.once("cards", lambda: spec.nics_of(vm))


def _prepare_networks(run: Run, vm: VirtualMachine, cards: list[Nic]) -> None:
    """There are bridges to plug into, and it is written down what the guest may be told."""
    password = _password(vm)
    for nic in cards:
        entries = guestdata.entries(vm, nic.address.ip4)
        shown = password if nic.is_default else ""
        guests.set_metadata(nic.address, entries, user_data=vm.user_data, password=shown)
        agents.call(vm.host, "bridge.apply", routers.bridge_for(nic.network), run)


def tell_networks(run: Run, vm: VirtualMachine) -> None:
    """Starting → Running. Routers learn of the guest while it boots: long before it asks for
    an address they know it."""
    vm = fresh(vm)
    if vm.state == VmState.RUNNING:  # done before, and the worker died
        return
    for nic in _cards_of(run, vm):
        routers.apply(run, nic.network, vm.host)
    if vm.sealed_password:
        # Kept with the job first, so that a crash in between does not lose it.
        run.reply_once("password", _password(vm))
    vm.apply(
        VmEvent.STARTED, last_host=vm.host, power_state=Power.ON, power_at=timezone.now(),
        sealed_password="",
    )  # fmt: skip


def _password(vm: VirtualMachine) -> str:
    return vault.unseal(vm.sealed_password) if vm.sealed_password else ""


# -- the way back --------------------------------------------------------------------------


def remove_guest(run: Run, vm: VirtualMachine) -> None:
    """No domain of it on the host. One that is Down has none; if it comes back with one all
    the same, its report says so."""
    vm = fresh(vm)
    if vm.host is not None and vm.host.status != "Down":
        agents.call(vm.host, "domain.remove", p.RemoveDomain(str(vm.uuid)), run)


def abandon(run: Run, vm: VirtualMachine) -> None:
    """Undo of a deployment: files, rows, addresses, quota, capacity; the row ends in Error."""
    vm = fresh(vm)
    if vm.state == VmState.ERROR:
        return
    attachments = spec.attachments_of(vm)
    for attachment in reversed(attachments):
        disks.delete_file(run, attachment.volume, vm.host)
    with transaction.atomic():
        holdings.leave_host(vm, VmEvent.CREATION_FAILED, sealed_password="", encrypted_password="")
        for attachment in attachments:
            volume = attachment.volume
            attachment.delete()
            allocation.discard(volume)
        nics.unplug_all(vm)
        holdings.give_quota_back(vm)


def return_to_stopped(run: Run, vm: VirtualMachine) -> None:
    """Undo of a start: disks that have a file keep it, those that do not let go of the pool."""
    vm = fresh(vm)
    if vm.state != VmState.STARTING:
        return
    for attachment in spec.attachments_of(vm):
        if attachment.volume.state in _WITHOUT_FILE:
            disks.delete_file(run, attachment.volume, vm.host)
    holdings.leave_host(vm, VmEvent.FAILED, power_state=Power.OFF, power_at=timezone.now())
