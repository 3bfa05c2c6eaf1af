"""The process that runs jobs: one thread claims, a pool works, the heartbeat says alive."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import uuid as uuids
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from django.db import OperationalError, close_old_connections, connections
from django.utils import timezone

from jobs import schedules
from jobs.models import AsyncJob, JobStatus, Worker
from jobs.runner import JobRun
from jobs.wake import wait_for_work, wake_workers

log = logging.getLogger(__name__)

HEARTBEAT_S = 2
DEAD_AFTER_S = 10
POLL_S = 1.0


def _machine() -> str:
    """This boot of this machine: a pid means something only within it."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return boot.read_text().strip() if boot.exists() else socket.gethostname()


class WorkerProcess:
    """Claims and runs jobs until ``stop``. ``schedules=False`` leaves recurring work alone."""

    def __init__(self, threads: int = 8, *, with_schedules: bool = True) -> None:
        self.threads = threads
        self.with_schedules = with_schedules
        self._slots = threading.Semaphore(threads)
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="job")
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        self.row = Worker.objects.create(
            name=f"{socket.gethostname()}-{os.getpid()}-{uuids.uuid4().hex[:8]}",
            machine=_machine(),
            pid=os.getpid(),
        )
        loops = [self._beat, self._claim] + ([self._recur] if self.with_schedules else [])
        for loop in loops:
            thread = threading.Thread(target=self._guard, args=(loop,), name=loop.__name__)
            thread.daemon = True
            thread.start()
            self._threads.append(thread)

    def stop(self, timeout_s: float = 5) -> None:
        """Finish the steps at hand as far as time allows; the rest is resumed by the next."""
        self._stopping.set()
        wake_workers()
        for thread in self._threads:
            thread.join(timeout_s)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _guard(self, loop) -> None:
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
            self._stopping.wait(1)

    def _beat(self) -> None:
        while not self._stopping.is_set():
            now = timezone.now()
            if not Worker.objects.filter(pk=self.row.pk).update(heartbeat=now):
                # Declared dead by another worker while we slept: come back as new.
                self.row.pk = None
                self.row.name = f"{self.row.name}-{uuids.uuid4().hex[:4]}"
                self.row.heartbeat = now
                self.row.save()
            bury_the_dead()
            self._stopping.wait(HEARTBEAT_S)

    def _claim(self) -> None:
        while not self._stopping.is_set():
            self._slots.acquire()
            job = claim(self.row)
            if job is None:
                self._slots.release()
                wait_for_work(POLL_S)
                continue
            self._pool.submit(self._work, job)

    def _work(self, job: AsyncJob) -> None:
        try:
            close_old_connections()
            JobRun(job, self.row).go()
        except Exception:
            # The job stays ours and is resumed by whoever finds it without a live worker.
            log.exception("job %s: the worker stumbled", job.uuid)
            with contextlib.suppress(Exception):
                due = timezone.now() + timedelta(seconds=2)
                AsyncJob.objects.filter(pk=job.pk, worker=self.row).update(worker=None, due=due)
        finally:
            self._slots.release()
            wake_workers()

    def _recur(self) -> None:
        while not self._stopping.is_set():
            schedules.run_due()
            self._stopping.wait(POLL_S)


def claim(worker: Worker) -> AsyncJob | None:
    """The job that has been due longest, or None. Works on any database: a CAS per try."""
    for _ in range(5):
        ready = AsyncJob.objects.filter(
            status=JobStatus.PENDING, worker=None, due__lte=timezone.now()
        )
        pk = ready.order_by("due").values_list("pk", flat=True).first()
        if pk is None:
            return None
        if AsyncJob.objects.filter(pk=pk, worker=None).update(worker=worker):
            return AsyncJob.objects.select_related("account", "user").get(pk=pk)
    return None


def bury_the_dead() -> int:
    """Free the jobs of workers that stopped beating, or whose process is gone from here."""
    limit = timezone.now() - timedelta(seconds=DEAD_AFTER_S)
    here = _machine()
    dead = [
        w.pk
        for w in Worker.objects.all()
        if w.heartbeat < limit or (w.machine == here and not _alive(w.pid))
    ]
    if not dead:
        return 0
    AsyncJob.objects.filter(worker__in=dead).update(worker=None)
    Worker.objects.filter(pk__in=dead).delete()
    wake_workers()
    return len(dead)


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

    Jobs that sleep are woken at once, each at most ``limit`` times in all.
    """
    worker, _ = Worker.objects.get_or_create(
        name=f"inline-{os.getpid()}", machine=_machine(), pid=os.getpid()
    )
    ran = 0
    while ran < limit:
        AsyncJob.objects.filter(status=JobStatus.PENDING, worker=None).update(due=timezone.now())
        job = claim(worker)
        if job is None:
            break
        JobRun(job, worker).go()
        ran += 1
    return ran
