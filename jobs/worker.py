"""The process that runs jobs: one thread claims, a pool works, the heartbeat says alive."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
import time
import uuid as uuids
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from pathlib import Path

from django.db import OperationalError, close_old_connections, connections, transaction
from django.db.models import F

from jobs import clock, schedules, troubles
from jobs.measuring import Meter
from jobs.models import AsyncJob, JobStatus, Worker, WorkerState
from jobs.runner import JobRun
from jobs.wake import wait_for_work, wake_workers

log = logging.getLogger(__name__)

HEARTBEAT_S = 2
DEAD_AFTER_S = 10
POLL_S = 0.25
COMPARED_EVERY_S = 60  # this machine's clock with the database's
_TELL_A_PERSON_AFTER = 5  # runs of one job that ended in a defect

_running_here: set[str] = set()  # names of this process's workers
_states_here: dict[str, str] = {}  # what an operator wants of each, as last heard
_AT_REST = {
    WorkerState.PREPARING_MAINTENANCE: WorkerState.MAINTENANCE,
    WorkerState.PREPARING_SHUTDOWN: WorkerState.READY,
}


def own_state() -> str:
    """What an operator wants of this process: Up, unless one of its workers is to rest."""
    return next((s for s in _states_here.values() if s != WorkerState.UP), WorkerState.UP)


def _end_process() -> None:
    """As systemd would ask it to: the server lets its connections go and stops."""
    os.kill(os.getpid(), signal.SIGTERM)


def _machine() -> str:
    """This boot of this machine: a pid means something only within it."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return boot.read_text().strip() if boot.exists() else socket.gethostname()


