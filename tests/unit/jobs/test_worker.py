"""The worker with real threads and a real database file; what a crash leaves is in
``test_killed``."""

import os
import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from core.steps import Plan
from jobs import schedules, worker
from jobs.models import AsyncJob, JobStatus, Lease, Schedule, Trouble, Worker
from jobs.runner import JobRun
from jobs.submit import submit
from jobs.worker import WorkerProcess, bury_the_dead, claim
from tests.factories import make_account
from tests.unit.jobs import toys

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world():
    return toys.reset()


@contextmanager
def working(threads=4, **options):
    process = WorkerProcess(threads, with_schedules=options.pop("with_schedules", False))
    process.start()
    try:
        yield process
    finally:
        process.stop()


def ask(plan=toys.toy) -> AsyncJob:
    account = make_account()
    return submit(Plan(plan, account), account=account, command="toyCommand")


def until(condition, seconds=10.0) -> float:
    """Waits for the condition; returns how long that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it took too long"
        time.sleep(0.005)
    return time.monotonic() - began


def ended(*jobs) -> bool:
    return not AsyncJob.objects.filter(
        pk__in=[j.pk for j in jobs], status=JobStatus.PENDING
    ).exists()


def test_a_worker_is_woken_at_once(world, monkeypatch):
    monkeypatch.setattr(worker, "POLL_S", 60)
    with working():
        until(lambda: Worker.objects.exists())
        time.sleep(0.05)
        job = ask()
        assert until(lambda: ended(job)) < 5
    assert not Lease.objects.exclude(job=None).exists()


def test_many_jobs_run_once_each_on_few_threads(world):
    jobs = [ask() for _ in range(20)]
    with working(3):
        until(lambda: ended(*jobs), 30)
    assert sorted(world.done) == sorted(["first", "second", "third"] * 20)
    assert set(AsyncJob.objects.values_list("status", flat=True)) == {JobStatus.DONE}


def test_two_workers_share_the_work(world):
    jobs = [ask() for _ in range(20)]
    with working(2), working(2):
        until(lambda: ended(*jobs), 30)
    assert len(world.done) == 60


def test_stopping_leaves_what_is_not_done_to_the_next(world):
    began, go_on = threading.Event(), threading.Event()

    def hold(name):
        if name == "first":
            began.set()
            go_on.wait(10)

    world.after = hold
    job = ask()
    process = WorkerProcess(2, with_schedules=False)
    process.start()
    began.wait(10)
    threading.Timer(0.1, go_on.set).start()
    process.stop()
    job.refresh_from_db()
    assert (job.status, job.worker) == (JobStatus.PENDING, None)
    assert world.done == ["first"]
    assert not Worker.objects.exists()
    with working():
        until(lambda: ended(job))
    assert world.done == ["first", "second", "third"]


def test_a_job_outlives_a_database_that_is_away(world, monkeypatch):
    """The run ends in an error, and giving the job back cannot be written either."""
    monkeypatch.setattr(worker, "HEARTBEAT_S", 0.05)
    away = [True]
    really_give_back = WorkerProcess._give_back

    def give_back(self, job, pause_s, **changes):
        if not away[0]:
            really_give_back(self, job, pause_s, **changes)

    monkeypatch.setattr(WorkerProcess, "_give_back", give_back)
    really_mark = JobRun._mark

    def mark(self, row, **changes):
        if away[0]:
            raise OperationalError("server has gone away")
        really_mark(self, row, **changes)

    monkeypatch.setattr(JobRun, "_mark", mark)
    job = ask()
    with working():
        until(lambda: "first" in world.done)
        time.sleep(0.2)
        away[0] = False
        until(lambda: ended(job))
    job.refresh_from_db()
    assert job.status == JobStatus.DONE
    assert job.stumbles == 0


def test_the_loops_outlive_a_database_that_is_away(world, monkeypatch):
    left = [3]
    really = worker.claim

    def broken(row):
        if left[0]:
            left[0] -= 1
            raise OperationalError("database is locked")
        return really(row)

    monkeypatch.setattr(worker, "claim", broken)
    monkeypatch.setattr(WorkerProcess, "PAUSE_S", 0.02)
    job = ask()
    with working(1):
        until(lambda: ended(job))


def test_a_job_that_nobody_can_run_is_shown_to_a_person(world, monkeypatch):
    """Its plan is gone, as after an upgrade: it is tried, ever more slowly, and not lost."""
    job = ask()
    AsyncJob.objects.filter(pk=job.pk).update(plan="gone.plan", stumbles=4)
    with working():
        until(lambda: Trouble.objects.filter(resource_uuid=job.uuid).exists())
        job.refresh_from_db()
    assert (job.status, job.stumbles, job.worker) == (JobStatus.PENDING, 5, None)
    assert job.due > timezone.now() + timedelta(seconds=20)
    AsyncJob.objects.filter(pk=job.pk).update(plan="tests.unit.jobs.toys.toy", due=timezone.now())
    with working():
        until(lambda: ended(job))
    assert not Trouble.objects.filter(closed=None).exists()


# -- who is alive ------------------------------------------------------------------------------


def other_worker(**facts) -> Worker:
    facts = {"name": "other", "machine": "elsewhere", "pid": 1, **facts}
    return Worker.objects.create(**facts)


def test_a_worker_that_stopped_beating_is_buried():
    dead = other_worker(heartbeat=timezone.now() - timedelta(seconds=11))
    other_worker(name="alive")
    job = ask()
    AsyncJob.objects.filter(pk=job.pk).update(worker=dead, claim=7)
    assert bury_the_dead() == 1
    job.refresh_from_db()
    assert (job.worker, job.claim) == (None, 8)
    assert Worker.objects.get().name == "alive"


def test_a_worker_whose_process_is_gone_from_here_is_buried_at_once():
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    other_worker(machine=worker._machine(), pid=child)
    assert bury_the_dead() == 1


def test_a_worker_of_an_earlier_process_with_our_pid_is_buried_at_the_start():
    """In a container every portal has the same pid."""
    dead = other_worker(machine=worker._machine(), pid=os.getpid())
    job = ask()
    AsyncJob.objects.filter(pk=job.pk).update(worker=dead)
    with working():
        until(lambda: ended(job))
    assert not Worker.objects.filter(pk=dead.pk).exists()


def test_one_taken_for_dead_comes_back_as_another(world, monkeypatch):
    monkeypatch.setattr(worker, "HEARTBEAT_S", 0.02)
    with working() as process:
        old = process.row.pk
        worker._bury(process.row)  # not a bare deletion: it beats and measures meanwhile
        until(lambda: process.row.pk != old)
        job = ask()
        until(lambda: ended(job))


def test_a_job_is_claimed_by_one_of_two():
    ask()
    assert claim(other_worker()) is not None
    assert claim(other_worker(name="another")) is None


# -- schedules -----------------------------------------------------------------------------------


@pytest.fixture
def recurring(monkeypatch):
    """A registry of its own, with one thing in it that notes when it runs."""
    monkeypatch.setattr(schedules, "RECURRING", {})
    ran = []
    schedules.every(60, "toy")(lambda: ran.append(1))
    return ran


def make_due():
    Schedule.objects.update(due=timezone.now() - timedelta(seconds=1))


def test_a_schedule_runs_when_it_is_due_and_not_before(recurring):
    assert schedules.run_due() == 1
    assert schedules.run_due() == 0
    make_due()
    assert schedules.run_due() == 1
    assert len(recurring) == 2
    row = Schedule.objects.get()
    assert row.due > timezone.now() + timedelta(seconds=50)


def test_of_many_workers_one_runs_it(recurring):
    with working(1, with_schedules=True), working(1, with_schedules=True):
        until(lambda: recurring)
        time.sleep(0.3)
    assert len(recurring) == 1


def test_one_that_outlasts_its_interval_is_not_begun_again(recurring):
    one, two = other_worker(), other_worker(name="another")
    assert len(schedules.claim_due(one)) == 1
    make_due()
    assert schedules.claim_due(two) == []
    worker._bury(one)
    assert len(schedules.claim_due(two)) == 1


def test_a_failure_is_kept_on_its_row_and_the_next_time_comes(recurring, caplog):
    def fail():
        raise ValueError("no pool")

    schedules.every(60, "broken")(fail)
    assert schedules.run_due() == 2
    row = Schedule.objects.get(name="broken")
    assert row.last_error == "ValueError: no pool"
    assert row.worker is None
    make_due()
    assert schedules.run_due() == 2


def test_a_changed_interval_counts_at_once(recurring):
    ran, seconds = [], [3600]
    schedules.every(lambda: seconds[0], "often")(lambda: ran.append(1))
    schedules.run_due()
    often = Schedule.objects.filter(name="often")
    often.update(last_run=timezone.now() - timedelta(seconds=300))
    seconds[0] = 600
    schedules.run_due()
    assert ran == [1]
    left = often.get().due - timezone.now()
    assert timedelta(seconds=290) < left <= timedelta(seconds=300)
    seconds[0] = 60
    schedules.run_due()
    assert ran == [1, 1]
    seconds[0] = 7200
    schedules.run_due()
    assert often.get().due > timezone.now() + timedelta(seconds=7000)


def test_what_is_switched_off_waits_and_what_is_switched_on_again_does_not(recurring):
    ran, seconds = [], [3600]
    schedules.every(lambda: seconds[0], "switched")(lambda: ran.append(1))
    schedules.run_due()
    Schedule.objects.update(last_run=timezone.now() - timedelta(seconds=300))
    seconds[0] = 0
    schedules.run_due()
    make_due()
    schedules.run_due()
    assert ran == [1]
    seconds[0] = 120
    schedules.run_due()
    assert ran == [1, 1]


def test_an_interval_of_zero_means_never(monkeypatch, recurring):
    ran, seconds = [], [0]
    schedules.every(lambda: seconds[0], "off")(lambda: ran.append(1))
    schedules.run_due()
    assert ran == []
    seconds[0] = 5
    make_due()
    schedules.run_due()
    assert ran == [1]
