"""Console logs stay small, whoever writes them.

virtlogd rotates them; a libvirt set to ``stdio_handler = "file"`` lets QEMU write without
end, and what a guest prints is the guest's choice.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

MOST_BYTES = 4 * 2**20
KEPT_BYTES = 256 * 1024
EVERY_S = 5.0


class ConsoleLogs:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = threading.Lock()
        self._next = 0.0

    def trim(self) -> None:
        """Cut logs that grew too long to their end; looks at most every few seconds."""
        with self._guard:
            if time.monotonic() < self._next:
                return
            self._next = time.monotonic() + EVERY_S
        with suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.endswith(".log") and entry.stat().st_size > MOST_BYTES:
                    _cut(Path(entry.path))


def _cut(path: Path) -> None:
    """The tail goes to ``.0``, as virtlogd would have it; the writer appends to what is left."""
    with suppress(OSError), path.open("rb") as file:
        file.seek(-KEPT_BYTES, os.SEEK_END)
        path.with_name(f"{path.name}.0").write_bytes(file.read(KEPT_BYTES))
        os.truncate(path, 0)
