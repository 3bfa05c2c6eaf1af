"""Whether what a person typed can be an address, a network, a name; in words if it cannot."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Any

from django.db import models

from core.errors import InvalidParameter

_TAG = re.compile(r"^[\w.:@ -]{1,64}$")
_DOMAIN = re.compile(r"^(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*$", re.I)


def name(what: str, text: str) -> str:
    """A name of at least one character that is not a space."""
    if not text.strip():
        raise InvalidParameter(f"The {what} needs a name.")
    return text.strip()


def unused_name(rows: models.QuerySet, what: str, text: str, but: Any = None) -> str:
    """``name``, refused when a row of ``rows`` other than ``but`` has it."""
    text = name(what, text)
    taken = rows.filter(name=text)
    if taken.exclude(pk=getattr(but, "pk", None)).exists():
        raise InvalidParameter(f"There is already a {what} named {text}; choose another name.")
    return text


def ip(parameter: str, text: str, version: int = 0) -> str:
    """An address in its shortest form; ``version`` 4 or 6 to insist; "" stays ""."""
    if not text:
        return ""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        raise InvalidParameter(f"{parameter} is not an IP address: “{text}”.") from None
    if version and address.version != version:
        raise InvalidParameter(f"{parameter} must be an IPv{version} address, not “{text}”.")
    return str(address)


def cidr(parameter: str, text: str) -> str:
    """A network like 10.1.1.0/24; "" stays ""."""
    if not text:
        return ""
    try:
        if "/" not in text:
            raise ValueError
        return str(ipaddress.ip_network(text.strip()))
    except ValueError:
        raise InvalidParameter(
            f"{parameter} is not a network like 10.1.1.0/24: “{text}”."
        ) from None


def subnet(gateway: str, netmask: str) -> ipaddress.IPv4Network:
    """The network that an IPv4 gateway and netmask describe."""
    try:
        return ipaddress.IPv4Network(f"{gateway}/{netmask}", strict=False)
    except ValueError:
        raise InvalidParameter(
            f"{gateway} with netmask {netmask} describe no IPv4 network."
        ) from None


def network_domain(parameter: str, text: str) -> str:
    if text and (len(text) > 190 or not _DOMAIN.match(text)):
        raise InvalidParameter(f"{parameter} is not a DNS domain: “{text}”.")
    return text


def tags(values: Iterable[str]) -> list[str]:
    """Tags once each, in the order given."""
    kept = list(dict.fromkeys(v.strip() for v in values if v.strip()))
    for value in kept:
        if not _TAG.match(value):
            raise InvalidParameter(
                f"“{value[:70]}” is no tag: up to 64 letters, digits, spaces and . _ : @ - are."
            )
    return kept
