"""Rows read anew: a step may run long after its plan was made, or for the second time."""

from __future__ import annotations

from compute.models import VirtualMachine


def fresh(vm: VirtualMachine) -> VirtualMachine:
    """The machine with all that its description for a host needs, in one query."""
    rows = VirtualMachine.everything.select_related(
        "account__domain", "account__role", "zone", "host", "last_host", "service_offering",
        "template", "iso", "os_type",
    )  # fmt: skip
    return rows.get(pk=vm.pk)
