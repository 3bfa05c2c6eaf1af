"""Machines of one portal whose clocks disagree: the database's counts."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from jobs import clock, worker
from jobs.models import AsyncJob, Trouble, Worker
from jobs.worker import WorkerProcess, bury_the_dead, claim
from tests.unit.jobs import toys
from tests.unit.jobs.test_worker import ask, other_worker

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
real_now = timezone.now


@pytest.fixture(autouse=True)
def world():
    yield toys.reset()
    clock._ahead = timedelta()


@pytest.fixture(params=[HOUR, -HOUR], ids=["fast", "slow"])
def off(request, monkeypatch):
    """This machine's clock is an hour fast, or slow; the database's is right."""
    monkeypatch.setattr(clock.timezone, "now", lambda: real_now() + request.param)
    if connection.vendor != "mysql":  # MariaDB tells the real time by itself
        monkeypatch.setattr(clock, "_of_database", lambda: datetime.now(UTC))
    clock.ask()
    return request.param


def test_an_hour_off_one_neither_buries_the_others_nor_looks_dead_to_them(off):
    other_worker(name="right", heartbeat=datetime.now(UTC))
    mine = worker._register()
    assert abs(mine.heartbeat - datetime.now(UTC)) < timedelta(seconds=2)
    assert bury_the_dead() == 0
    other_worker(name="dead", heartbeat=datetime.now(UTC) - timedelta(seconds=11))
    assert bury_the_dead() == 1


def test_what_it_puts_in_the_queue_is_due_now_for_everybody(off):
    job = ask()
    assert abs(job.due - datetime.now(UTC)) < timedelta(seconds=2)
    AsyncJob.objects.filter(pk=job.pk).update(due=datetime.now(UTC))
    assert claim(other_worker()) is not None


def test_a_person_is_told_until_it_is_set_right(off, monkeypatch):
    process = WorkerProcess(1, with_schedules=False)
    process.row = other_worker(name="cloud-2-17-ab")
    process._compare_clocks()
    (told,) = Trouble.objects.filter(closed=None)
    side = "ahead of" if off > timedelta() else "behind"
    assert f"is 3600 seconds {side} the database's" in told.sentence
    assert told.resource_uuid == process.row.uuid
    monkeypatch.setattr(clock.timezone, "now", real_now)
    process._compare_clocks()  # not before its time
    assert Trouble.objects.filter(closed=None).exists()
    process._compared = float("-inf")
    process._compare_clocks()
    assert not Trouble.objects.filter(closed=None).exists()


def test_a_trouble_goes_with_the_process_it_is_about(off):
    process = WorkerProcess(1, with_schedules=False)
    process.row = other_worker(name="cloud-2-17-ab", heartbeat=datetime.now(UTC) - HOUR)
    process._compare_clocks()
    assert bury_the_dead() == 1
    assert not Trouble.objects.filter(closed=None).exists()
    assert not Worker.objects.exists()


def test_time_does_not_waver_by_how_long_the_database_took_to_answer(monkeypatch):
    monkeypatch.setattr(clock, "_of_database", lambda: datetime.now(UTC) - timedelta(seconds=2))
    assert clock.ask() == timedelta()
    before = real_now()
    assert clock.now() >= before
