"""Hosts that are to be worked on."""

from __future__ import annotations

from compute.models import VirtualMachine
from core.errors import InUse
from core.steps import Step, plan
from infra.models import Host


@plan()
def enter_maintenance(host: Host) -> list[Step]:
    return [Step(rest, undo=serve_on, label="Make sure that nothing runs on the host")]


def rest(host: Host) -> None:
    """PrepareForMaintenance → Maintenance."""
    host.refresh_from_db()
    if host.resource_state != "PrepareForMaintenance":
        return
    there = VirtualMachine.objects.filter(host=host).order_by("pk")[:5]
    if there:
        raise InUse(f"Machines came to host {host} meanwhile: {', '.join(map(str, there))}.")
    host.move_resource("InternalEnterMaintenance")


def serve_on(host: Host) -> None:
    host.refresh_from_db()
    if host.resource_state == "PrepareForMaintenance":
        host.move_resource("AdminCancelMaintenance")
