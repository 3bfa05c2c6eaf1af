"""The VLANs of physical networks, one by one: those in use are rows, the free ones are not.

A page is worked out from the ranges, so that its cost is its own length even where a physical
network has millions of VNIs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.errors import InvalidParameter
from core.responses import Cut
from infra.models import Zone
from network.models import DedicatedVlanRange, GuestVlan, PhysicalNetwork
from network.services import vlans

_PAGE = 500  # as default.page.size
#: A record's number: that of the physical network, then the VLAN's 24 bits.
_BITS = 24


@dataclass(frozen=True)
class Wanted:
    key: int | None = None
    physical: PhysicalNetwork | None = None
    zone: Zone | None = None
    vnet: str = ""
    keyword: str = ""
    allocated_only: bool = False


def page(wanted: Wanted, caller: Any, number: int | None, size: int | None) -> Cut:
    first, most = _window(number, size)
    places = list(_ranges(wanted))
    if wanted.allocated_only or wanted.keyword:
        held = _held(wanted, places)
        total = held.count()
        rows = list(held[first : first + most])
        return Cut(_records([(r.physical_network, r.number) for r in rows]), total)
    total = sum(high - low + 1 for _, low, high in places)
    return Cut(_records(list(_numbers(places, first, most))), total)


def _window(number: int | None, size: int | None) -> tuple[int, int]:
    if size == -1 and number is None:
        return 0, _PAGE
    if (number is None) != (size is None):
        raise InvalidParameter("Parameters page and pagesize go together.")
    if number is None or size is None:
        return 0, _PAGE
    if number < 1 or not 1 <= size <= _PAGE:
        raise InvalidParameter(f"page must be at least 1, and pagesize from 1 to {_PAGE}.")
    return (number - 1) * size, size


def _ranges(wanted: Wanted) -> Iterator[tuple[PhysicalNetwork, int, int]]:
    rows = PhysicalNetwork.objects.exclude(vlan="").select_related("zone").order_by("pk")
    if wanted.physical is not None:
        rows = rows.filter(pk=wanted.physical.pk)
    if wanted.zone is not None:
        rows = rows.filter(zone=wanted.zone)
    only = vlans.number_of(wanted.vnet) if wanted.vnet else None
    if wanted.key is not None:
        rows, only = rows.filter(pk=wanted.key >> _BITS), wanted.key & (2**_BITS - 1)
    for row in rows:
        for low, high in vlans.of(row):
            if only is None:
                yield row, low, high
            elif low <= only <= high:
                yield row, only, only


def _held(wanted: Wanted, places: list[tuple[PhysicalNetwork, int, int]]) -> Any:
    rows = GuestVlan.objects.filter(physical_network__in={p.pk for p, _, _ in places})
    if wanted.vnet or wanted.key is not None:
        rows = rows.filter(number__in=[low for _, low, _ in places])
    if wanted.keyword:
        rows = rows.filter(number__contains=wanted.keyword)
    return rows.select_related("physical_network__zone").order_by("physical_network", "number")


def _numbers(
    places: list[tuple[PhysicalNetwork, int, int]], first: int, most: int
) -> Iterator[tuple[PhysicalNetwork, int]]:
    for row, low, high in places:
        size = high - low + 1
        if first >= size:
            first -= size
            continue
        for number in range(low + first, min(high, low + first + most - 1) + 1):
            yield row, number
            most -= 1
        first = 0
        if most <= 0:
            return


def _records(pairs: list[tuple[PhysicalNetwork, int]]) -> list[dict[str, Any]]:
    holders = _holders(pairs)
    keepers = list(
        DedicatedVlanRange.objects.filter(
            physical_network__in={p.pk for p, _ in pairs}
        ).select_related("account__domain", "account__project")
    )
    return [
        _record(p, n, holders.get((p.pk, n)), _keeper(keepers, p, n)) for p, n in pairs
    ]


def _holders(pairs: list[tuple[PhysicalNetwork, int]]) -> dict[tuple[int, int], GuestVlan]:
    if not pairs:
        return {}
    rows = GuestVlan.objects.filter(
        physical_network__in={p.pk for p, _ in pairs}, number__in={n for _, n in pairs}
    ).select_related("network__account__domain", "network__account__project")
    return {(r.physical_network_id, r.number): r for r in rows}


def _keeper(
    keepers: list[DedicatedVlanRange], physical: PhysicalNetwork, number: int
) -> DedicatedVlanRange | None:
    return next(
        (k for k in keepers
         if k.physical_network_id == physical.pk and k.first <= number <= k.last),
        None,
    )  # fmt: skip


def _record(
    physical: PhysicalNetwork,
    number: int,
    held: GuestVlan | None,
    keeper: DedicatedVlanRange | None,
) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": (physical.pk << _BITS) + number,
        "vlan": str(number),
        "allocationstate": "Allocated" if held else "Free",
        "isdedicated": keeper is not None,
        "physicalnetworkid": physical.uuid,
        "physicalnetworkname": physical.name,
        "zoneid": physical.zone.uuid,
        "zonename": physical.zone.name,
    }
    owner = keeper.account if keeper else held.network.account if held else None
    if owner is not None:
        record |= _owner(owner)
    if held is not None:
        record["taken"] = held.taken
        record["network"] = [{"id": held.network.uuid, "name": held.network.name}]
    return record


def _owner(account: Any) -> dict[str, Any]:
    project = getattr(account, "project", None)
    whose = (
        {"projectid": project.uuid, "project": project.name}
        if project is not None
        else {"account": account.name}
    )
    domain = account.domain
    return {
        **whose, "domainid": domain.uuid, "domain": domain.name, "domainpath": domain.name_path,
    }  # fmt: skip
