"""Fails, or kills the worker of, one step of a plan: before it, or when it is done but unsaid."""

import contextlib
import functools
from dataclasses import replace
from datetime import timedelta

from django.utils import timezone

from agent import protocol as p
from core import steps
from jobs.models import AsyncJob, JobStatus, Worker
from jobs.runner import JobRun
from jobs.worker import claim, run_everything


class Killed(BaseException):
    """kill -9, as far as a thread can have it."""


BROKEN = p.OperationFailed("the disk says no")


def disturb(monkeypatch, kind, index: int, error: BaseException, *, when: str, times: int = 1):
    """Have step ``index`` of plan ``kind`` raise ``error``, ``when`` before or after its work."""
    left = [times]
    registered = steps.PLANS[steps.plan_name(kind)]

    def build(*args, **kwargs):
        found = list(registered.build(*args, **kwargs))
        found[index] = replace(found[index], do=disturbed(found[index].do))
        return found

    def disturbed(do):
        @functools.wraps(do)
        def act(*args, **kwargs):
            if when == "before" and left[0]:
                left[0] -= 1
                raise error
            result = do(*args, **kwargs)
            if left[0]:
                left[0] -= 1
                raise error
            return result

        return act

    functools.update_wrapper(build, registered.build)
    monkeypatch.setitem(steps.PLANS, registered.name, replace(registered, build=build))


def impatient(monkeypatch, kind) -> None:
    """A failure that may pass by itself has lasted too long already."""
    registered = steps.PLANS[steps.plan_name(kind)]

    def build(*args, **kwargs):
        return [replace(step, patience_s=-1) for step in registered.build(*args, **kwargs)]

    functools.update_wrapper(build, registered.build)
    monkeypatch.setitem(steps.PLANS, registered.name, replace(registered, build=build))


def run_killed() -> AsyncJob:
    """One worker runs until it is killed; the next finds the job and ends it."""
    AsyncJob.objects.filter(status=JobStatus.PENDING).update(
        due=timezone.now() - timedelta(seconds=1)
    )
    worker = Worker.objects.create(name=f"doomed-{Worker.objects.count()}", machine="x", pid=1)
    job = claim(worker)
    with contextlib.suppress(Killed):
        JobRun(job, worker).go()
    AsyncJob.objects.filter(worker=worker).update(worker=None)
    worker.delete()
    run_everything()
    job.refresh_from_db()
    return job
