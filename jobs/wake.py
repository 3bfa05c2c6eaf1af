"""The tap on a worker's shoulder, within one process; others find work by polling."""

from __future__ import annotations

import threading

_work = threading.Event()


def wake_workers() -> None:
    _work.set()


def wait_for_work(timeout_s: float) -> None:
    _work.wait(timeout_s)
    _work.clear()
