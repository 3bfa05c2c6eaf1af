"""One operation on its way: how long it may still take, and whether anybody still wants it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from agent.protocol import AgentError, Cancelled, HostUnavailable

REPORT_EVERY_S = 0.3


def _ignore(percent: float, note: str = "") -> None:
    """Progress nobody asked for."""


class Task:
    """Handed to everything that takes time; calling it reports progress.

    ``check`` (and each report) raises Cancelled once the caller gave up, StaleFence once a
    later worker holds the lease, HostUnavailable once the time is over.
    """

    def __init__(
        self, timeout_s: float, report: Callable[..., None] = _ignore, name: str = "operation"
    ) -> None:
        self.name = name
        self.timeout_s = timeout_s
        self._deadline = time.monotonic() + timeout_s
        self._report = report
        self._reported_at = 0.0
        self._stopped = threading.Event()
        self._why: AgentError = Cancelled("Cancelled by the caller.")

    def __call__(self, percent: float, note: str = "") -> None:
        self.check()
        now = time.monotonic()
        # Who listens writes it to a database; a few times a second is plenty.
        if percent >= 100 or now - self._reported_at >= REPORT_EVERY_S:
            self._reported_at = now
            self._report(min(100.0, max(0.0, percent)), note)

    def stop(self, why: AgentError | None = None) -> None:
        """Ask the work to end; it notices at its next ``check`` or ``sleep``."""
        if why is not None and not self._stopped.is_set():
            self._why = why
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        return self._stopped.is_set()

    def remaining_s(self) -> float:
        return max(0.0, self._deadline - time.monotonic())

    def check(self) -> None:
        if self._stopped.is_set():
            raise self._why
        if self.remaining_s() <= 0:
            raise HostUnavailable(f"{self.name} did not end within {self.timeout_s:.0f} s.")

    def sleep(self, seconds: float) -> None:
        """Wait, but not past a stop or the deadline."""
        self._stopped.wait(min(seconds, self.remaining_s()))
        self.check()


def unhurried() -> Task:
    """For callers without a deadline of their own (start-up sweeps, tests)."""
    return Task(3600)