class WorkerProcess:
    """Claims and runs jobs until ``stop``. ``with_schedules=False`` leaves recurring work
    alone."""

    PAUSE_S = 1  # before a loop that failed begins again

    def __init__(
        self,
        threads: int = 16,
        *,
        with_schedules: bool = True,
        end: Callable[[], None] = _end_process,
    ) -> None:
        self.threads = threads
        self._end = end
        self._resting = threading.Event()  # takes no new work
        self.with_schedules = with_schedules
        self._slots = threading.Semaphore(threads)
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="job")
        self._recurring = ThreadPoolExecutor(2, thread_name_prefix="schedule")
        self._threads: list[threading.Thread] = []
        self._active: dict[tuple[int, int], Future[None]] = {}  # by job and claim
        self._schedules: set[str] = set()
        self._meter = Meter()
        self._compared = float("-inf")  # when the clocks were
        self._guard = threading.Lock()  # between claiming and being known as active

    def start(self) -> None:
        self.row = _register()
        loops = [self._beat, self._claim] + ([self._recur] if self.with_schedules else [])
        for loop in loops:
            thread = threading.Thread(target=self._go_on, args=(loop,), name=loop.__name__)
            thread.daemon = True
            thread.start()
            self._threads.append(thread)

    def stop(self, timeout_s: float = 5) -> None:
        """Finish the steps at hand as far as time allows; the rest is resumed by the next."""
        self._stopping.set()
        wake_workers()
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.1, deadline - time.monotonic()))
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._recurring.shutdown(wait=False, cancel_futures=True)
        wait(list(self._active.values()), timeout=max(0.1, deadline - time.monotonic()))
        with contextlib.suppress(OperationalError):
            _bury(self.row)
        _running_here.discard(self.row.name)
        _states_here.pop(self.row.name, None)

    def _go_on(self, loop: Callable[[], None]) -> None:
        """A loop outlives a database that is away for a while."""
        while not self._stopping.is_set():
            try:
                loop()
            except OperationalError as error:
                log.warning("database is away (%s); trying again", error)
            except Exception:
                log.exception("worker loop %s failed; going on", loop.__name__)
            finally:
                with contextlib.suppress(Exception):
                    connections.close_all()
            self._stopping.wait(self.PAUSE_S)

    # -- being alive ---------------------------------------------------------------------

    def _beat(self) -> None:
        while not self._stopping.is_set():
            self._compare_clocks()
            if not Worker.objects.filter(pk=self.row.pk).update(heartbeat=clock.now()):
                self._come_back()
            self._meter.keep(self.row)
            self._follow_orders()
            self._let_go_of_forgotten()
            bury_the_dead()
            self._stopping.wait(HEARTBEAT_S)

    def _compare_clocks(self) -> None:
        if time.monotonic() - self._compared < COMPARED_EVERY_S:
            return
        self._compared, ahead = time.monotonic(), clock.ask()
        if not ahead:
            troubles.close_troubles(self.row, "clock")
            return
        words = clock.sentence(socket.gethostname(), ahead)
        log.warning(words)
        seconds = round(ahead.total_seconds(), 1)
        troubles.open_trouble("clock", self.row, words, evidence={"database_ahead_s": seconds})

    def _follow_orders(self) -> None:
        """At rest it takes nothing new and says when it is through; asked to end, it ends."""
        mine = Worker.objects.filter(pk=self.row.pk)
        state, forced = mine.values_list("state", "forced").first() or (WorkerState.UP, False)
        _states_here[self.row.name] = state
        if state == WorkerState.UP:
            self._resting.clear()
            return
        self._resting.set()
        with self._guard:
            is_idle = not self._active and not self._schedules
        if not is_idle and not forced:
            return
        if state in _AT_REST:
            mine.filter(state=state).update(state=_AT_REST[WorkerState(state)])
        elif state == WorkerState.SHUTTING_DOWN:
            log.warning("worker %s was asked to end", self.row.name)
            self._end()

    def _come_back(self) -> None:
        """Somebody declared us dead while we slept; what ran here was taken from us."""
        log.warning("worker %s was taken for dead; coming back as a new one", self.row.name)
        _running_here.discard(self.row.name)
        state = _states_here.pop(self.row.name, WorkerState.UP)
        with self._guard:
            self.row = _register()
        Worker.objects.filter(pk=self.row.pk).update(state=state)

    def _let_go_of_forgotten(self) -> None:
        """What is ours in the tables but not at work here: its run ended while the database
        was away, and nobody could write that down."""
        with self._guard:
            at_work = [pk for pk, _ in self._active]
            jobs = AsyncJob.objects.filter(worker=self.row).exclude(pk__in=at_work)
            # Read first, for there hardly ever is one, and an UPDATE would lock what it passes.
            forgotten = AsyncJob.objects.filter(pk__in=list(jobs.values_list("pk", flat=True)))
            changes = {"worker": None, "claim": F("claim") + 1, "due": clock.now()}
            if forgotten.filter(worker=self.row).update(**changes):
                wake_workers()
            schedules.let_go(self.row, besides=self._schedules)

    # -- working -------------------------------------------------------------------------

    def _claim(self) -> None:
        while not self._stopping.is_set():
            self._slots.acquire()
            if self._resting.is_set() or not self._take_one():
                self._slots.release()
                wait_for_work(POLL_S)

    def _take_one(self) -> bool:
        taken = False
        try:
            with self._guard:
                job = claim(self.row)
                if job is not None and not self._stopping.is_set():
                    self._active[job.pk, job.claim] = self._pool.submit(self._work, job)
                    taken = True
        except BaseException:
            self._slots.release()
            raise
        return taken

    def _work(self, job: AsyncJob) -> None:
        try:
            close_old_connections()
            JobRun(job, self.row, stopping=self._stopping.is_set).go()
        except OperationalError as error:
            log.warning("job %s: database is away (%s)", job.uuid, error)
            self._give_back(job, 1)
        except Exception as error:
            log.exception("job %s: the run ended in a defect", job.uuid)
            self._stumbled(job, error)
        finally:
            with self._guard:
                self._active.pop((job.pk, job.claim), None)
            self._slots.release()
            wake_workers()

    def _stumbled(self, job: AsyncJob, error: Exception) -> None:
        """Try again, ever more slowly; after some times a person is told."""
        count = job.stumbles + 1
        self._give_back(job, min(2.0**count, 60), stumbles=count)
        if count >= _TELL_A_PERSON_AFTER:
            with contextlib.suppress(OperationalError):
                troubles.open_trouble(
                    "job-stumbles",
                    job,
                    f"{job} cannot go on: {error}",
                    evidence={"error": repr(error), "runs": count, "plan": job.plan},
                    repair="jobs.retry_now",
                )

    def _give_back(self, job: AsyncJob, pause_s: float, **changes: object) -> None:
        """If even this cannot be written, ``_let_go_of_forgotten`` will."""
        due = clock.now() + timedelta(seconds=pause_s)
        with contextlib.suppress(OperationalError):
            AsyncJob.objects.filter(pk=job.pk, claim=job.claim).update(
                worker=None, due=due, **changes
            )

    # -- recurring -----------------------------------------------------------------------

    def _recur(self) -> None:
        while not self._stopping.is_set():
            with self._guard:
                claimed = [] if self._resting.is_set() else schedules.claim_due(self.row)
                self._schedules.update(r.name for r in claimed)
            for recurring in claimed:
                self._recurring.submit(self._run_schedule, recurring)
            self._stopping.wait(1)

    def _run_schedule(self, recurring: schedules.Recurring) -> None:
        try:
            close_old_connections()
            schedules.run(recurring)
        except OperationalError as error:
            log.warning("schedule %s: database is away (%s)", recurring.name, error)
        finally:
            with self._guard:
                self._schedules.discard(recurring.name)


