"""Calls that CloudStack answers when all is done, and that begin a job here.

Programs go on with what such a call promises: the pool is gone and the cluster can follow, the
host is there to be used. So the wire waits for the job, for a moment: at most ``PATIENCE_S``, and
never so many calls at once that others find no thread. Pages do not wait, they show the job.
"""

from __future__ import annotations

import threading
import time
from datetime import timedelta

from django.db.models import QuerySet

from accounts.caller import Caller
from api.dispatch import Outcome
from core.errors import CloudError
from jobs import clock
from jobs.models import AsyncJob, JobStatus, Worker

#: Commands that answer at once here, with a job behind them.
SETTLED = frozenset({
    "addHost", "addImageStore", "addSecondaryStorage", "createStoragePool", "deleteImageStore",
    "deleteStoragePool", "deleteVolume",
})  # fmt: skip

PATIENCE_S = 20.0
_AT_ONCE = threading.BoundedSemaphore(3)
_ALIVE = timedelta(seconds=10)


def settle(outcome: Outcome, caller: Caller) -> None:
    """Waits for the job that a command left behind, and shows its rows as they are then.

    Raises the job's own refusal when it failed.
    """
    if outcome.command.name not in SETTLED or outcome.trial is not None:
        return
    job = _pending(outcome, caller)
    if job is None or not _AT_ONCE.acquire(blocking=False):
        return
    try:
        _wait(job)
    finally:
        _AT_ONCE.release()
    if job.status == JobStatus.FAILED:
        raise _failure(job)
    if isinstance(outcome.value, QuerySet):
        outcome.records = outcome.command.response.render(outcome.value.all(), caller)


def _pending(outcome: Outcome, caller: Caller) -> AsyncJob | None:
    jobs = AsyncJob.objects.filter(
        correlation_id=caller.correlation_id, command=outcome.command.name,
        status=JobStatus.PENDING,
    )  # fmt: skip
    job = jobs.order_by("-pk").first()
    alive = Worker.objects.filter(heartbeat__gte=clock.now() - _ALIVE)
    return job if job is not None and alive.exists() else None


def _wait(job: AsyncJob) -> None:
    end, pause = time.monotonic() + PATIENCE_S, 0.02
    while job.status == JobStatus.PENDING and time.monotonic() < end:
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)
        job.refresh_from_db()


def _failure(job: AsyncJob) -> CloudError:
    error = CloudError(job.error_text, details=job.error_details)
    error.code = job.error_code or error.code
    return error
