from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.db.models import QuerySet

from accounts.caller import Caller
from core.commands import USER, AdminOnly, Filter, Operate, Read, command, listing
from jobs import cancel, responses
from jobs.models import AsyncJob
from jobs.resources import about


@command(roles=USER, response=responses.asyncjob)
def queryAsyncJobResult(
    caller: Caller,
    jobid: Annotated[AsyncJob, Read, "The job asked about"],
) -> AsyncJob:
    """What a job has come to; also its steps, while it runs."""
    return jobid


@listing(
    AsyncJob,
    response=responses.asyncjobs,
    roles=USER,
    keyword=("command", "instance_name"),
    order=("-pk",),
    groups=lambda arguments: None if arguments.get("steps") else frozenset(),
)
def listAsyncJobs(
    caller: Caller,
    rows: QuerySet,
    startdate: Annotated[datetime | None, Filter("created__gte"), "Only those begun since"] = None,
    resourceid: Annotated[str | None, "Only those about this thing, by its uuid"] = None,
    resourcetype: Annotated[str | None, Filter("instance_type"), "Only about such things"] = None,
    steps: Annotated[bool, "Show the steps of each as well (cloudportal's own)"] = False,
) -> QuerySet:
    """Lists jobs, the latest first."""
    return about(rows, "instance_uuid", resourceid)


@command(roles=USER, event="ASYNCJOB.CANCEL", response=responses.asyncjob)
def cancelAsyncJob(
    caller: Caller,
    jobid: Annotated[AsyncJob, Operate, "The job to cancel"],
    forced: Annotated[
        bool, AdminOnly, "Give up one that can go neither forward nor back, without undoing it"
    ] = False,
) -> AsyncJob:
    """Stops a job at its next step and undoes what it did. (A command of cloudportal's own.)"""
    if forced:
        cancel.give_up(jobid)
    else:
        cancel.cancel(jobid)
    return jobid
