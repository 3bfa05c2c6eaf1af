"""Where a request really comes from. Forwarded headers count only from listed proxies (R14)."""

from __future__ import annotations

import functools
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from django.conf import settings

from core.errors import InvalidParameter

Network = IPv4Network | IPv6Network


@functools.lru_cache(maxsize=256)
def networks(text: str) -> tuple[Network, ...]:
    """``10.0.0.0/8, 2001:db8::/32`` → networks; what is none is left out."""
    found = []
    for part in text.split(","):
        try:
            found.append(ip_network(part.strip(), strict=False))
        except ValueError:
            continue
    return tuple(found)


def check_networks(text: str) -> None:
    """Of a setting: a mistake in the list would shut people out, or in. Raises
    InvalidParameter."""
    for entry in text.split(","):
        try:
            if entry.strip():
                ip_network(entry.strip(), strict=False)
        except ValueError:
            raise InvalidParameter(
                f"“{entry.strip()}” is no network; write it as 192.0.2.0/24 or 2001:db8::/32."
            ) from None


@functools.lru_cache(maxsize=4096)
def is_within(address: str, text: str) -> bool:
    """Whether the address lies in one of the networks; an IPv4 one in IPv6's dress, too."""
    try:
        given = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(given, "ipv4_mapped", None)
    return any((mapped or given) in network for network in networks(text))


def is_trusted(address: str) -> bool:
    """Whether the operator listed this proxy in CLOUDPORTAL_TRUSTED_PROXIES."""
    listed: list[str] = settings.TRUSTED_PROXIES
    return bool(listed) and is_within(address, ",".join(listed))


def client_behind(peer: str, forwarded_for: str) -> str:
    """The peer, or behind a listed proxy the nearest address that is not a listed proxy's. An
    IPv4 one in IPv6's dress (``::ffff:192.0.2.1``) is undressed."""
    if is_trusted(peer):
        hops = [h.strip() for h in forwarded_for.split(",") if h.strip()]
        peer = next((hop for hop in reversed(hops) if not is_trusted(hop)), peer)
    return _undressed(peer)


@functools.lru_cache(maxsize=4096)
def _undressed(address: str) -> str:
    try:
        mapped = getattr(ip_address(address), "ipv4_mapped", None)
    except ValueError:
        return address
    return str(mapped) if mapped else address
