"""Tables of dataclasses in memory, optionally journalled to a file.

The simulator's whole world lives in one: cheap enough for a hundred thousand machines, and
a journal line per change lets it survive the death of the process at any moment.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from agent.protocol import from_wire, to_wire


class Ledger:
    """``put``/``drop``/``get`` on named tables whose keys are pairs (group, key).

    A group (a host, a pool, a store) lists its own rows without a walk over all others.
    ``kinds`` maps a table to its dataclass. Thread-safe; rows are never changed in place.
    """

    def __init__(self, kinds: dict[str, type], path: Path | None = None) -> None:
        self._kinds = kinds
        self._guard = threading.RLock()
        self._rows: dict[str, dict[str, dict[str, Any]]] = {table: {} for table in kinds}
        self._fd = -1
        if path is not None:
            self._open(path)

    def get(self, table: str, group: str, key: str) -> Any | None:
        with self._guard:
            return self._rows[table].get(group, {}).get(key)

    def group(self, table: str, group: str) -> dict[str, Any]:
        """A copy of one group's rows."""
        with self._guard:
            return dict(self._rows[table].get(group, {}))

    def groups(self, table: str) -> list[str]:
        with self._guard:
            return list(self._rows[table])

    def put(self, table: str, group: str, key: str, row: Any) -> None:
        with self._guard:
            self._rows[table].setdefault(group, {})[key] = row
            self._write(table, group, key, row)

    def drop(self, table: str, group: str, key: str) -> bool:
        """True when there was one."""
        with self._guard:
            rows = self._rows[table].get(group, {})
            if key not in rows:
                return False
            del rows[key]
            if not rows:
                del self._rows[table][group]
            self._write(table, group, key, None)
            return True

    def count(self, table: str) -> int:
        with self._guard:
            return sum(len(rows) for rows in self._rows[table].values())

    def close(self) -> None:
        with self._guard:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1

    def _write(self, table: str, group: str, key: str, row: Any) -> None:
        if self._fd >= 0:
            line = json.dumps([table, group, key, None if row is None else to_wire(row)])
            os.write(self._fd, line.encode() + b"\n")

    def _open(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            self._replay(path)
        fresh = path.with_suffix(".new")
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self._fd = os.open(fresh, flags, 0o600)
        for table, groups in self._rows.items():
            for group, rows in groups.items():
                for key, row in rows.items():
                    self._write(table, group, key, row)
        fresh.replace(path)

    def _replay(self, path: Path) -> None:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                # A line cut short by a crash, or of a table no longer known, is skipped.
                with suppress(ValueError, TypeError, KeyError):
                    table, group, key, row = json.loads(line)
                    rows = self._rows[table].setdefault(group, {})
                    if row is None:
                        rows.pop(key, None)
                    else:
                        rows[key] = from_wire(self._kinds[table], row)
