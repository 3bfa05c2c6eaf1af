"""What a process of the portal measures of itself and of its machine, from /proc (Linux)."""

from __future__ import annotations

import contextlib
import os
import platform
import socket
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.utils import timezone

from jobs.models import Worker, WorkerSample

EVERY_S = 10


class Meter:
    """Keeps one row for a worker, renewed every few seconds with its heartbeat."""

    def __init__(self) -> None:
        self._at = -1e9
        self._cpu_s = 0.0

    def keep(self, worker: Worker) -> None:
        now = time.monotonic()
        elapsed = now - self._at
        if elapsed < EVERY_S:
            return
        cpu_s = time.process_time()
        percent = 100.0 * (cpu_s - self._cpu_s) / elapsed
        self._at, self._cpu_s = now, cpu_s
        facts = {"at": timezone.now(), "cpu_percent": round(percent, 2), **measured()}
        WorkerSample.objects.update_or_create(worker=worker, defaults=facts)


def measured() -> dict[str, Any]:
    memory = _fields("/proc/meminfo")
    own = _fields("/proc/self/status")
    loads = os.getloadavg()
    return {
        "memory_bytes": own.get("VmRSS", 0) * 1024,
        "threads": threading.active_count(),
        "cpus": os.cpu_count() or 0,
        "load_1m": loads[0],
        "load_5m": loads[1],
        "load_15m": loads[2],
        "memory_total_bytes": memory.get("MemTotal", 0) * 1024,
        "memory_free_bytes": memory.get("MemAvailable", 0) * 1024,
        "kernel": platform.release()[:255],
        "system": _distribution()[:255],
        "address": _address(),
        "booted": _booted(),
    }


def _fields(path: str) -> dict[str, int]:
    """``MemTotal:  123 kB`` → 123."""
    found = {}
    with contextlib.suppress(OSError):
        for line in Path(path).read_text().splitlines():
            name, _, rest = line.partition(":")
            number = rest.split()[:1]
            if number and number[0].isdigit():
                found[name] = int(number[0])
    return found


def _distribution() -> str:
    with contextlib.suppress(OSError):
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    return ""


def _address() -> str:
    with contextlib.suppress(OSError):
        return socket.gethostbyname(socket.gethostname())
    return ""


def _booted() -> datetime | None:
    with contextlib.suppress(OSError):
        for line in Path("/proc/stat").read_text().splitlines():
            if line.startswith("btime "):
                return datetime.fromtimestamp(int(line.split()[1]), UTC)
    return None
