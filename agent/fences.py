"""The highest lease number seen for each resource, remembered across restarts.

A worker whose lease was taken over may still be running somewhere; its calls carry a lower
number than the new holder's and are refused (StaleFence). What it still has running here is
stopped when the higher number arrives.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from agent.protocol import StaleFence
from agent.tasks import Task

_COMPACT_AFTER_LINES = 20_000


class FenceBook:
    """``path`` is an append-only file of ``[resource, number]`` lines; None keeps no file.

    A line is written (not synced) before the call runs: it survives the death of this
    process. It need not survive the machine's own: no lease outlives a reboot.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._highest: dict[str, int] = {}
        self._running: dict[str, list[tuple[int, Task]]] = {}
        self._fd = -1
        if path is not None:
            self._load(path)

    @contextmanager
    def admitted(self, fences: Mapping[str, int], task: Task) -> Iterator[None]:
        """Run the block under ``fences`` or raise StaleFence; all or none are recorded."""
        with self._guard:
            self._refuse_stale(fences)
            self._raise_to(fences)
            for resource, number in fences.items():
                self._running.setdefault(resource, []).append((number, task))
        try:
            yield
        finally:
            with self._guard:
                for resource in fences:
                    self._forget_running(resource, task)

    def highest(self, resource: str) -> int:
        with self._guard:
            return self._highest.get(resource, 0)

    def close(self) -> None:
        with self._guard:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1

    def _refuse_stale(self, fences: Mapping[str, int]) -> None:
        for resource, number in fences.items():
            seen = self._highest.get(resource, 0)
            if number < seen:
                raise StaleFence(
                    f"Lease {number} on {resource} was taken over by lease {seen}; "
                    "this worker must stop."
                )

    def _raise_to(self, fences: Mapping[str, int]) -> None:
        raised = {r: n for r, n in fences.items() if n > self._highest.get(r, 0)}
        if raised and self._fd >= 0:
            lines = "".join(json.dumps([r, n]) + "\n" for r, n in raised.items())
            os.write(self._fd, lines.encode())
        for resource, number in raised.items():
            self._highest[resource] = number
            for older, task in self._running.get(resource, ()):
                if older < number:
                    task.stop(StaleFence(f"Lease {number} on {resource} replaced lease {older}."))

    def _forget_running(self, resource: str, task: Task) -> None:
        left = [pair for pair in self._running.get(resource, ()) if pair[1] is not task]
        if left:
            self._running[resource] = left
        else:
            self._running.pop(resource, None)

    def _load(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = 0
        if path.exists():
            for line in path.read_text().splitlines():
                lines += 1
                # The last line may be cut short by a crash; its call never ran.
                with suppress(ValueError, TypeError):
                    resource, number = json.loads(line)
                    self._highest[resource] = max(number, self._highest.get(resource, 0))
        if lines > _COMPACT_AFTER_LINES:
            self._compact(path)
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if lines and not _ends_with_newline(path):
            os.write(self._fd, b"\n")

    def _compact(self, path: Path) -> None:
        fresh = path.with_suffix(".new")
        fresh.write_text("".join(json.dumps(pair) + "\n" for pair in self._highest.items()))
        fresh.replace(path)


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        if file.tell() == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
