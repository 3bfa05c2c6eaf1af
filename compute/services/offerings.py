"""Service offerings: made, changed and retired; and what a machine of one is in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from accounts.caller import Caller
from accounts.models import Account, Domain
from accounts.services import tagging
from compute.models import ServiceOffering
from core.config import Setting
from core.errors import InvalidParameter, PermissionDenied
from core.units import GIB
from infra.models import Zone

CORES_MAX = Setting(
    "vm.serviceoffering.cpu.cores.max", 0,
    "Most CPUs a service offering may have; 0 for no limit.", minimum=0,
)  # fmt: skip
RAM_MAX = Setting(
    "vm.serviceoffering.ram.size.max", 0,
    "Most memory a service offering may have, in MB; 0 for no limit.", minimum=0,
)  # fmt: skip

_MOST_CPUS, _MOST_MEMORY_MB, _MOST_SPEED_MHZ = 1024, 16 * 1024 * 1024, 100_000


@dataclass(frozen=True)
class Size:
    """What a machine gets."""

    vcpus: int
    cpu_speed_mhz: int
    memory_mb: int

    @property
    def cpu_mhz(self) -> int:
        return self.vcpus * self.cpu_speed_mhz


def create(
    caller: Caller,
    *,
    name: str,
    display_text: str = "",
    domains: Sequence[Domain] = (),
    zones: Sequence[Zone] = (),
    root_disk_gb: int | None = None,
    **fields: Any,
) -> ServiceOffering:
    """An Active offering. ``fields`` are columns of the model.

    A domain administrator makes offerings for its own branch only.
    """
    if not caller.is_root_admin and not domains:
        raise PermissionDenied("Only root administrators make offerings for everybody.")
    tagging.check_may_tag(caller, fields.get("host_tags"), fields.get("storage_tags"))
    offering = ServiceOffering(
        name=name,
        display_text=display_text or name,
        root_disk_size_bytes=root_disk_gb * GIB if root_disk_gb else None,
        **fields,
    )
    _check_numbers(offering)
    if offering.disk_offering and offering.root_disk_size_bytes:
        raise InvalidParameter(
            "Give a root disk size or a disk offering for the root disk, not both."
        )
    offering.save()
    offering.domains.set(domains)
    offering.zones.set(zones)
    return offering


def update(
    caller: Caller,
    offering: ServiceOffering,
    *,
    domains: Sequence[Domain] | None = None,
    zones: Sequence[Zone] | None = None,
    **fields: Any,
) -> ServiceOffering:
    """Changes names, tags, state and visibility; sizes of an offering in use stay as they are."""
    if domains is not None:
        if not caller.is_root_admin and not domains:
            raise PermissionDenied("Only root administrators make an offering public.")
        offering.domains.set(domains)
    if zones is not None:
        offering.zones.set(zones)
    tagging.check_may_tag(caller, fields.get("host_tags"), fields.get("storage_tags"))
    for name, value in fields.items():
        setattr(offering, name, value)
    offering.save()
    return offering


def delete(offering: ServiceOffering) -> None:
    """Machines made of it keep it; no new one can be."""
    offering.remove(state="Inactive")


def check_usable(offering: ServiceOffering, owner: Account, zone: Zone) -> None:
    """Raises InvalidParameter unless machines of ``owner`` in ``zone`` may be made of it."""
    if offering.removed or offering.state != "Active":
        raise InvalidParameter(f"Service offering {offering} is no longer offered.")
    rows = ServiceOffering.objects.filter(pk=offering.pk).for_owner(owner)
    if rows.filter(Q(zones=None) | Q(zones=zone)).exists():
        return
    if rows.exists():
        raise InvalidParameter(f"Service offering {offering} is not for zone {zone}.")
    raise InvalidParameter(
        f"Service offering {offering} is not for domain {owner.domain.name_path}."
    )


def size_of(offering: ServiceOffering, details: Mapping[str, str]) -> Size:
    """The numbers: the offering's own, or for a custom one those in ``details``
    (``cpuNumber``, ``cpuSpeed`` in MHz, ``memory`` in MB) within its limits."""
    given = {k.lower(): v for k, v in details.items()}
    asked = {k: given[k] for k in ("cpunumber", "cpuspeed", "memory") if k in given}
    if not offering.is_customized:
        _refuse_other_numbers(offering, asked)
        return Size(offering.cpu_number, offering.cpu_speed_mhz, offering.memory_mb)
    vcpus = _number(offering, asked, "cpunumber", offering.cpu_number, 1, _MOST_CPUS)
    speed = _number(offering, asked, "cpuspeed", offering.cpu_speed_mhz, 1, _MOST_SPEED_MHZ)
    memory = _number(offering, asked, "memory", offering.memory_mb, 32, _MOST_MEMORY_MB)
    _within(offering, "cpunumber", vcpus, offering.min_cpu_number, offering.max_cpu_number)
    _within(offering, "memory", memory, offering.min_memory_mb, offering.max_memory_mb)
    _check_ceilings(vcpus, memory)
    return Size(vcpus, speed, memory)


SIZE_DETAILS = ("cpunumber", "cpuspeed", "memory", "rootdisksize")
_MOST_DETAILS = 50


def check_details(details: Mapping[str, str]) -> None:
    """Details are kept as text; none of them reaches a hypervisor's configuration unchecked."""
    for name in details:
        if name.lower().startswith("extraconfig"):
            raise InvalidParameter("Details may not carry extraconfig.")
    if len(details) > _MOST_DETAILS:
        raise InvalidParameter(f"A machine has at most {_MOST_DETAILS} details.")


