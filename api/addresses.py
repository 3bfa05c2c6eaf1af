"""Where a request comes from. Forwarded headers count only from listed proxies."""

from __future__ import annotations

import functools
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from django.conf import settings

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


@functools.lru_cache(maxsize=4096)
def is_within(address: str, text: str) -> bool:
    try:
        given = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(given, "ipv4_mapped", None)
    return any((mapped or given) in network for network in networks(text))


def client_address(request: Any) -> str:
    """The peer, or behind a listed proxy the nearest address that is not a listed proxy's."""
    peer: str = request.META.get("REMOTE_ADDR", "")
    if not _is_trusted(peer):
        return peer
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    for hop in reversed([h.strip() for h in forwarded if h.strip()]):
        if not _is_trusted(hop):
            return hop
    return peer


def is_secure(request: Any) -> bool:
    """Whether the client speaks HTTPS, to this server or to a listed proxy before it."""
    if _is_trusted(request.META.get("REMOTE_ADDR", "")):
        forwarded: str = request.META.get("HTTP_X_FORWARDED_PROTO", "")
        if forwarded:
            return forwarded.strip().lower() == "https"
    return bool(request.is_secure())


def _is_trusted(address: str) -> bool:
    return bool(settings.TRUSTED_PROXIES) and is_within(address, ",".join(settings.TRUSTED_PROXIES))
