"""Rows read anew: a step may run long after its plan was made, or for the second time."""

from __future__ import annotations

from compute.models import VirtualMachine

#: What a machine is made of and whose it is: that stays as it is while a job runs.
_LASTING = ("account", "zone", "service_offering", "template", "iso", "os_type")


def fresh(vm: VirtualMachine) -> VirtualMachine:
    """The machine with its host and all that its description for a host needs, in one query.

    What lasts is read once for all steps that run one after the other: ``vm`` is the job's own
    object, which remembers it for them.
    """
    known = vm._state.fields_cache
    unread = [n for n in _LASTING if n not in known and getattr(vm, f"{n}_id") is not None]
    now = VirtualMachine.everything.select_related("host", *unread).get(pk=vm.pk)
    read = now._state.fields_cache
    known.update((n, read[n]) for n in unread if n in read)
    for name in _LASTING:
        row = known.get(name)
        if row is not None and row.pk == getattr(now, f"{name}_id"):
            setattr(now, name, row)
    return now
