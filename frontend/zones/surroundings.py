"""What is around this machine: its name server, its devices, the networks it is in already.

Read from the kernel's files; a wizard's suggestions follow from it, nothing is decided by it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path

_OURS = ("lo", "cpbr", "virbr", "vnet", "tap", "docker", "veth")


def resolver() -> str:
    """The first name server that a router's namespace could reach as well, or ""."""
    for line in _lines("/etc/resolv.conf"):
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver" and not words[1].startswith("127."):
            return words[1]
    return ""


def devices() -> list[str]:
    """Bridges and network cards of this machine, those of guests and routers left out."""
    found = Path("/sys/class/net")
    names = sorted(p.name for p in found.iterdir()) if found.is_dir() else []
    return [name for name in names if not name.startswith(_OURS)]


def networks() -> Iterator[ipaddress.IPv4Network]:
    """IPv4 networks of this machine's routing table, without the default route (proc(5):
    /proc/net/route has addresses as hexadecimal numbers in the machine's byte order)."""
    for line in list(_lines("/proc/net/route"))[1:]:
        words = line.split()
        number, mask = int(words[1], 16), int(words[7], 16)
        if mask:
            net = number.to_bytes(4, "little"), mask.to_bytes(4, "little")
            address, netmask = (ipaddress.IPv4Address(part) for part in net)
            yield ipaddress.IPv4Network(f"{address}/{netmask}", strict=False)


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
