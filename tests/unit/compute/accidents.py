"""Accidents at every point of a job: an operation that fails, and a worker that dies.

A point is one call to a host (before it takes effect, or after, with its answer lost) or one
step of the plan (before it begins, or after it ended and before that was written down).
"""

import itertools
from contextlib import contextmanager

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from agent import protocol
from agent.drivers.world import World
from agent.operations import AgentConfig, simulated_agent
from core import steps
from infra import agents
from jobs.models import AsyncJob, JobStatus
from jobs.worker import run_everything


class Killed(BaseException):
    """kill -9, as far as the database and the hosts can tell."""


@contextmanager
def rolled_back():
    """Everything the block writes is gone after it, so that a loop always begins alike."""
    point = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(point)


@contextmanager
def fresh_world(tmp_path):
    """A simulated world of its own for one turn of a loop."""
    world = World()

    def agent_of(host):
        config = AgentConfig(data=tmp_path, name=host.name, host_uuid=str(host.uuid))
        return simulated_agent(config, world)

    agents.use_simulated(agent_of)
    try:
        yield world
    finally:
        agents.use_simulated(None)


def calls_of(world, monkeypatch):
    """Records the operations that hosts are asked for, in order."""
    seen = []
    real = agents.call

    def recording(host, operation, argument=None, run=None):
        seen.append(operation)
        return real(host, operation, argument, run)

    monkeypatch.setattr(agents, "call", recording)
    return seen


@contextmanager
def accident_at_call(number, when, error, monkeypatch):
    """``error`` at the ``number``-th call to any host, before or after it takes effect."""
    count = itertools.count()
    real = agents.call

    def failing(host, operation, argument=None, run=None):
        here = next(count) == number
        if here and when == "before":
            raise error
        try:
            return real(host, operation, argument, run)
        finally:
            if here:  # instead of its answer, good or bad
                raise error

    with monkeypatch.context() as patch:
        patch.setattr(agents, "call", failing)
        yield


@contextmanager
def death_at_step(name, when, monkeypatch):
    """The worker dies in the step of this name, once."""
    armed = [True]
    real = steps.call

    def deadly(function, run, arguments):
        here = armed[0] and function.__name__ == name
        if here and when == "before":
            armed[0] = False
            raise Killed
        result = real(function, run, arguments)
        if here:
            armed[0] = False
            raise Killed
        return result

    with monkeypatch.context() as patch:
        patch.setattr(steps, "call", deadly)
        yield


def run_until_death():
    try:
        run_everything()
    except Killed:
        bury()
        return True
    return False


def bury():
    """What the next worker does to the jobs of one that stopped beating."""
    AsyncJob.objects.filter(status=JobStatus.PENDING).update(
        worker=None, claim=F("claim") + 1, due=timezone.now()
    )


FAILURE = protocol.OperationFailed("The hypervisor said no.")
SILENCE = protocol.HostUnavailable("No agent answers.")
