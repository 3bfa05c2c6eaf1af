"""Which network addresses a download may go to (DESIGN R7)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Prefixes whose addresses carry an IPv4 address (RFC 6052, 8215, 3056, 4380, 4291); the
# guard must look at what they lead to.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
_V4_COMPATIBLE = ipaddress.IPv6Network("::/96")
# Special for IPv4 (RFC 6890 and later): carrier NAT, benchmarks, reserved, 6to4 relays.
_NEVER4 = tuple(
    ipaddress.IPv4Network(n)
    for n in ("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15",
              "240.0.0.0/4")
)  # fmt: skip


def networks(written: Iterable[str]) -> tuple[Network, ...]:
    """CIDRs or single addresses; what is neither is left out, it can allow nothing."""
    found: list[Network] = []
    for text in written:
        try:
            found.append(ipaddress.ip_network(text.strip(), strict=False))
        except ValueError:
            continue
    return tuple(found)


def is_allowed(address: Address, internal: Iterable[Network]) -> bool:
    """Public, or inside one of the ``internal`` networks an administrator listed."""
    meant = carried(address)
    if any(meant in network for network in internal if network.version == meant.version):
        return True
    return _is_public(meant) and (meant == address or _is_mapped(address))


def carried(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one, if it is of a kind that carries one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inside = address.ipv4_mapped or address.sixtofour
    if inside is None and address.teredo is not None:
        inside = address.teredo[1]
    if inside is None and (address in _NAT64 or _is_compatible(address)):
        inside = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inside or address


def _is_mapped(address: Address) -> bool:
    """Mapped and NAT64 addresses reach their IPv4 address; the other kinds are tunnels."""
    return isinstance(address, ipaddress.IPv6Address) and (
        address.ipv4_mapped is not None or address in _NAT64
    )


def _is_compatible(address: ipaddress.IPv6Address) -> bool:
    return address in _V4_COMPATIBLE and int(address) > 1


def _is_public(address: Address) -> bool:
    if address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not any(address in network for network in _NEVER4)
    return address.is_global and address not in _NAT64_LOCAL and not address.is_site_local
