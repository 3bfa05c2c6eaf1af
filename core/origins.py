"""Who a WebSocket comes from: its Origin must be the address it was asked at."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from core import proxies


def headers_of(scope: dict[str, Any]) -> dict[str, str]:
    return {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}


def same_origin(scope: dict[str, Any]) -> bool:
    """No Origin is no browser, and consoles are for browsers: refused as well."""
    headers = headers_of(scope)
    host = headers.get("host", "")
    if proxies.is_trusted(peer(scope)):
        host = headers.get("x-forwarded-host", host)
    return bool(host) and urlsplit(headers.get("origin", "")).netloc == host


def peer(scope: dict[str, Any]) -> str:
    return (scope.get("client") or ("",))[0]


def client_address(scope: dict[str, Any]) -> str:
    """The browser's address."""
    return proxies.client_behind(peer(scope), headers_of(scope).get("x-forwarded-for", ""))


def cookie(scope: dict[str, Any], name: str) -> str:
    jar: SimpleCookie = SimpleCookie(headers_of(scope).get("cookie", ""))
    return jar[name].value if name in jar else ""
