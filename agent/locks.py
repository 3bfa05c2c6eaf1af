"""Locks by name, made when first wanted and gone when nobody holds or awaits them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from agent.protocol import HostUnavailable
from agent.tasks import Task


class KeyedLocks:
    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def hold(self, keys: tuple[str, ...], task: Task) -> Iterator[None]:
        """Hold all of ``keys``; sorted, so that two holders never wait for each other.

        Raises HostUnavailable when the task's time ends first, Cancelled when it is stopped.
        """
        with ExitStack() as stack:
            for key in sorted(set(keys)):
                stack.enter_context(self._hold_one(key, task))
            yield

    @contextmanager
    def _hold_one(self, key: str, task: Task) -> Iterator[None]:
        lock = self._want(key)
        try:
            while not lock.acquire(timeout=min(0.2, max(0.01, task.remaining_s()))):
                if task.remaining_s() <= 0:
                    raise HostUnavailable(f"{task.name} waited too long: {key} is being worked on.")
                task.check()
            try:
                yield
            finally:
                lock.release()
        finally:
            self._leave(key)

    def _want(self, key: str) -> threading.Lock:
        with self._guard:
            lock, users = self._locks.get(key, (threading.Lock(), 0))
            self._locks[key] = (lock, users + 1)
            return lock

    def _leave(self, key: str) -> None:
        with self._guard:
            lock, users = self._locks[key]
            if users == 1:
                del self._locks[key]
            else:
                self._locks[key] = (lock, users - 1)
