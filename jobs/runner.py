"""Runs one claimed job: forward step by step, or back when a step cannot be done.

Each step's start and result are committed before the next begins, so a worker that finds the
job after a crash knows where it was. Transient failures put the job to sleep with its leases
held; anything else unwinds it. A failure while unwinding is tried again, ever more slowly,
and shown under *Needs attention*: nothing is given up silently.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, OperationalError, transaction
from django.utils import timezone

from agent import protocol
from core import live, steps, vault
from core.errors import CloudError, InternalError
from core.steps import Step
from jobs import events, leases, troubles
from jobs.models import AsyncJob, JobStatus, JobStep, Phase, StepState, Worker
from jobs.rows import thaw
from jobs.wake import wake_workers

log = logging.getLogger(__name__)

_GIVE_UP_QUIETLY_AFTER = 5  # failed attempts to undo before a person is told


class LostJob(Exception):
    """Another worker has the job now."""


class Sleep(Exception):
    """Let the job go until ``seconds`` from now; the note says why."""

    def __init__(self, seconds: float, note: str) -> None:
        super().__init__(note)
        self.seconds = seconds
        self.note = note


class JobRun:
    """One worker's hold on one job. The ``run`` that steps see."""

    def __init__(self, job: AsyncJob, worker: Worker) -> None:
        self.job = job
        self.worker = worker
        self.job_uuid = str(job.uuid)
        self.correlation_id = job.correlation_id
        self.results: dict[str, Any] = {}
        self._numbers: dict[str, int] = {}
        self._step: JobStep | None = None
        self._shown = 0.0

    # -- what steps may use ------------------------------------------------------------

    def progress(self, percent: float, note: str = "") -> None:
        """Written at most twice a second; raises Cancelled when the job was cancelled."""
        now = time.monotonic()
        if self._step is None or (now - self._shown < 0.5 and percent < 100):
            return
        self._shown = now
        self._step.percent, self._step.note = percent, note
        self._step.save(update_fields=["percent", "note"])
        live.changed(self.job)
        if self.job.phase == Phase.RUNNING:
            self._stop_if_cancelled()

    def fences(self) -> dict[str, int]:
        return dict(self._numbers)

    def secret(self, name: str) -> str:
        return vault.unseal(self.job.sealed[name])

    def reply_once(self, field: str, text: str) -> None:
        """Hand a secret to whoever asked: shown with the job's result, sealed until then."""
        self.job.sealed[f"reply.{field}"] = vault.seal(text)
        self.job.save(update_fields=["sealed"])

    # -- the run -----------------------------------------------------------------------

    def go(self) -> None:
        try:
            self._take_leases()
            self._load()
            if self.job.phase != Phase.UNWINDING:
                self._hold(phase=Phase.RUNNING, started=self.job.started or timezone.now(), note="")
                self._forward()
            else:
                self._back()
        except Sleep as rest:
            due = timezone.now() + timedelta(seconds=rest.seconds)
            self._hold(due=due, note=rest.note, worker=None)
        except LostJob:
            log.warning("job %s was taken over by another worker", self.job_uuid)

    def _take_leases(self) -> None:
        taken = leases.take(self.job)
        if isinstance(taken, AsyncJob):
            raise Sleep(0.5, f"Waits for {taken.command or taken.plan} on {taken.instance_name}.")
        self._numbers = taken

    def _load(self) -> None:
        self.arguments = thaw(self.job.args)
        self.subject = thaw(self.job.subject)
        kind = steps.PLANS[self.job.plan]
        self.kind = kind
        self.plan: list[Step] = kind.build(self.subject, **self.arguments)
        self.rows = list(self.job.steps.all())
        self.results = {r.name: r.result for r in self.rows if r.state == StepState.DONE}
        first = next(iter(steps.inspect.signature(kind.build).parameters))
        self.arguments[first] = self.subject

    def _hold(self, **changes: Any) -> None:
        """Change the job row if it is still ours."""
        mine = AsyncJob.objects.filter(pk=self.job.pk, worker=self.worker)
        if not mine.update(**changes):
            raise LostJob
        for name, value in changes.items():
            setattr(self.job, name, value)
        live.changed(self.job)

    def _stop_if_cancelled(self) -> None:
        self.job.refresh_from_db(fields=["cancel_asked"])
        if self.job.cancel_asked and self.kind.cancellable:
            raise protocol.Cancelled("cancelled")

    def _forward(self) -> None:
        for step, row in zip(self.plan, self.rows, strict=True):
            if row.state == StepState.DONE:
                continue
            try:
                self._stop_if_cancelled()
                self._do(step, row)
            except (Sleep, LostJob):
                raise
            except protocol.StaleFence as error:
                raise LostJob from error
            except Exception as error:
                self._failed(step, row, error)
                return
        self._end(JobStatus.DONE)

    def _do(self, step: Step, row: JobStep) -> None:
        self._step = row
        again = row.attempts > 0
        self._mark(row, state=StepState.RUNNING, started=row.started or timezone.now(),
                   attempts=row.attempts + 1)  # fmt: skip
        if again and step.check and self._call(step.check):
            result = row.result
        else:
            result = self._call(step.do)
        self.results[row.name] = result
        self._mark(row, state=StepState.DONE, percent=100, result=result, note="",
                   completed=timezone.now())  # fmt: skip

    def _call(self, function: steps.StepFunction) -> Any:
        return steps.call(function, self, self.arguments)

    def _mark(self, row: JobStep, **changes: Any) -> None:
        mine = JobStep.objects.filter(pk=row.pk, job__worker=self.worker)
        if not mine.update(**changes):
            raise LostJob
        for name, value in changes.items():
            setattr(row, name, value)
        live.changed(self.job)

    def _failed(self, step: Step, row: JobStep, error: Exception) -> None:
        if _is_transient(error):
            now = timezone.now()
            since = row.first_failed or now
            if (now - since).total_seconds() < step.patience_s:
                self._mark(row, first_failed=since)
                raise Sleep(
                    min(2**row.attempts * 0.25, 10), f"{step.title}: {error} Trying again."
                ) from error
        reason = _as_cloud_error(error, self.correlation_id)
        log.info("job %s: step %s failed: %s", self.job_uuid, row.name, reason.message)
        self._mark(row, state=StepState.FAILED, note=reason.message)
        self._hold(
            phase=Phase.UNWINDING,
            error_code=reason.code,
            error_text=reason.message,
            error_details=reason.details,
        )
        self._back()

    def _back(self) -> None:
        pairs = list(zip(self.plan, self.rows, strict=True))
        for step, row in reversed(pairs):
            begun = row.state not in (StepState.PENDING, StepState.UNDONE)
            # What a request changed before its job began is undone by the first step.
            if not begun and not (row.index == 0 and row.state == StepState.PENDING):
                continue
            self._step = row
            try:
                self._mark(row, state=StepState.UNDOING)
                if step.undo:
                    self._call(step.undo)
            except LostJob:
                raise
            except protocol.StaleFence as error:
                raise LostJob from error
            except Exception as error:
                self._undo_failed(step, row, error)
            self._mark(row, state=StepState.UNDONE, completed=timezone.now())
        cancelled = self.job.cancel_asked and self.job.error_text == "cancelled"
        self._end(JobStatus.CANCELLED if cancelled else JobStatus.FAILED)

    def _undo_failed(self, step: Step, row: JobStep, error: Exception) -> None:
        reason = _as_cloud_error(error, self.correlation_id)
        self._mark(row, attempts=row.attempts + 1)
        if row.attempts >= _GIVE_UP_QUIETLY_AFTER:
            troubles.open_trouble(
                "job-cannot-unwind",
                self.job,
                f"{self.job.command or self.job.plan} of {self.job.instance_name} failed and "
                f"cannot be undone yet: {step.title}: {reason.message}",
                evidence={"step": row.name, "error": reason.message, "attempts": row.attempts},
                repair="jobs.retry_now",
            )
        pause = min(2 ** min(row.attempts, 8) * 0.25, 30)
        raise Sleep(pause, f"Undoing “{step.title}”: {reason.message} Trying again.") from error

    def _end(self, status: JobStatus) -> None:
        with transaction.atomic():
            self._hold(
                status=status,
                phase=Phase.ENDED,
                completed=timezone.now(),
                note="",
                worker=None,
                sealed={k: v for k, v in self.job.sealed.items() if k.startswith("reply.")},
            )
            leases.release(self.job)
            troubles.close_troubles(self.job)
            self._record_end(status)
        live.tell(self.job.instance_type.lower(), str(self.job.instance_uuid), self.job.account_id)
        wake_workers()

    def _record_end(self, status: JobStatus) -> None:
        job = self.job
        if not job.event_type:
            return
        done = status == JobStatus.DONE
        words = "done" if done else ("cancelled" if status == JobStatus.CANCELLED else "failed")
        self.subject.refresh_from_db()
        owned = getattr(self.subject, "account_id", None)
        events.record(
            job.event_type,
            f"{job.instance_name}: {job.command} {words}"
            + (f": {job.error_text}" if job.error_text and not done else ""),
            account=self.subject.account if owned else job.account,
            user=job.user,
            row=self.subject,
            level="INFO" if done else "ERROR",
            parent=job.event,
            correlation_id=job.correlation_id,
        )


def _is_transient(error: Exception) -> bool:
    if isinstance(error, protocol.AgentError):
        return error.transient
    return isinstance(error, (OperationalError,))


def _as_cloud_error(error: Exception, reference: str) -> CloudError:
    """The one place where a host's or a library's error becomes ours."""
    if isinstance(error, CloudError):
        return error
    if isinstance(error, protocol.AgentError):
        return CloudError(error.message)
    if isinstance(error, DatabaseError):
        log.exception("database error, reference %s", reference)
        return InternalError(f"The database refused the change; reference {reference}.")
    log.exception("unexpected error in a job, reference %s", reference)
    return InternalError(f"Something unforeseen went wrong; reference {reference}.")
