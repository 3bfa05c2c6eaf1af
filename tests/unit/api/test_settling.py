"""Calls whose job CloudStack would have awaited are answered when it has ended."""

import pytest

from api import settling
from core.commands import COMMANDS
from jobs.models import AsyncJob, JobStatus, Worker
from jobs.worker import run_everything
from tests import factories
from tests.unit.api.test_http import Signing, sole

pytestmark = pytest.mark.django_db


@pytest.fixture
def working(monkeypatch):
    """A worker that does what there is to do whenever the wire waits."""
    Worker.objects.create(name="w", machine="m", pid=1)
    monkeypatch.setattr(settling.time, "sleep", lambda _s: run_everything())


@pytest.fixture
def place(world):
    host = factories.make_host()
    return {"zoneid": host.zone.uuid, "podid": host.pod.uuid, "clusterid": host.cluster.uuid}


def add_host(place, **more):
    admin = Signing(factories.admin(), post=True)
    given = {k: str(v) for k, v in place.items()}
    return admin("addHost", hypervisor="Simulator", url="http://sim-9", **given, **more)


def test_it_is_answered_as_it_is_when_the_job_has_ended(place, working):
    body = sole(add_host(place))[1]
    assert body["host"][0]["state"] == "Up"


def test_the_jobs_refusal_is_the_calls(world, place, working, monkeypatch):
    def fail(_s):
        AsyncJob.objects.update(status=JobStatus.FAILED, error_code=533, error_text="Not fit.")

    monkeypatch.setattr(settling.time, "sleep", fail)
    response = add_host(place)
    assert response.status_code == 533
    assert sole(response)[1]["errortext"] == "Not fit."


def test_without_a_worker_nobody_waits(place):
    body = sole(add_host(place))[1]
    assert body["host"][0]["state"] == "Connecting"


def test_patience_ends(place, working, monkeypatch):
    monkeypatch.setattr(settling, "PATIENCE_S", -1)
    body = sole(add_host(place))[1]
    assert body["host"][0]["state"] == "Connecting"


def test_only_so_many_wait_at_once(place, working):
    taken = [settling._AT_ONCE.acquire(blocking=False) for _ in range(3)]
    try:
        assert taken == [True, True, True]
        assert sole(add_host(place))[1]["host"][0]["state"] == "Connecting"
    finally:
        for _ in taken:
            settling._AT_ONCE.release()


def test_a_trial_waits_for_nothing(place, working):
    assert sole(add_host(place, dryrun="true"))[1]["host"][0]["state"] == "Connecting"


def test_they_are_commands_that_answer_at_once():
    for name in settling.SETTLED:
        assert not COMMANDS[name].is_async
