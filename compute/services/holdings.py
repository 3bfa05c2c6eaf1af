"""What a machine holds: its owner's quota and its host's capacity, taken and given back.

Rows are locked in one order everywhere: machine, account counts, host capacity, pools,
addresses. Giving back twice gives back once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Count, Sum

from accounts.models import Account
from accounts.resources import Resource
from accounts.services import limits, recounting
from compute.models import ServiceOffering, VirtualMachine
from compute.services.offerings import Size
from compute.states import VmState
from core.config import Setting
from core.locking import locked
from infra.services import capacity
from infra.services.configuration import on_change
from storage.models import Template

COUNT_RUNNING = Setting(
    "resource.count.running.vms.only", False,
    "Whether stopped machines count nothing towards limits but their volumes.",
)  # fmt: skip


@on_change(COUNT_RUNNING.name)
def count_anew(_holder: object) -> None:
    """Stopped machines count, or no longer, from the moment the setting changes."""
    stopped = VirtualMachine.objects.filter(state=VmState.STOPPED)
    stopped.update(counted=not COUNT_RUNNING.get())
    recounting.mend()


def reserve_quota(
    owner: Account,
    size: Size,
    tags: Iterable[str],
    disks: Iterable[Mapping[limits.Key, int]],
    *,
    starts: bool = True,
) -> dict[str, object]:
    """For a new machine and what its ``disks`` count. Raises LimitExceeded. ``tags`` are host
    tags; returns the fields by which the machine's row remembers what it counts."""
    words = limits.tag_words(tags)
    counted = starts or not COUNT_RUNNING.get()
    total: Counter[limits.Key] = Counter()
    if counted:
        total.update(limits.spread(_amounts(size.vcpus, size.memory_mb), words.split(",")))
    for counts in disks:
        total.update(counts)
    limits.exchange(owner, {}, total)
    return {"counted": counted, "counted_tags": words}


def host_tags(offering: ServiceOffering, template: Template | None) -> list[str]:
    """What decides where a machine may run also decides what it counts under."""
    return [*offering.host_tags, *([template.tag] if template and template.tag else [])]


def retake_quota(vm: VirtualMachine) -> None:
    """Count a machine again that was given back. Raises LimitExceeded."""
    with transaction.atomic():
        held = _locked(vm)
        if not held.counted:
            held.counted = True
            limits.exchange(held.account, {}, quota_of(held))
            _note(vm, counted=True)


def give_quota_back(vm: VirtualMachine) -> None:
    with transaction.atomic():
        held = _locked(vm)
        if held.counted:
            limits.exchange(held.account, quota_of(held), {})
            _note(vm, counted=False)


def resize_quota(vm: VirtualMachine, size: Size, tags: Iterable[str]) -> str:
    """Count the machine with another size and other host tags. Raises LimitExceeded. Returns
    what the row's ``counted_tags`` must be."""
    words = limits.tag_words(tags)
    if vm.counted:
        new = limits.spread(_amounts(size.vcpus, size.memory_mb), words.split(","))
        limits.exchange(vm.account, quota_of(vm), new)
    return words


def quota_of(vm: VirtualMachine) -> dict[limits.Key, int]:
    """What a machine counts, and under which tags."""
    if not vm.counted:
        return {}
    return limits.spread(_amounts(vm.vcpus, vm.memory_mb), vm.counted_tags.split(","))


def leave_host(vm: VirtualMachine, event: str, **also: Any) -> None:
    """Move along ``event`` to a state without a host, and give the host's capacity back.

    Raises NotAllowedInState, with nothing given back, when the machine is elsewhere by now.
    """
    with transaction.atomic():
        held = _locked(vm)
        host = held.host
        fields = {"host": None, "last_host": host or held.last_host, **also}
        held.apply(event, **fields)
        if held.state == VmState.STOPPED and COUNT_RUNNING.get():
            give_quota_back(vm)
        if host is not None:
            capacity.release(
                host, cpu_mhz=held.cpu_mhz, memory_mb=held.memory_mb, cores=held.vcpus
            )
    for name in ("state", "state_at", *fields):
        setattr(vm, name, getattr(held, name))


def _amounts(vcpus: int, memory_mb: int) -> dict[Resource, int]:
    return {Resource.INSTANCE: 1, Resource.CPU: vcpus, Resource.MEMORY: memory_mb}


def _locked(vm: VirtualMachine) -> VirtualMachine:
    return locked(vm, "account__domain", "account__role", "host", "last_host")


def _note(vm: VirtualMachine, **fields: Any) -> None:
    VirtualMachine.everything.filter(pk=vm.pk).update(**fields)
    for name, value in fields.items():
        setattr(vm, name, value)


# -- what a recount finds ----------------------------------------------------------------


def _counted(keys: Sequence[int]) -> Any:
    rows = VirtualMachine.everything.filter(account__in=list(keys), counted=True)
    return rows.values_list("account")


@limits.counter(Resource.INSTANCE)
def machines(keys: Sequence[int]) -> Mapping[int, int]:
    return dict(_counted(keys).annotate(n=Count("pk")))


@limits.counter(Resource.CPU)
def cpus(keys: Sequence[int]) -> Mapping[int, int]:
    return dict(_counted(keys).annotate(n=Sum("vcpus")))


@limits.counter(Resource.MEMORY)
def memory(keys: Sequence[int]) -> Mapping[int, int]:
    return dict(_counted(keys).annotate(n=Sum("memory_mb")))


@limits.tag_counter
def tagged(keys: Sequence[int]) -> Mapping[tuple[int, int, str], int]:
    """Machines, their cores and memory by host tag."""
    rows = VirtualMachine.everything.filter(account__in=list(keys), counted=True)
    sums = rows.exclude(counted_tags="").values_list("account", "counted_tags").annotate(
        n=Count("pk"), cpus=Sum("vcpus"), mb=Sum("memory_mb")
    )
    found: dict[tuple[int, int, str], int] = {}
    for account, tags, n, cpus, mb in sums:
        amounts = {Resource.INSTANCE: n, Resource.CPU: cpus, Resource.MEMORY: mb}
        for (resource, tag), amount in limits.spread(amounts, tags.split(",")).items():
            if tag:
                place = (account, resource, tag)
                found[place] = found.get(place, 0) + amount
    return found
