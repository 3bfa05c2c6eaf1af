"""What may stand in a file name, a device name, a MAC: checked before anything is rendered.

Values come from the portal, but some began with a person or a guest; nothing that fails
here reaches a command line, an XML document or a configuration file.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path, PurePosixPath

from agent.protocol import OperationFailed

_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}")
_DEVICE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,14}")
_NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_SERIAL = re.compile(r"[A-Za-z0-9_.+ -]{0,36}")


def _match(pattern: re.Pattern[str], value: str, what: str) -> str:
    if not pattern.fullmatch(value):
        raise OperationFailed(f"{value[:80]!r} is not {what}.")
    return value


def file_under(folder: str, name: str) -> Path:
    """``folder/name`` where ``name`` is relative, ours, and cannot climb out."""
    if not folder.startswith("/"):
        raise OperationFailed(f"{folder[:80]!r} is not an absolute path.")
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/"):
        raise OperationFailed(f"{name[:80]!r} is not a file name of ours.")
    for part in parts:
        _match(_FILE, part, "a file name of ours")
    return Path(folder, *parts)


def device(name: str) -> str:
    return _match(_DEVICE, name, "a network device's name")


def namespace(name: str) -> str:
    return _match(_NAMESPACE, name, "a network namespace's name")


def uuid(value: str) -> str:
    return _match(_UUID, value, "a uuid").lower()


def mac(value: str) -> str:
    """Lower case; a group (multicast) address is refused, no guest can own one."""
    value = _match(_MAC, value, "a MAC address").lower()
    if int(value[:2], 16) & 1:
        raise OperationFailed(f"{value} is a group address, not one of a network card.")
    return value


def tap(value: str) -> str:
    """The host side of the NIC with this MAC; a function of it, so that it is found again."""
    return "ct" + mac(value).replace(":", "")


def ip4(value: str) -> str:
    try:
        return str(ipaddress.IPv4Address(value))
    except ValueError as error:
        raise OperationFailed(f"{value[:80]!r} is not an IPv4 address.") from error


def ip6(value: str) -> str:
    try:
        address = ipaddress.IPv6Address(value)
    except ValueError as error:
        raise OperationFailed(f"{value[:80]!r} is not an IPv6 address.") from error
    if address.scope_id:
        raise OperationFailed(f"{value[:80]!r} has a zone; it may not.")
    return str(address)


def label(value: str) -> str:
    """One part of a host name (RFC 1123)."""
    return _match(_LABEL, value, "a host name")


def domain(value: str) -> str:
    """A DNS domain, without the dot at its end."""
    value = value.rstrip(".")
    if len(value) > 253:
        raise OperationFailed(f"{value[:80]!r}… is too long for a domain name.")
    for part in value.split("."):
        _match(_LABEL, part, "a domain name")
    return value


def serial(value: str) -> str:
    return _match(_SERIAL, value, "a disk serial")
