"""IPv6 addresses of machines; the caller has locked the network."""

from __future__ import annotations

import ipaddress

from core.errors import InsufficientCapacity, InvalidParameter
from network.models import GuestAddress, Network
from network.services import ranges6

_WINDOW = 256  # addresses looked at in one query


def choose(network: Network, asked: str, mac: str) -> str:
    """The address asked for, the next of the network's ranges, or the one the guest will form."""
    if asked:
        return _chosen(network, asked)
    found = [ranges6.ends(row) for row in ranges6.of_network(network)]
    return _next(network, found) if found else _from_mac(network, mac)


def _chosen(network: Network, ip6: str) -> str:
    try:
        address = ipaddress.IPv6Address(ip6)
    except ValueError:
        raise InvalidParameter(f"“{ip6}” is not an IPv6 address.") from None
    subnet = ipaddress.IPv6Network(network.ip6_cidr)
    # One with a zone (%eth0) would stand in the router's configuration, and stop all of it.
    if address.scope_id or address not in subnet or address == subnet.network_address:
        raise InvalidParameter(f"{ip6} is not an address of network {network}.")
    if network.ip6_gateway and address == ipaddress.IPv6Address(network.ip6_gateway):
        raise InvalidParameter(f"{ip6} is the gateway of network {network}; choose another.")
    if GuestAddress.objects.filter(network=network, ip6=str(address)).exists():
        raise InvalidParameter(f"{ip6} in network {network} is in use; choose another or none.")
    return str(address)


def _next(network: Network, found: list[tuple[int, int]]) -> str:
    """Looked for behind as many as are taken: there the next free one nearly always is."""
    taken = GuestAddress.objects.filter(network=network).exclude(ip6=None).count()
    for first, last in found:
        start = min(first + taken, last + 1)
        for low, high in ((start, last), (first, start - 1)):
            free = _first_free(network, low, high)
            if free:
                return free
        taken = max(taken - (last - first + 1), 0)
    ranges = ", ".join(f"{_text(low)}–{_text(high)}" for low, high in found)
    raise InsufficientCapacity(f"Network {network} has no free IPv6 address left in {ranges}.")


def _first_free(network: Network, low: int, high: int) -> str:
    while low <= high:
        some = [_text(number) for number in range(low, min(low + _WINDOW, high + 1))]
        rows = GuestAddress.objects.filter(network=network, ip6__in=some)
        taken = set(rows.values_list("ip6", flat=True))
        free = next((text for text in some if text not in taken), "")
        if free:
            return free
        low += _WINDOW
    return ""


def _text(number: int) -> str:
    return str(ipaddress.IPv6Address(number))


def _from_mac(network: Network, mac: str) -> str:
    """The address the guest makes for itself by SLAAC (EUI-64, RFC 4291)."""
    octets = [int(part, 16) for part in mac.split(":")]
    octets[0] ^= 2
    low = int.from_bytes(bytes([*octets[:3], 0xFF, 0xFE, *octets[3:]]), "big")
    return str(ipaddress.IPv6Network(network.ip6_cidr).network_address + low)
