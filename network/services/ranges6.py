"""IPv6 of guest networks: prefixes, and ranges out of which machines get their addresses.

Without a range a machine has the address it forms itself (SLAAC); with one the router gives it
the next of the range (DHCPv6).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from core.errors import InvalidParameter
from infra.models import Zone
from infra.services import checks
from network.models import GuestAddress, IpRange, Network

_SHOWN = 6


@dataclass(frozen=True)
class Range6:
    """A checked range; ends included."""

    cidr: str
    gateway: str
    start_ip: str
    end_ip: str

    @property
    def first(self) -> int:
        return int(ipaddress.IPv6Address(self.start_ip))

    @property
    def last(self) -> int:
        return int(ipaddress.IPv6Address(self.end_ip))

    def fields(self) -> dict[str, str]:
        return {
            "ip6_cidr": self.cidr,
            "ip6_gateway": self.gateway,
            "start_ip6": self.start_ip,
            "end_ip6": self.end_ip,
        }


def prefix(cidr: str, gateway: str = "") -> tuple[str, str]:
    """Prefix and gateway in their shortest forms; the first address without ``gateway``."""
    if not cidr:
        return "", ""
    try:
        net = ipaddress.IPv6Network(cidr)
        router = ipaddress.IPv6Address(gateway or net.network_address + 1)
    except ValueError:
        raise InvalidParameter(f"“{cidr}” is not an IPv6 prefix.") from None
    if net.prefixlen != 64:
        raise InvalidParameter(f"{net} must be a /64, so that guests can form their address.")
    if router.scope_id or router not in net:
        raise InvalidParameter(f"The IPv6 gateway {router} is not in {net}.")
    return str(net), str(router)


def refuse_shared_twice(zone: Zone, cidr: str, but: Network | None = None) -> None:
    """Shared networks' prefixes are seen outside, so each is one network's."""
    rows = Network.objects.filter(zone=zone, guest_type="Shared", ip6_cidr=cidr)
    other = rows.exclude(pk=but.pk if but else None).first() if cidr else None
    if other is not None:
        raise InvalidParameter(f"IPv6 prefix {cidr} is that of network {other} already.")


def checked(
    network: Network, start_ip: str, end_ip: str = "", *, cidr: str = "", gateway: str = ""
) -> Range6:
    """A range in the network's prefix, which ``cidr`` gives to one that has none yet.

    Raises InvalidParameter with what does not fit.
    """
    start_ip = checks.ip("startipv6", start_ip, 6)
    end_ip = checks.ip("endipv6", end_ip, 6) or start_ip
    if not start_ip:
        raise InvalidParameter("A range of IPv6 addresses needs startipv6.")
    if not (cidr or network.ip6_cidr):
        raise InvalidParameter(f"Network {network} has no IPv6 prefix yet; give ip6cidr.")
    net, router = prefix(cidr or network.ip6_cidr, gateway or _known_gateway(network, cidr))
    wanted = Range6(net, router, start_ip, end_ip)
    if network.ip6_cidr and (net, router) != (network.ip6_cidr, network.ip6_gateway):
        raise InvalidParameter(
            f"Network {network} is {network.ip6_cidr} with IPv6 gateway {network.ip6_gateway}; "
            "its ranges are of that prefix."
        )
    _check_ends(wanted)
    return wanted


def _known_gateway(network: Network, cidr: str) -> str:
    return network.ip6_gateway or "" if cidr in ("", network.ip6_cidr) else ""


def _check_ends(wanted: Range6) -> None:
    net = ipaddress.IPv6Network(wanted.cidr)
    low, high = ipaddress.IPv6Address(wanted.start_ip), ipaddress.IPv6Address(wanted.end_ip)
    if low.scope_id or high.scope_id or low not in net or high not in net:
        raise InvalidParameter(f"{low} to {high} does not lie in {net}.")
    if low > high:
        raise InvalidParameter(f"startipv6 {low} lies behind endipv6 {high}.")
    if low == net.network_address:
        raise InvalidParameter(f"{low} is the address of all routers of {net}; begin behind it.")
    if low <= ipaddress.IPv6Address(wanted.gateway) <= high:
        raise InvalidParameter(
            f"The IPv6 gateway {wanted.gateway} lies in the range {low} to {high} itself."
        )


def refuse_overlap(network: Network, wanted: Range6, but: IpRange | None = None) -> None:
    for row in of_network(network):
        if but is not None and row.pk == but.pk:
            continue
        first, last = ends(row)
        if first <= wanted.last and wanted.first <= last:
            raise InvalidParameter(
                f"{wanted.start_ip} to {wanted.end_ip} overlaps the range {row.start_ip6} to "
                f"{row.end_ip6} of network {network}."
            )


def adopt(network: Network, wanted: Range6) -> None:
    """The first range of a network without a prefix gives it one; the caller has locked it."""
    if not network.ip6_cidr:
        refuse_shared_twice(network.zone, wanted.cidr, network)
        network.ip6_cidr, network.ip6_gateway = wanted.cidr, wanted.gateway
        network.save(update_fields=["ip6_cidr", "ip6_gateway"])


def of_network(network: Network) -> list[IpRange]:
    return list(IpRange.objects.filter(network=network).exclude(start_ip6=None).order_by("pk"))


def ends(row: IpRange) -> tuple[int, int]:
    return int(ipaddress.IPv6Address(row.start_ip6)), int(ipaddress.IPv6Address(row.end_ip6))


def users(row: IpRange, outside: Range6 | None = None) -> list[str]:
    """Some of the addresses of the range that machines have (``outside``: beyond it only)."""
    if not row.start_ip6:
        return []
    first, last = ends(row)
    found = []
    rows = GuestAddress.objects.filter(network=row.network).exclude(ip6=None).order_by("pk")
    for ip6, hostname in rows.values_list("ip6", "hostname").iterator():
        number = int(ipaddress.IPv6Address(ip6))
        stays = outside is not None and outside.first <= number <= outside.last
        if first <= number <= last and not stays:
            found.append(f"{ip6} by machine {hostname}" if hostname else ip6)
            if len(found) == _SHOWN:
                break
    return found
