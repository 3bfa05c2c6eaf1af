"""Machines going down, and round."""

from __future__ import annotations

from contextlib import suppress

from django.utils import timezone

from agent import protocol as p
from compute.jobs.rows import fresh
from compute.models import VirtualMachine
from compute.services import holdings
from compute.states import Power, VmEvent, VmState
from core.steps import Run, Step, plan
from infra import agents


@plan(cancellable=False)
def stop_vm(vm: VirtualMachine, *, forced: bool, timeout_s: int) -> list[Step]:
    return [Step(shut_down, undo=return_to_running, label="Shut the guest down")]


def shut_down(run: Run, vm: VirtualMachine, forced: bool, timeout_s: int) -> dict[str, bool]:
    """Stopping → Stopped: the guest is off, its definition gone, its host's capacity free."""
    vm = fresh(vm)
    if vm.state != VmState.STOPPING:
        return {"is_off_host": False}
    is_off_host = power_off(run, vm, forced=forced, timeout_s=timeout_s)
    holdings.leave_host(vm, VmEvent.STOPPED, power_state=Power.OFF, power_at=timezone.now())
    return {"is_off_host": is_off_host}


def power_off(run: Run, vm: VirtualMachine, *, forced: bool, timeout_s: int) -> bool:
    """Nothing of the machine is left on its host. One that is down for good (an operator
    declared it Down) cannot be asked; a forced stop takes it at its word. Returns whether the
    host has said that nothing is left."""
    if vm.host is None or (forced and vm.host.status == "Down"):
        return False
    uuid = str(vm.uuid)
    agents.call(vm.host, "domain.stop", p.StopDomain(uuid, forced, timeout_s), run)
    # Off is what was asked for; a definition that stays is cleaned up as a stray.
    with suppress(p.OperationFailed):
        agents.call(vm.host, "domain.remove", p.RemoveDomain(uuid), run)
        return True
    return False


def return_to_running(run: Run, vm: VirtualMachine) -> None:
    """The guest did not go down. If it is off all the same (the answer was lost), so be it."""
    vm = fresh(vm)
    if vm.state != VmState.STOPPING:
        return
    if _is_off(run, vm):
        holdings.leave_host(vm, VmEvent.STOPPED, power_state=Power.OFF, power_at=timezone.now())
    else:
        vm.apply(VmEvent.FAILED)


def _is_off(run: Run, vm: VirtualMachine) -> bool:
    """A host that does not answer is taken to run it still; its next report tells the truth."""
    if vm.host is None:
        return True
    try:
        found = agents.call(vm.host, "domain.state", p.DomainRef(str(vm.uuid)), run)
    except (p.HostUnavailable, p.HypervisorUnavailable):
        return False
    return found.power in ("PowerOff", "PowerMissing")


@plan(cancellable=False)
def reboot_vm(vm: VirtualMachine, *, forced: bool, timeout_s: int) -> list[Step]:
    return [Step(restart_guest, label="Restart the guest")]


def restart_guest(run: Run, vm: VirtualMachine, forced: bool, timeout_s: int) -> None:
    vm = fresh(vm)
    if vm.state == VmState.RUNNING:
        wanted = p.RebootDomain(str(vm.uuid), forced, timeout_s)
        agents.call(vm.host, "domain.reboot", wanted, run)
        vm.apply(VmEvent.REBOOTED)
