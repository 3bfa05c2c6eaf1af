"""Tables of dataclasses in memory, optionally journalled to a file that processes share.

The simulator's whole world lives in one: cheap enough for a hundred thousand machines, and
a journal line per change lets it survive the death of the process at any moment. Processes of
one machine that open the same file see each other's changes: each reads what the others wrote
before it looks, and writes while nobody else does.
"""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from agent.protocol import from_wire

#: (table, group, key, row before, row after); None where there is none.
Watcher = Callable[[str, str, str, Any, Any], None]


class Ledger:
    """``put``/``drop``/``get`` on named tables whose keys are pairs (group, key).

    A group (a host, a pool, a store) lists its own rows without a walk over all others.
    ``kinds`` maps a table to its dataclass. Thread-safe; rows are never changed in place.
    ``with ledger:`` makes several calls one, for threads and for processes; it may be nested.
    ``watcher`` is told of every change in its order, whichever process made it.
    """

    def __init__(
        self, kinds: dict[str, type], path: Path | None = None, watcher: Watcher | None = None
    ) -> None:
        self._kinds = kinds
        self._watcher = watcher
        self._guard = threading.RLock()
        self._depth = 0
        self._rows: dict[str, dict[str, dict[str, Any]]] = {table: {} for table in kinds}
        self._fd = self._lock_fd = self._users_fd = -1
        self._read_to = 0
        self._rest = b""
        if path is not None:
            self._open(path)

    def get(self, table: str, group: str, key: str) -> Any | None:
        with self._guard:
            self._catch_up()
            return self._rows[table].get(group, {}).get(key)

    def group(self, table: str, group: str) -> dict[str, Any]:
        """A copy of one group's rows."""
        with self._guard:
            self._catch_up()
            return dict(self._rows[table].get(group, {}))

    def groups(self, table: str) -> list[str]:
        with self._guard:
            self._catch_up()
            return list(self._rows[table])

    def put(self, table: str, group: str, key: str, row: Any) -> None:
        self.put_all([(table, group, key, row)])

    def put_all(self, changes: Iterable[tuple[str, str, str, Any]]) -> None:
        """Many at once, in one write."""
        with self:
            lines = []
            for table, group, key, row in changes:
                self._set(table, group, key, row)
                lines.append(_line(table, group, key, row))
            self._write(b"".join(lines))

    def drop(self, table: str, group: str, key: str) -> bool:
        """True when there was one."""
        with self:
            if key not in self._rows[table].get(group, {}):
                return False
            self._set(table, group, key, None)
            self._write(_line(table, group, key, None))
            return True

    def count(self, table: str) -> int:
        with self._guard:
            self._catch_up()
            return sum(len(rows) for rows in self._rows[table].values())

    def close(self) -> None:
        with self._guard:
            for fd in (self._fd, self._lock_fd, self._users_fd):
                if fd >= 0:
                    os.close(fd)
            self._fd = self._lock_fd = self._users_fd = -1

    def __enter__(self) -> Ledger:
        self._guard.acquire()
        if self._depth == 0 and self._lock_fd >= 0:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX)
            self._catch_up()
        self._depth += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._depth -= 1
        if self._depth == 0 and self._lock_fd >= 0:
            fcntl.flock(self._lock_fd, fcntl.LOCK_UN)
        self._guard.release()

    # ----------------------------------------------------------------------------------

    def _set(self, table: str, group: str, key: str, row: Any) -> None:
        rows = self._rows[table].setdefault(group, {})
        before = rows.get(key)
        if row is None:
            rows.pop(key, None)
            if not rows:
                del self._rows[table][group]
        else:
            rows[key] = row
        if self._watcher is not None:
            self._watcher(table, group, key, before, row)

    def _write(self, lines: bytes) -> None:
        """Called alone and caught up, so what is written begins where we have read to."""
        if self._fd < 0 or not lines:
            return
        if self._rest:
            # Its writer died in the middle of a line, or it would have been whole by now.
            self._rest = b""
            lines = b"\n" + lines
        left = memoryview(lines)
        while left:
            left = left[os.write(self._fd, left) :]
        self._read_to += len(lines)

    def _catch_up(self) -> None:
        """Take in what other processes wrote since."""
        if self._fd < 0 or os.fstat(self._fd).st_size == self._read_to:
            return
        while data := os.pread(self._fd, 2**20, self._read_to):
            self._read_to += len(data)
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self._take_in(line)

    def _take_in(self, line: bytes) -> None:
        # A line cut short by a crash, or of a table no longer known, is skipped.
        with suppress(ValueError, TypeError, KeyError):
            table, group, key, row = json.loads(line)
            kind = self._kinds[table]
            self._set(table, group, key, None if row is None else from_wire(kind, row))

    def _open(self, path: Path) -> None:
        """Whoever comes first writes the journal anew, without what is past."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock_fd = _opened(path.with_suffix(".lock"))
        self._users_fd = _opened(path.with_suffix(".users"))
        fcntl.flock(self._lock_fd, fcntl.LOCK_EX)
        try:
            self._fd = _opened(path)
            self._catch_up()
            with suppress(BlockingIOError):
                fcntl.flock(self._users_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._rewrite(path)
            fcntl.flock(self._users_fd, fcntl.LOCK_SH)
        finally:
            fcntl.flock(self._lock_fd, fcntl.LOCK_UN)

    def _rewrite(self, path: Path) -> None:
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        os.close(self._fd)
        self._fd, self._read_to, self._rest = _opened(fresh), 0, b""
        for table, groups in self._rows.items():
            for group, rows in groups.items():
                self._write(b"".join(_line(table, group, key, row) for key, row in rows.items()))
        fresh.replace(path)


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _line(table: str, group: str, key: str, row: Any) -> bytes:
    return json.dumps([table, group, key, _lean(row)], separators=(",", ":")).encode() + b"\n"


def _lean(value: Any) -> Any:
    """As ``protocol.to_wire``, without what a reader takes for granted."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kept = {}
        for field in dataclasses.fields(value):
            item = getattr(value, field.name)
            if field.default is dataclasses.MISSING or item != field.default:
                kept[field.name] = _lean(item)
        return kept
    if isinstance(value, dict):
        return {key: _lean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_lean(item) for item in value]
    return value.decode("latin-1") if isinstance(value, bytes) else value
