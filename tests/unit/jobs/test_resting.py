"""Processes of the portal that are taken out of work."""

import threading
import time

import pytest

from api.dispatch import execute
from core.errors import NoSuchObject, NotAllowedInState
from jobs.models import AsyncJob, Worker, WorkerSample, WorkerState
from jobs.worker import WorkerProcess
from tests.factories import admin_caller

pytestmark = pytest.mark.django_db(transaction=True)


def ask(command, worker):
    given = {"managementserverid": str(worker.uuid)}
    return execute(admin_caller(), command, given).value


def until(check, seconds=15):
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def process(monkeypatch):
    monkeypatch.setattr("jobs.worker.HEARTBEAT_S", 0.1)
    ended = threading.Event()
    worker = WorkerProcess(2, with_schedules=False, end=ended.set)
    worker.ended = ended
    worker.start()
    yield worker
    worker.stop()


def state(process):
    return Worker.objects.values_list("state", flat=True).get(pk=process.row.pk)


def job():
    return AsyncJob.objects.create(
        account=admin_caller().account, plan="nobody.knows", subject={}, correlation_id="c" * 8
    )


def test_a_process_at_rest_takes_no_jobs_until_it_is_called_back(process):
    other = Worker.objects.create(name="other", machine="elsewhere", pid=1)
    found = ask("prepareForMaintenance", process.row)
    assert (found["state"], found["maintenanceinitiated"]) == ("PreparingForMaintenance", True)
    until(lambda: state(process) == WorkerState.MAINTENANCE)
    waiting = job()
    time.sleep(1)
    waiting.refresh_from_db()
    assert waiting.claim == 0
    Worker.objects.filter(pk=other.pk).delete()
    assert ask("cancelMaintenance", process.row)["state"] == "Up"
    until(lambda: AsyncJob.objects.get(pk=waiting.pk).claim > 0)


def test_the_last_one_at_work_may_not_rest(process):
    with pytest.raises(NotAllowedInState, match="No other process"):
        ask("prepareForMaintenance", process.row)
    with pytest.raises(NotAllowedInState):
        ask("cancelMaintenance", process.row)


def test_a_process_says_when_it_can_be_stopped_and_stops_when_told(process):
    assert ask("readyForShutdown", process.row)["readyforshutdown"] is False
    ask("prepareForShutdown", process.row)
    until(lambda: ask("readyForShutdown", process.row)["readyforshutdown"])
    assert not process.ended.is_set()
    assert ask("cancelShutdown", process.row)["state"] == "Up"
    assert ask("triggerShutdown", process.row)["shutdowntriggered"] is True
    assert process.ended.wait(10)


def test_it_keeps_what_it_measures_of_itself(process):
    until(lambda: WorkerSample.objects.filter(worker=process.row).exists())
    sample = WorkerSample.objects.get(worker=process.row)
    assert sample.memory_bytes > 10 * 2**20
    assert sample.memory_total_bytes > sample.memory_free_bytes > 0
    assert sample.cpus >= 1


def test_nobody_rests_who_is_not_there():
    worker = Worker(name="never was")
    with pytest.raises(NoSuchObject):
        ask("triggerShutdown", worker)
