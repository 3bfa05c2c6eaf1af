"""Runs one claimed job: forward step by step, or back when a step cannot be done.

A step's result is committed, together with the start of the next step, before that begins;
so a worker that finds the job after a crash knows where it was. Transient failures put the
job to sleep with its leases held; anything else unwinds it. A failure while unwinding is
tried again, ever more slowly, and shown under *Needs attention*: nothing is given up silently.

What a run writes carries the number of its claim. A run whose job was taken away (its worker
seemed dead) finds that out at its next write, or from a host that has seen a higher lease.
"""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, OperationalError, transaction
from django.utils import timezone

from accounts.models import Account
from agent import protocol
from core import live, steps, vault
from core.commands import RoleType
from core.discretion import without_paths
from core.errors import CloudError, InternalError
from core.steps import Later, Plan, Step, T
from jobs import clock, events, leases, troubles
from jobs.models import AsyncJob, JobStatus, JobStep, Phase, StepState, Worker
from jobs.rows import thaw
from jobs.submit import submit
from jobs.wake import wake_workers

log = logging.getLogger(__name__)

#: What a step raises to wait without failing (core.steps).
Sleep = Later

_TELL_A_PERSON_AFTER = 5  # failed attempts to undo a step
_PROGRESS_EVERY_S = 0.5
_WAIT_FOR_LEASE_S = 5.0  # whoever holds it wakes us sooner


class LostJob(Exception):
    """Another worker has the job now."""


