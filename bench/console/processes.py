"""What a process costs, as /proc has it."""

from __future__ import annotations

import os
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def resident_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def cpu_s(pid: int) -> float:
    """Processor seconds of a process and its children (websockify forks), dead ones too."""
    if not pid:
        return 0.0
    ticks = 0
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            own, parent, times = _times(folder)
            if own == pid:
                ticks += sum(times)
            elif parent == pid:
                ticks += times[0] + times[1]
    return ticks * TICK_S


def _times(folder: Path) -> tuple[int, int, list[int]]:
    """Its number, its parent's, and ticks: user, system, of dead children user and system."""
    try:
        fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0, 0, [0] * 4
    return int(folder.name), int(fields[1]), [int(f) for f in fields[11:15]]
