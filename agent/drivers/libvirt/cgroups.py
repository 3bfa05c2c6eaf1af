"""CPU shares as the machine's cgroups want them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")


@cache
def is_v2() -> bool:
    return (_ROOT / "cgroup.controllers").exists()


@cache
def has_cpu() -> bool:
    """Can CPU shares be set at all?"""
    if is_v2():
        return "cpu" in (_ROOT / "cgroup.controllers").read_text().split()
    return (_ROOT / "cpu" / "cpu.shares").exists()


def shares(wanted: int) -> int:
    """CloudStack counts shares as cgroup v1 does (1024 is one whole part, 2 to 262144).

    On v2 libvirt passes the number on as a weight of 1 to 10000 with 100 as one part.
    """
    if is_v2():
        return max(1, min(10_000, round(wanted * 100 / 1024)))
    return max(2, min(262_144, wanted))
