"""Rows read anew: a step may run long after its plan was made, or for the second time."""

from __future__ import annotations

from compute.models import VirtualMachine

#: What a machine is made of and whose it is: that stays as it is while a job runs.
_LASTING = ("account", "zone", "service_offering", "template", "iso", "os_type")


def fresh(vm: VirtualMachine) -> VirtualMachine:
    """The machine with all that its description for a host needs, in one query.

    What lasts is read once for all steps that run one after the other: ``vm`` is the job's own
    object, which remembers it for them.
    """
    known = vm._state.fields_cache
    if "zone" in known and "service_offering" in known:
        now = VirtualMachine.everything.select_related("host", "last_host").get(pk=vm.pk)
        for name in _LASTING:
            row = known.get(name)
            if row is not None and row.pk == getattr(now, f"{name}_id"):
                setattr(now, name, row)
        return now
    rows = VirtualMachine.everything.select_related(
        "account__domain", "account__role", "host", "last_host", *_LASTING
    )
    now = rows.get(pk=vm.pk)
    known.update((n, r) for n, r in now._state.fields_cache.items() if n in _LASTING)
    return now
