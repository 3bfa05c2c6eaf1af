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


def page(wanted: Wanted, number: int | None, size: int | None) -> Cut:
    first, most = _window(number, size)
    places = list(_ranges(wanted))
    if wanted.allocated_only or wanted.keyword:
        held = _held(wanted, places)
        total = held.count()
        physical = {row.pk: row for row, _, _ in places}
        pairs = [(physical[key], n) for key, n in held[first : first + most]]
        return Cut(_records(pairs), total)
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
    keys = rows.order_by("physical_network", "number")
    return keys.values_list("physical_network_id", "number")


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


#: What is told of a VLAN that a network has, and of whoever a VLAN is for.
_OWNER = (
    "account__name", "account__project__uuid", "account__project__name",
    "account__domain__uuid", "account__domain__name", "account__domain__name_path",
)  # fmt: skip
_HELD = (
    "physical_network_id", "number", "taken", "network__uuid", "network__name",
    *(f"network__{path}" for path in _OWNER),
)  # fmt: skip


def _records(pairs: list[tuple[PhysicalNetwork, int]]) -> list[dict[str, Any]]:
    if not pairs:
        return []
    holders, keepers = _holders(pairs), _keepers(pairs)
    return [
        {**_plain(p, n), **_whose(keepers, p, n), **holders.get((p.pk, n), {})} for p, n in pairs
    ]


def _plain(physical: PhysicalNetwork, number: int) -> dict[str, Any]:
    return {
        "id": (physical.pk << _BITS) + number,
        "vlan": str(number),
        "allocationstate": "Free",
        "isdedicated": False,
        "physicalnetworkid": physical.uuid,
        "physicalnetworkname": physical.name,
        "zoneid": physical.zone.uuid,
        "zonename": physical.zone.name,
    }


def _holders(pairs: list[tuple[PhysicalNetwork, int]]) -> dict[tuple[int, int], dict[str, Any]]:
    numbers = [n for _, n in pairs]
    rows = GuestVlan.objects.filter(
        physical_network__in={p.pk for p, _ in pairs},
        number__gte=min(numbers),
        number__lte=max(numbers),
    )
    if max(numbers) - min(numbers) > 2 * len(numbers):  # a page with gaps
        rows = rows.filter(number__in=numbers)
    return {
        (key, number): {
            **_owner(owner),
            "allocationstate": "Allocated",
            "taken": taken,
            "network": [{"id": uuid, "name": name}],
        }
        for key, number, taken, uuid, name, *owner in rows.values_list(*_HELD)
    }


def _keepers(pairs: list[tuple[PhysicalNetwork, int]]) -> list[tuple[Any, ...]]:
    rows = DedicatedVlanRange.objects.filter(physical_network__in={p.pk for p, _ in pairs})
    return list(rows.values_list("physical_network_id", "first", "last", *_OWNER))


def _whose(keepers: list[tuple[Any, ...]], physical: PhysicalNetwork, number: int) -> Any:
    for key, first, last, *owner in keepers:
        if key == physical.pk and first <= number <= last:
            return {**_owner(owner), "isdedicated": True}
    return {}


def _owner(values: list[Any]) -> dict[str, Any]:
    account, project_uuid, project, uuid, name, path = values
    whose = {"projectid": project_uuid, "project": project} if project else {"account": account}
    return {**whose, "domainid": uuid, "domain": name, "domainpath": path}
