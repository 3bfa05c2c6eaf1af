"""Which addresses of a zone the house has set aside, whoever did: none is set aside twice.

Contexts above register what they keep in tables of their own.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from core.errors import InvalidParameter
from infra.models import PodIpRange, Zone
from infra.services import checks


@dataclass(frozen=True)
class Reserved:
    """``first`` to ``last`` as numbers; ``words`` say what they are for; ``key`` tells rows
    apart, for one that is changed."""

    words: str
    first: int
    last: int
    key: tuple[str, int]


Source = Callable[[Zone], Iterable[Reserved]]
_SOURCES: list[Source] = []


def register_source(source: Source) -> Source:
    _SOURCES.append(source)
    return source


@register_source
def of_pods(zone: Zone) -> Iterator[Reserved]:
    for row in PodIpRange.objects.filter(pod__zone=zone).select_related("pod"):
        yield Reserved(f"the addresses of pod {row.pod}", row.first, row.last, key_of(row))


def key_of(row: object) -> tuple[str, int]:
    return type(row).__name__, getattr(row, "pk", 0) or 0


def refuse_overlap(zone: Zone, first: int, last: int, *, but: object = None) -> None:
    """Raises InvalidParameter when a part of the range is set aside for something already."""
    own = key_of(but) if but is not None else None
    for source in _SOURCES:
        for taken in source(zone):
            if taken.first <= last and first <= taken.last and taken.key != own:
                raise InvalidParameter(
                    f"{text(first)} to {text(last)} overlaps {taken.words} in zone {zone}: "
                    f"{text(taken.first)} to {text(taken.last)}."
                )


def text(number: int) -> str:
    return str(ipaddress.IPv4Address(number))


@dataclass(frozen=True)
class Range:
    """A checked range: everything agrees with everything."""

    gateway: str
    netmask: str
    start_ip: str
    end_ip: str
    first: int
    last: int

    @property
    def size(self) -> int:
        return self.last - self.first + 1

    def fields(self) -> dict[str, str]:
        return {
            "gateway": self.gateway,
            "netmask": self.netmask,
            "start_ip": self.start_ip,
            "end_ip": self.end_ip,
        }


def checked(gateway: str, netmask: str, start_ip: str, end_ip: str = "") -> Range:
    """The range ``start_ip`` to ``end_ip`` of the subnet of ``gateway``; one address without
    ``end_ip``. Raises InvalidParameter with what does not fit."""
    gateway = checks.ip("gateway", gateway, 4)
    start_ip = checks.ip("startip", start_ip, 4)
    end_ip = checks.ip("endip", end_ip, 4) or start_ip
    if not (gateway and netmask and start_ip):
        raise InvalidParameter("A range needs gateway, netmask and startip.")
    net = checks.subnet(gateway, netmask)
    low, high = ipaddress.IPv4Address(start_ip), ipaddress.IPv4Address(end_ip)
    if low > high:
        raise InvalidParameter(f"startip {low} lies behind endip {high}.")
    if low not in net or high not in net:
        raise InvalidParameter(f"{low} to {high} does not lie in {net}, its gateway's network.")
    if net.prefixlen < 31 and (low == net.network_address or high == net.broadcast_address):
        raise InvalidParameter(
            f"{low} to {high} contains the network's own address or the broadcast address of {net}."
        )
    if low <= ipaddress.IPv4Address(gateway) <= high:
        raise InvalidParameter(f"The gateway {gateway} lies in the range {low} to {high} itself.")
    return Range(gateway, str(net.netmask), str(low), str(high), int(low), int(high))


def subnet_of(wanted: Range) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Network(f"{wanted.gateway}/{wanted.netmask}", strict=False)
