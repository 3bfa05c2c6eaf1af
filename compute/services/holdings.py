"""What a machine holds: its owner's quota and its host's capacity, taken and given back.

Rows are locked in one order everywhere: machine, account counts, host capacity, pools,
addresses. Giving back twice gives back once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Count, Sum

from accounts.models import Account
from accounts.resources import Resource
from accounts.services import limits
from compute.models import VirtualMachine
from compute.services.offerings import Size
from core.locking import locked
from infra.services import capacity


def reserve_quota(owner: Account, size: Size) -> None:
    """Raises LimitExceeded. The new row must say ``counted=True``."""
    limits.reserve(owner, _amounts(size.vcpus, size.memory_mb))


def retake_quota(vm: VirtualMachine) -> None:
    """Count a machine again that was given back. Raises LimitExceeded."""
    with transaction.atomic():
        held = _locked(vm)
        if not held.counted:
            limits.reserve(held.account, _amounts(held.vcpus, held.memory_mb))
            _note(vm, counted=True)


def give_quota_back(vm: VirtualMachine) -> None:
    with transaction.atomic():
        held = _locked(vm)
        if held.counted:
            limits.release(held.account, _amounts(held.vcpus, held.memory_mb))
            _note(vm, counted=False)


def resize_quota(vm: VirtualMachine, size: Size) -> None:
    """Count the machine with another size. Raises LimitExceeded."""
    if not vm.counted:
        return
    grown = {
        Resource.CPU: size.vcpus - vm.vcpus,
        Resource.MEMORY: size.memory_mb - vm.memory_mb,
    }
    limits.reserve(vm.account, {r: n for r, n in grown.items() if n > 0})
    limits.release(vm.account, {r: -n for r, n in grown.items() if n < 0})


def leave_host(vm: VirtualMachine, event: str, **also: Any) -> None:
    """Move along ``event`` to a state without a host, and give the host's capacity back.

    Raises NotAllowedInState, with nothing given back, when the machine is elsewhere by now.
    """
    with transaction.atomic():
        held = _locked(vm)
        host = held.host
        fields = {"host": None, "last_host": host or held.last_host, **also}
        held.apply(event, **fields)
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
