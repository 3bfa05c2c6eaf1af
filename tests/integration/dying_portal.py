"""``manage.py up`` that writes down each point a job passes, and dies at one when told to.

A point is ``<command> <step> <do|undo|check> <place>#<n>``: the n-th time in that step's
function that it began (``before``) or returned (``after``, its result not yet committed), that
a host call began, returned or had lasted a while (``domain.start before|after|during``), or
that it told of progress. They come from the plans themselves, so a new step is a new point.

In the data folder: ``trace`` has a line ``<seconds> <job> <point>`` for each point passed;
``orders.json`` may hold ``{"die": point, "during_s": seconds, "fail": point}``. Orders to die
are taken away before they are followed: the next portal gets further. The portal itself knows
nothing of all this.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import django

django.setup()

from django.core.management import execute_from_command_line  # noqa: E402

from agent import protocol  # noqa: E402
from infra import agents  # noqa: E402
from jobs.runner import JobRun  # noqa: E402

FOLDER = Path(os.environ["CLOUDPORTAL_DATA"])
ORDERS, TRACE = FOLDER / "orders.json", FOLDER / "trace"

_here = threading.local()  # the step function that this thread is in
_call = JobRun._call
_progress = JobRun.progress
_host_call = agents.call


class Passage:
    """One step function on its way."""

    def __init__(self, run: JobRun, function: Any) -> None:
        step = run._step
        kind = next(k for k in ("check", "do", "undo") if _is(run, step, k, function))
        self.name = f"{run.job.command or run.job.plan} {step.name} {kind}"
        self.job = run.job_uuid
        self._seen: Counter[str] = Counter()

    def at(self, place: str) -> None:
        self._seen[place] += 1
        self.point = f"{self.name} {place}#{self._seen[place]}"
        with TRACE.open("a") as trace:
            trace.write(f"{time.monotonic():.4f} {self.job} {self.point}\n")
        orders = _orders()
        if orders.get("die") == self.point:
            _die()
        if orders.get("fail") == self.point:
            raise protocol.OperationFailed(f"told to fail at {self.point}")

    def soon(self, place: str) -> threading.Timer | None:
        orders = _orders()
        if orders.get("die") != f"{self.name} {place} during#{self._seen[f'{place} before']}":
            return None
        timer = threading.Timer(orders["during_s"], _die)
        timer.start()
        return timer


def _is(run: JobRun, row: Any, kind: str, function: Any) -> bool:
    step = next(s for s, r in run.plan if r is row)
    return getattr(step, kind) is function


def _orders() -> dict[str, Any]:
    try:
        return json.loads(ORDERS.read_text())
    except FileNotFoundError:
        return {}


def _die() -> None:
    ORDERS.unlink(missing_ok=True)
    os.kill(os.getpid(), signal.SIGKILL)


def call(self: JobRun, function: Any) -> Any:
    passage = _here.passage = Passage(self, function)
    try:
        passage.at("before")
        result = _call(self, function)
        passage.at("after")
        return result
    finally:
        _here.passage = None


def progress(self: JobRun, percent: float, note: str = "") -> None:
    _progress(self, percent, note)
    _here.passage.at("progress")


def host_call(host: Any, operation: str, argument: Any = None, run: Any = None) -> Any:
    passage = getattr(_here, "passage", None)
    if passage is None or run is None:
        return _host_call(host, operation, argument, run)
    passage.at(f"{operation} before")
    timer = passage.soon(operation)
    try:
        result = _host_call(host, operation, argument, run)
    finally:
        if timer:
            _die()  # it took less time than usual
    passage.at(f"{operation} after")
    return result


if __name__ == "__main__":
    JobRun._call, JobRun.progress, agents.call = call, progress, host_call
    execute_from_command_line(["manage.py", "up"])