def check_added(details: Mapping[str, str]) -> None:
    """A machine's sizes are its offering's matter, not a detail to be set beside it."""
    check_details(details)
    for name in details:
        if name.lower() in SIZE_DETAILS:
            raise InvalidParameter(f"{name} is changed with scaleVirtualMachine, not as a detail.")


def kept_details(details: Mapping[str, str]) -> dict[str, str]:
    """Without those that are columns of the machine."""
    check_details(details)
    return {k: v for k, v in details.items() if k.lower() not in SIZE_DETAILS}


def _refuse_other_numbers(offering: ServiceOffering, asked: Mapping[str, str]) -> None:
    own = {
        "cpunumber": offering.cpu_number,
        "cpuspeed": offering.cpu_speed_mhz,
        "memory": offering.memory_mb,
    }
    for name, text in asked.items():
        if str(own[name]) != str(text).strip():
            raise InvalidParameter(
                f"Service offering {offering} is not a custom one; {name} cannot be chosen."
            )


def _number(
    offering: ServiceOffering,
    asked: Mapping[str, str],
    name: str,
    fixed: int | None,
    low: int,
    high: int,
) -> int:
    text = asked.get(name)
    if text is None:
        if fixed is None:
            raise InvalidParameter(
                f"Service offering {offering} is a custom one; give {name} in details."
            )
        return fixed
    try:
        number = int(str(text).strip())
    except ValueError:
        raise InvalidParameter(f"{name} must be a whole number, not “{text}”.") from None
    if fixed is not None and number != fixed:
        raise InvalidParameter(f"{name} of service offering {offering} is always {fixed}.")
    if not low <= number <= high:
        raise InvalidParameter(f"{name} must be from {low} to {high}, not {number}.")
    return number


def _within(
    offering: ServiceOffering, name: str, number: int, low: int | None, high: int | None
) -> None:
    if (low is not None and number < low) or (high is not None and number > high):
        raise InvalidParameter(
            f"{name} of service offering {offering} must be from {low} to {high}, not {number}."
        )


def _check_numbers(offering: ServiceOffering) -> None:
    fixed = (offering.cpu_number, offering.cpu_speed_mhz, offering.memory_mb)
    if not offering.is_customized:
        if any(n is None for n in fixed):
            raise InvalidParameter(
                "A fixed service offering needs cpunumber, cpuspeed and memory; "
                "say customized=true to leave them to the tenant."
            )
        if offering.max_cpu_number or offering.max_memory_mb:
            raise InvalidParameter("Limits of CPUs and memory are for custom offerings only.")
    else:
        _check_limits(offering)
    _check_ceilings(offering.cpu_number or 0, offering.memory_mb or 0)


def _check_limits(offering: ServiceOffering) -> None:
    limits = (
        offering.min_cpu_number, offering.max_cpu_number,
        offering.min_memory_mb, offering.max_memory_mb,
    )  # fmt: skip
    if any(n is not None for n in limits):
        if any(n is None for n in limits):
            raise InvalidParameter(
                "Give all of mincpunumber, maxcpunumber, minmemory and maxmemory, or none."
            )
        if limits[0] > limits[1] or limits[2] > limits[3]:
            raise InvalidParameter("A minimum of the offering is larger than its maximum.")
        if offering.cpu_speed_mhz is None:
            raise InvalidParameter("A custom offering with limits needs a fixed cpuspeed.")
        if offering.cpu_number is not None or offering.memory_mb is not None:
            raise InvalidParameter("An offering with limits has no fixed cpunumber or memory.")


def _check_ceilings(vcpus: int, memory_mb: int) -> None:
    if CORES_MAX.get() and vcpus > CORES_MAX.get():
        raise InvalidParameter(f"At most {CORES_MAX.get()} CPUs are allowed ({CORES_MAX.name}).")
    if RAM_MAX.get() and memory_mb > RAM_MAX.get():
        raise InvalidParameter(f"At most {RAM_MAX.get()} MB are allowed ({RAM_MAX.name}).")
