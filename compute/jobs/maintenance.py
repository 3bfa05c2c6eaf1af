"""Hosts that are to be worked on."""

from __future__ import annotations

from compute.jobs import system_vms
from compute.models import SystemVm, VirtualMachine
from compute.states import Power, VmEvent, VmState
from core.errors import InUse
from core.steps import Run, Step, plan
from infra.models import Host


@plan()
def enter_maintenance(host: Host) -> list[Step]:
    return [
        Step(send_away, undo=serve_on, label="Move the system VMs elsewhere"),
        Step(rest, label="Make sure that nothing runs on the host"),
    ]


def send_away(run: Run, host: Host) -> None:
    """They are stopped here; where another host has room they are started again by themselves."""
    for vm in SystemVm.objects.filter(host=host, state=VmState.RUNNING).order_by("pk"):
        system_vms.remove_guest(run, vm)
        system_vms.leave_host(vm, VmEvent.SEEN_OFF, power_state=Power.OFF)


def rest(host: Host) -> None:
    """PrepareForMaintenance → Maintenance."""
    host.refresh_from_db()
    if host.resource_state != "PrepareForMaintenance":
        return
    there = [
        *VirtualMachine.objects.filter(host=host).order_by("pk")[:5],
        *SystemVm.objects.filter(host=host),
    ]
    if there:
        raise InUse(f"Machines came to host {host} meanwhile: {', '.join(map(str, there))}.")
    host.move_resource("InternalEnterMaintenance")


def serve_on(host: Host) -> None:
    host.refresh_from_db()
    if host.resource_state == "PrepareForMaintenance":
        host.move_resource("AdminCancelMaintenance")
