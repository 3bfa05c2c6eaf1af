"""Taking a host out of service for work on it, and back."""

from __future__ import annotations

from typing import Any

from compute import jobs, spec
from compute.models import VirtualMachine
from compute.placement.explain import explain
from compute.services import places
from compute.services.places import Choice
from core.errors import InUse
from core.steps import Plan
from infra.models import Host

_SHOWN = 50


def prepare(host: Host) -> Plan:
    """No new machine comes to the host from now on; it rests once nothing runs there.

    Raises InUse with a plan, machine by machine, while something runs: machines are never
    stopped on the way (live migration is not offered yet).
    """
    there = VirtualMachine.objects.filter(host=host).order_by("pk")
    count = there.count()
    if count:
        raise InUse(
            f"Host {host} runs {count} machine{'s' * (count > 1)}: "
            f"{', '.join(str(vm) for vm in there[:5])}{' …' if count > 5 else ''}. Stop them, or "
            "stop and start those that fit elsewhere on another host, first.",
            details={"machine": [_way_out(host, vm) for vm in _whole(there)[:_SHOWN]]},
        )
    if host.resource_state != "PrepareForMaintenance":
        host.move_resource("AdminAskMaintenance")
    return Plan(jobs.enter_maintenance, host)


def cancel(host: Host) -> Plan:
    host.move_resource("AdminCancelMaintenance")
    return Plan(jobs.done, host)


def _whole(rows: Any) -> Any:
    return rows.select_related("zone", "service_offering", "template", "last_host")


def _way_out(host: Host, vm: VirtualMachine) -> dict[str, Any]:
    """Where a machine could be started if it were stopped here."""
    wanted = places.of_machine(
        vm, spec.attachments_of(vm), list(vm.affinity_groups.all()), Choice(),
        last_host=False, avoid=frozenset({host.pk}),
    )  # fmt: skip
    table = explain(wanted)
    return {
        "id": str(vm.uuid),
        "name": vm.name,
        "canmove": table.possible,
        "host": [h.name for h in table.fitting[:5]],
        "summary": table.sentence(),
    }
