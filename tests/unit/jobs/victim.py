"""A portal's worker in a process of its own, made to die (see ``test_killed``).

The world its plan works on is a folder. ``KILL_AT=second:after`` ends the process as
``kill -9`` does, after the second step's work and before its result is written.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from accounts.models import Account
from core.errors import InsufficientCapacity
from core.steps import Step, plan
from jobs.models import AsyncJob, JobStatus
from jobs.worker import WorkerProcess


def _die_if(moment: str) -> None:
    if os.environ.get("KILL_AT") == moment:
        os.kill(os.getpid(), signal.SIGKILL)


def _do(folder: str, name: str) -> None:
    _die_if(f"{name}:before")
    Path(folder, name).touch()
    _die_if(f"{name}:after")


def _undo(folder: str, name: str) -> None:
    _die_if(f"{name}:undo")
    Path(folder, name).unlink(missing_ok=True)


def first(folder: str) -> None:
    _do(folder, "first")


def second(folder: str) -> None:
    _do(folder, "second")


def third(folder: str, fails: bool) -> None:
    if fails:
        raise InsufficientCapacity("No room.")
    _do(folder, "third")


def first_back(folder: str) -> None:
    _undo(folder, "first")


def second_back(folder: str) -> None:
    _undo(folder, "second")


@plan()
def files(account: Account, folder: str, fails: bool) -> list[Step]:
    return [Step(first, undo=first_back), Step(second, undo=second_back), Step(third)]


def main() -> None:
    worker = WorkerProcess(2, with_schedules=False)
    worker.start()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if not AsyncJob.objects.filter(status=JobStatus.PENDING).exists():
            break
        time.sleep(0.02)
    worker.stop()