class JobRun:
    """One worker's hold on one job. The ``run`` that steps see."""

    def __init__(
        self,
        job: AsyncJob,
        worker: Worker | None = None,
        *,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self.job = job
        self.worker = worker
        self.stopping = stopping
        self.job_uuid = str(job.uuid)
        self.correlation_id = job.correlation_id
        self.results: dict[str, Any] = {}
        self._numbers: dict[str, int] = {}
        self._read: dict[str, Any] = {}
        self._step: JobStep | None = None
        self._shown = 0.0

    # -- what steps may use ------------------------------------------------------------

    def progress(self, percent: float, note: str = "") -> None:
        """Written at most twice a second; raises Cancelled when the job was cancelled."""
        now = time.monotonic()
        if self._step is None or (now - self._shown < _PROGRESS_EVERY_S and percent < 100):
            return
        self._shown = now
        may_stop = self.cancellable and self.job.phase == Phase.RUNNING
        if not self._write(self._step, unless_cancelled=may_stop, percent=percent, note=note):
            if may_stop and self._is_cancelled():
                raise protocol.Cancelled("The job was cancelled.")
            raise LostJob
        live.changed(self.job)

    def fences(self) -> dict[str, int]:
        return dict(self._numbers)

    def secret(self, name: str) -> str:
        return vault.unseal(self.job.sealed[name])

    def reply_once(self, field: str, text: str) -> None:
        """Hand a secret to whoever asked: shown with the job's result, sealed until then."""
        self._hold(sealed={**self.job.sealed, f"reply.{field}": vault.seal(text)})

    def once(self, name: str, read: Callable[[], T]) -> T:
        if name not in self._read:
            self._read[name] = read()
        return self._read[name]

    def start(self, plan: Plan, *, command: str = "", event_type: str = "") -> str:
        """Begin a plan of its own on the same account's behalf; returns its job's uuid."""
        with transaction.atomic():
            job = submit(
                plan,
                account=self.job.account,
                user=self.job.user,
                command=command,
                event_type=event_type,
                correlation_id=self.correlation_id,
            )
        return str(job.uuid)

    # -- the run -----------------------------------------------------------------------

    def go(self) -> None:
        try:
            self._load()
            if not self._begin():
                return
            if self.job.phase == Phase.UNWINDING:
                self._back()
            else:
                self._forward()
        except LostJob:
            log.warning("job %s was taken over by another worker", self.job_uuid)

    def _load(self) -> None:
        kind = steps.PLANS[self.job.plan]
        self.subject = thaw(self.job.subject)
        self.arguments = thaw(self.job.args)
        self.cancellable = kind.cancellable
        plan = kind.build(self.subject, **self.arguments)
        first = next(iter(inspect.signature(kind.build).parameters))
        self.arguments[first] = self.subject
        rows = list(self.job.steps.all())
        if [row.name for row in rows] != [step.name for step in plan]:
            rows = self._renewed(plan, rows)
        self.plan: list[tuple[Step, JobStep]] = list(zip(plan, rows, strict=True))
        self.results = {r.name: r.result for r in rows if r.state == StepState.DONE}

    def _renewed(self, plan: list[Step], rows: list[JobStep]) -> list[JobStep]:
        """The plan has other steps than when the job was written down: the portal was upgraded.

        What is done of them stays done; new ones are to be done, and those that went are
        forgotten: what they left half done is for a step that came in their place.
        """
        known = {row.name: row for row in rows}
        wanted = []
        for index, step in enumerate(plan):
            row = known.get(step.name) or JobStep(job=self.job, name=step.name)
            row.pk, row.index, row.title = None, index, step.title
            wanted.append(row)
        with transaction.atomic():
            if not self._mine().select_for_update().exists():
                raise LostJob
            self.job.steps.all().delete()
            return JobStep.objects.bulk_create(wanted)

    def _begin(self) -> bool:
        """Take the leases and say that the job runs, or rest until whoever has them is done."""
        try:
            with transaction.atomic():
                self._numbers = leases.take(self.job)
                now = timezone.now()
                phase = Phase.UNWINDING if self.job.phase == Phase.UNWINDING else Phase.RUNNING
                if self.job.started is None:
                    self._record("started", state="Started")
                self._hold(
                    phase=phase, started=self.job.started or now, note="", waits_for=None
                )
                if phase == Phase.RUNNING:
                    self._begin_first()
        except leases.Busy as busy:
            self._rest(_WAIT_FOR_LEASE_S, str(busy), waits_for=busy.holder)
            return False
        return True

    def _begin_first(self) -> None:
        """The first step to do, begun in the transaction that begins the run; when that is no
        longer to be, ``_forward`` finds out."""
        for _, row in self._todo()[:1]:
            self._write_begun(row)

    def _todo(self) -> list[tuple[Step, JobStep]]:
        return [(step, row) for step, row in self.plan if row.state != StepState.DONE]

    def _forward(self) -> None:
        todo = self._todo()
        finished: JobStep | None = None
        for step, row in todo:
            if row is not self._step and not self._start(row, after=finished):
                return self._cancelled()
            try:
                result = self._do(step, row)
            except Later as later:
                return self._wait(row, later)
            except Exception as error:
                return self._failed(step, row, error)
            row.result = self.results[row.name] = result
            finished = row
            if self.stopping() and row is not todo[-1][1]:
                with transaction.atomic():
                    self._finish(row)
                    self._rest(0, "The portal is being stopped; the job goes on with it.")
                return None
        return self._end(JobStatus.DONE, after=finished)

    def _start(self, row: JobStep, after: JobStep | None) -> bool:
        """Commit the step before as done and this one as begun; False when cancelled."""
        with transaction.atomic():
            if after is not None:
                self._finish(after)
            begun = self._write_begun(row)
            if not begun and not self._is_cancelled():
                raise LostJob
        if begun:
            live.changed(self.job)
        return begun

    def _write_begun(self, row: JobStep) -> bool:
        begun = self._write(
            row,
            unless_cancelled=self.cancellable,
            state=StepState.RUNNING,
            started=row.started or timezone.now(),
            attempts=row.attempts + 1,
        )
        if begun:
            self._step, self._shown = row, 0.0
        return begun

    def _wait(self, row: JobStep, later: Later) -> None:
        with transaction.atomic():
            self._mark(row, attempts=row.attempts - 1)
            self._rest(later.seconds, later.note)

    def _finish(self, row: JobStep) -> None:
        """In a transaction whose next statement finds out whether the job is still ours."""
        done = {"state": StepState.DONE, "percent": 100, "note": "", "completed": timezone.now()}
        JobStep.objects.filter(pk=row.pk).update(result=row.result, **done)
        for name, value in done.items():
            setattr(row, name, value)

    def _do(self, step: Step, row: JobStep) -> Any:
        if row.attempts > 1 and step.check:
            found = self._call(step.check)
            if found:
                return found if isinstance(found, dict) else row.result
        return self._call(step.do)

    def _call(self, function: steps.StepFunction) -> Any:
        return steps.call(function, self, self.arguments)

    def _failed(self, step: Step, row: JobStep, error: Exception) -> None:
        if isinstance(error, LostJob):
            raise error
        if isinstance(error, protocol.StaleFence):
            return self._outrun(error)
        if isinstance(error, protocol.Cancelled) and self._is_cancelled():
            return self._cancelled()
        if _is_transient(error) and self._is_patient(step, row):
            pause = min(2 ** min(row.attempts, 6) * 0.25, 10)
            return self._rest(pause, f"{step.title}: {self._said(str(error))} Trying again.")
        reason = _as_cloud_error(error, self.correlation_id)
        log.info("job %s: step %s failed: %s", self.job_uuid, row.name, reason.message)
        with transaction.atomic():
            words = self._said(reason.message)
            self._mark(row, state=StepState.FAILED, note=words)
            self._turn_back(reason.code, words, reason.details)
        return self._back()

    def _is_patient(self, step: Step, row: JobStep) -> bool:
        now = timezone.now()
        since = row.first_failed or now
        if (now - since).total_seconds() >= step.patience_s:
            return False
        self._mark(row, first_failed=since)
        return True

    def _cancelled(self) -> None:
        """Unwind because somebody asked; a job without an error code ends as cancelled."""
        self._turn_back(0, "", None)
        self._back()

    def _turn_back(self, code: int, text: str, details: Any) -> None:
        self._hold(
            phase=Phase.UNWINDING, error_code=code, error_text=text, error_details=details
        )

    def _outrun(self, error: protocol.StaleFence) -> None:
        """A host has seen a higher lease. If the job is still ours, take new ones."""
        log.warning("job %s: %s", self.job_uuid, error)
        self._rest(1, "Another worker held this before; taking over.")

    # -- the way back ------------------------------------------------------------------

    def _back(self) -> None:
        for step, row in reversed(self.plan):
            begun = row.state not in (StepState.PENDING, StepState.UNDONE)
            # What a request changed before its job began is undone by the first step.
            if not begun and not (row.index == 0 and row.state == StepState.PENDING):
                continue
            try:
                self._undo(step, row)
            except Later as later:
                return self._rest(later.seconds, later.note)
            except LostJob:
                raise
            except protocol.StaleFence as error:
                return self._outrun(error)
            except Exception as error:
                return self._undo_failed(step, row, error)
        status = JobStatus.FAILED if self.job.error_code else JobStatus.CANCELLED
        return self._end(status)

    def _undo(self, step: Step, row: JobStep) -> None:
        self._step, self._shown = row, 0.0
        if row.state != StepState.UNDOING:
            self._mark(row, state=StepState.UNDOING, attempts=0)
        if step.undo:
            self._call(step.undo)
        self._mark(row, state=StepState.UNDONE, completed=timezone.now())

    def _undo_failed(self, step: Step, row: JobStep, error: Exception) -> None:
        reason = _as_cloud_error(error, self.correlation_id)
        self._mark(row, attempts=row.attempts + 1)
        if row.attempts >= _TELL_A_PERSON_AFTER:
            troubles.open_trouble(
                "job-cannot-unwind",
                self.job,
                f"{self.job} failed and cannot be undone yet: {step.title}: {reason.message}",
                evidence={"step": row.name, "error": reason.message, "attempts": row.attempts},
                repair="jobs.retry_now",
            )
        pause = min(2 ** min(row.attempts, 8) * 0.25, 30)
        words = self._said(reason.message)
        self._rest(pause, f"Undoing “{step.title}”: {words} Trying again.")

    def _said(self, words: str) -> str:
        """An error as whoever may see the job reads it: where on a host something lies is for
        root administrators (and for the log)."""
        root = self.job.account.role.type == RoleType.ADMIN
        return words if root else without_paths(words)

    # -- what is written ---------------------------------------------------------------

    def _mine(self) -> Any:
        return AsyncJob.objects.filter(pk=self.job.pk, claim=self.job.claim)

    def _hold(self, **changes: Any) -> None:
        """Change the job row if it is still ours."""
        if not self._mine().update(**changes):
            raise LostJob
        for name, value in changes.items():
            setattr(self.job, name, value)
        live.changed(self.job)

    def _write(self, row: JobStep, *, unless_cancelled: bool = False, **changes: Any) -> bool:
        """Change a step's row if the job is still ours."""
        mine = self._mine()
        if unless_cancelled:
            mine = mine.filter(cancel_asked=False)
        if not JobStep.objects.filter(pk=row.pk, job__in=mine).update(**changes):
            return False
        for name, value in changes.items():
            setattr(row, name, value)
        return True

    def _mark(self, row: JobStep, **changes: Any) -> None:
        if not self._write(row, **changes):
            raise LostJob
        live.changed(self.job)

    def _is_cancelled(self) -> bool:
        if not self.cancellable:
            return False
        asked = self._mine().values_list("cancel_asked", flat=True).first()
        if asked is None:
            raise LostJob
        return asked

    def _rest(self, seconds: float, note: str, waits_for: AsyncJob | None = None) -> None:
        due = clock.now() + timedelta(seconds=seconds)
        self._hold(due=due, note=note, worker=None, waits_for=waits_for)

    def _end(self, status: JobStatus, after: JobStep | None = None) -> None:
        unwound = self.job.phase == Phase.UNWINDING
        kept = self.job.sealed if status == JobStatus.DONE else {}
        with transaction.atomic():
            if after is not None:
                self._finish(after)
            self._hold(
                status=status,
                phase=Phase.ENDED,
                completed=timezone.now(),
                note="",
                worker=None,
                sealed={k: v for k, v in kept.items() if k.startswith("reply.")},
            )
            leases.release(self.job)
            if unwound or self.job.stumbles:
                troubles.close_troubles(self.job)
            self._record_end(status)
        live.tell(self.job.instance_type.lower(), str(self.job.instance_uuid), self.job.account_id)
        wake_workers()

    def _record_end(self, status: JobStatus) -> None:
        done = status == JobStatus.DONE
        words = "done" if done else ("cancelled" if status == JobStatus.CANCELLED else "failed")
        why = f": {self.job.error_text}" if self.job.error_text and not done else ""
        level = {JobStatus.DONE: "INFO", JobStatus.CANCELLED: "WARN"}.get(status, "ERROR")
        self._record(f"{words}{why}", level=level)

    def _record(self, words: str, **more: Any) -> None:
        job = self.job
        if not job.event_type:
            return
        events.record(
            job.event_type,
            # It may be another's event than the job: a tenant's, whose machine the house moved.
            without_paths(f"{job.instance_name}: {job.command} {words}"),
            account=self._owner(),
            user_id=job.user_id,
            row=self.subject,
            parent_id=job.event_id,
            correlation_id=job.correlation_id,
            command=job.command,
            job_uuid=job.uuid,
            **more,
        )

    def _owner(self) -> Account:
        """Whose event it is: the subject's account, else the job's."""
        if getattr(self.subject, "account_id", None) in (None, self.job.account_id):
            return self.job.account
        return self.subject.account


def _is_transient(error: Exception) -> bool:
    if isinstance(error, protocol.AgentError):
        return error.transient
    return isinstance(error, OperationalError)


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