def claim(worker: Worker) -> AsyncJob | None:
    """The job that has been due longest, or None. Works on any database: a compare-and-swap
    for each candidate, of which there are several, so that many workers seldom collide."""
    ready = AsyncJob.objects.filter(
        status=JobStatus.PENDING, worker=None, due__lte=clock.now()
    )
    for pk, number in ready.order_by("due", "pk").values_list("pk", "claim")[:8]:
        unclaimed = AsyncJob.objects.filter(pk=pk, worker=None, claim=number)
        try:
            taken = unclaimed.update(worker=worker, claim=number + 1)
        except OperationalError as error:
            if not _collided(error):
                raise
            continue  # another worker was at this very row: the next one will do
        if taken:
            return AsyncJob.objects.get(pk=pk)
    return None


def _collided(error: OperationalError) -> bool:
    """MariaDB's deadlock, or a lock held too long."""
    return bool(error.args) and error.args[0] in (1205, 1213)


def _register(name: str = "") -> Worker:
    """A row for a worker of this process. One that an earlier process of this very pid left
    behind (pids repeat in containers) is dead."""
    clock.ask()
    stale = Worker.objects.filter(machine=_machine(), pid=os.getpid())
    for row in stale.exclude(name__in=_running_here):
        _bury(row)
    name = name or f"{socket.gethostname()}-{os.getpid()}-{uuids.uuid4().hex[:8]}"
    _running_here.add(name)
    return Worker.objects.create(
        name=name, machine=_machine(), pid=os.getpid(), heartbeat=clock.now()
    )


def bury_the_dead() -> int:
    """Free the jobs of workers that stopped beating, or whose process is gone from here."""
    limit = clock.now() - timedelta(seconds=DEAD_AFTER_S)
    here = _machine()
    buried = 0
    for row in Worker.objects.all():
        is_dead = row.heartbeat < limit or (row.machine == here and not _alive(row.pid))
        if is_dead and _bury(row):
            log.warning("worker %s is gone; its jobs go on elsewhere", row.name)
            buried += 1
    if buried:
        wake_workers()
    return buried


def _bury(row: Worker) -> bool:
    """Unless it has beaten since it was looked at. Its runs, should one still go on
    somewhere, hold an old claim from now on."""
    with transaction.atomic():
        same = Worker.objects.select_for_update().filter(pk=row.pk)
        if row.name not in _running_here:
            same = same.filter(heartbeat=row.heartbeat)
        if not same.exists():
            return False
        AsyncJob.objects.filter(worker=row).update(
            worker=None, claim=F("claim") + 1, due=clock.now()
        )
        troubles.close_troubles(row, "clock")
        same.delete()
    return True


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def run_everything(limit: int = 1000) -> int:
    """Run queued jobs to their end in this thread (tests, and ``manage.py`` without a portal).

    Jobs that sleep are woken as soon as nothing else is due, ``limit`` runs in all.
    """
    name = f"inline-{os.getpid()}"
    worker = Worker.objects.filter(name=name).first() or _register(name)
    ran = 0
    while ran < limit:
        Worker.objects.filter(pk=worker.pk).update(heartbeat=clock.now())
        job = claim(worker) or _woken(worker)
        if job is None:
            break
        JobRun(job, worker).go()
        ran += 1
    return ran


def _woken(worker: Worker) -> AsyncJob | None:
    asleep = AsyncJob.objects.filter(status=JobStatus.PENDING, worker=None)
    asleep.update(due=clock.now())
    return claim(worker)
