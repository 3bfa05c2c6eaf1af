"""Where an HTTP request comes from, and by which scheme."""

from __future__ import annotations

from typing import Any

from core.proxies import client_behind, is_trusted, is_within, networks

__all__ = ["client_address", "is_secure", "is_within", "networks"]


def client_address(request: Any) -> str:
    """The browser's or program's own address."""
    meta = request.META
    return client_behind(meta.get("REMOTE_ADDR", ""), meta.get("HTTP_X_FORWARDED_FOR", ""))


def is_secure(request: Any) -> bool:
    """Whether the client speaks HTTPS, to this server or to a listed proxy before it."""
    if is_trusted(request.META.get("REMOTE_ADDR", "")):
        forwarded: str = request.META.get("HTTP_X_FORWARDED_PROTO", "")
        if forwarded:
            return forwarded.strip().lower() == "https"
    return bool(request.is_secure())
