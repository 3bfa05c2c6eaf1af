"""Disk offerings: what kinds of disks there are, and for whom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from accounts.caller import Caller
from accounts.models import Domain
from accounts.services import tagging
from core import live
from core.errors import InvalidParameter, PermissionDenied
from core.units import GIB
from infra.models import Zone
from storage.models import DiskOffering
from storage.services.tags import clean_tags
from storage.services.volumes import check_size

#: Rates as the command names them → as the row does.
RATES = {
    "bytesreadrate": "read_bps",
    "byteswriterate": "write_bps",
    "iopsreadrate": "read_iops",
    "iopswriterate": "write_iops",
}
CACHE_MODES = ("none", "writeback", "writethrough", "hypervisor_default")


def create(
    caller: Caller,
    *,
    name: str,
    display_text: str = "",
    size_gb: int | None = None,
    customized: bool = False,
    custom_iops: bool = False,
    min_iops: int | None = None,
    max_iops: int | None = None,
    tags: Iterable[str] = (),
    domains: Iterable[Domain] = (),
    zones: Iterable[Zone] = (),
    rates: dict[str, int | None] | None = None,
    cache_mode: str = "none",
    provisioning: str = "thin",
    storage_type: str = "shared",
    size_is_strict: bool = False,
    display: bool = True,
    details: dict[str, str] | None = None,
) -> DiskOffering:
    """Of a fixed size, or customized: then the user names it. Raises InvalidParameter,
    PermissionDenied when a domain administrator names no domain of its own."""
    if customized and size_gb:
        raise InvalidParameter("Disks of an offering have a fixed disksize or are customized.")
    if not customized and not size_gb:
        raise InvalidParameter("Give disksize, or set customized to let users choose it.")
    check_size((size_gb or 0) * GIB)
    _check_iops(custom_iops, min_iops, max_iops)
    domains = list(domains)
    _check_domains(caller, domains)
    tags = list(tags)
    tagging.check_may_tag(caller, tags)
    offering = DiskOffering.objects.create(
        name=name,
        display_text=display_text or name,
        size_bytes=(size_gb or 0) * GIB,
        is_custom=customized,
        is_custom_iops=custom_iops,
        min_iops=min_iops,
        max_iops=max_iops,
        tags=clean_tags(tags),
        cache_mode=_cache_mode(cache_mode),
        provisioning=provisioning,
        storage_type=storage_type,
        size_is_strict=size_is_strict,
        display=display,
        details=details or {},
        **_rates(rates),
    )
    offering.domains.set(domains)
    offering.zones.set(zones)
    live.changed(offering)
    return offering


def _check_iops(custom: bool, low: int | None, high: int | None) -> None:
    if custom and (low or high):
        raise InvalidParameter("With customizediops the user names miniops and maxiops.")
    if (low is None) != (high is None):
        raise InvalidParameter("Give both miniops and maxiops, or neither.")
    if low is not None and high is not None and low > high:
        raise InvalidParameter(f"miniops ({low}) must not be above maxiops ({high}).")


def _check_domains(caller: Caller, domains: list[Domain]) -> None:
    """What a domain administrator makes is for its own domains; never for everybody."""
    if not caller.is_root_admin and not domains:
        raise PermissionDenied(
            f"Name with domainid which of your domains the offering is for, for example "
            f"{caller.domain.name_path}."
        )


def _cache_mode(text: str) -> str:
    if text.lower() not in CACHE_MODES:
        raise InvalidParameter(f"cachemode is {', '.join(CACHE_MODES)}, not “{text}”.")
    return text.lower()


def _rates(rates: dict[str, int | None] | None) -> dict[str, int]:
    return {RATES[k]: v for k, v in (rates or {}).items() if v is not None}


def update(
    caller: Caller,
    offering: DiskOffering,
    *,
    name: str | None = None,
    display_text: str | None = None,
    sort_key: int | None = None,
    display: bool | None = None,
    state: str | None = None,
    tags: Iterable[str] | None = None,
    rates: dict[str, int | None] | None = None,
    cache_mode: str | None = None,
    domains: list[Domain] | None = None,
    zones: list[Zone] | None = None,
) -> DiskOffering:
    """``domains`` and ``zones``: [] opens the offering to all; None leaves them. Disks that
    exist keep what they were made with, and get new rates when they are attached anew."""
    tags = None if tags is None else list(tags)
    tagging.check_may_tag(caller, tags)
    changes: dict[str, Any] = {
        "name": name or None,
        "display_text": display_text,
        "sort_key": sort_key,
        "display": display,
        "state": state,
        "tags": clean_tags(tags) if tags is not None else None,
        "cache_mode": _cache_mode(cache_mode) if cache_mode else None,
        **_rates(rates),
    }
    if domains is not None:
        _check_domains(caller, domains)
        offering.domains.set(domains)
    if zones is not None:
        offering.zones.set(zones)
    changes = {field: value for field, value in changes.items() if value is not None}
    for field, value in changes.items():
        setattr(offering, field, value)
    if changes:
        offering.save(update_fields=list(changes))
    live.changed(offering)
    return offering


def delete(offering: DiskOffering) -> None:
    """No new disks of this kind; those that exist go on."""
    offering.remove(state="Inactive")
