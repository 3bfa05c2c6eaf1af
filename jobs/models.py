"""Work that outlives a request: jobs, their steps, who holds what, what runs when, what
happened. The tables are the truth in every shape the portal runs in."""

from __future__ import annotations

import uuid as uuids
from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models import Account, Domain, OfProject, Owned, User
from accounts.querysets import AdminQuerySet, OwnedQuerySet


class JobStatus(models.IntegerChoices):
    """CloudStack's jobstatus numbers."""

    PENDING = 0
    DONE = 1
    FAILED = 2
    CANCELLED = 3


class Phase(models.TextChoices):
    """Which way a job goes. One without a worker may be claimed from ``due`` on."""

    QUEUED = "queued"
    RUNNING = "running"
    UNWINDING = "unwinding"
    ENDED = "ended"


class AsyncJob(Owned):
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="jobs")
    of_project = OfProject()
    command = models.CharField(max_length=100)
    plan = models.CharField(max_length=200)
    # {"__row__": label, "pk": n} for rows, plain JSON for the rest; never a secret.
    subject = models.JSONField()
    args = models.JSONField(default=dict)
    resources = models.JSONField(default=list)  # lease names, sorted
    sealed = models.JSONField(default=dict)  # sealed secrets; emptied when the job ends
    response_row = models.JSONField(null=True)  # the row to show; null: the subject
    event_type = models.CharField(max_length=64, blank=True)
    event = models.ForeignKey(
        "Event", null=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False
    )
    instance_type = models.CharField(max_length=64, blank=True)
    instance_uuid = models.UUIDField(null=True, db_index=True)
    instance_name = models.CharField(max_length=255, blank=True)
    status = models.PositiveSmallIntegerField(choices=JobStatus, default=JobStatus.PENDING)
    phase = models.CharField(max_length=12, choices=Phase, default=Phase.QUEUED)
    due = models.DateTimeField(default=timezone.now)
    worker = models.ForeignKey("Worker", null=True, on_delete=models.SET_NULL, related_name="jobs")
    # Grows whenever the job is claimed or taken away: what a run writes must carry its number.
    claim = models.PositiveIntegerField(default=0)
    stumbles = models.PositiveIntegerField(default=0)  # runs that ended in a defect
    waits_for = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    cancel_asked = models.BooleanField(default=False)
    error_code = models.PositiveSmallIntegerField(default=0)
    error_text = models.TextField(blank=True)
    error_details = models.JSONField(null=True)
    note = models.TextField(blank=True)  # what it waits for, in a sentence
    started = models.DateTimeField(null=True)
    completed = models.DateTimeField(null=True)
    correlation_id = models.CharField(max_length=36, db_index=True)

    objects = models.Manager.from_queryset(OwnedQuerySet)()

    class Meta:
        indexes = [
            models.Index(fields=["status", "worker", "due"], name="job_claim"),
            models.Index(fields=["account", "created"], name="job_by_account"),
            models.Index(fields=["completed"], name="job_completed"),
            models.Index(fields=["of_project"], name="job_listed"),
        ]

    def __str__(self) -> str:
        return f"{self.command or self.plan} of {self.instance_name}"


class StepState(models.TextChoices):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"


class JobStep(models.Model):
    OWNER: ClassVar[str] = "job__account"
    job = models.ForeignKey(AsyncJob, on_delete=models.CASCADE, related_name="steps")
    index = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=100)
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=12, choices=StepState, default=StepState.PENDING)
    percent = models.FloatField(default=0)
    note = models.TextField(blank=True)
    result = models.JSONField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    first_failed = models.DateTimeField(null=True)
    started = models.DateTimeField(null=True)
    completed = models.DateTimeField(null=True)

    objects = models.Manager.from_queryset(OwnedQuerySet)()

    class Meta:
        ordering = ["index"]
        constraints = [models.UniqueConstraint(fields=["job", "index"], name="step_once")]


class WorkerState(models.TextChoices):
    """CloudStack's states of a management server."""

    UP = "Up"
    PREPARING_MAINTENANCE = "PreparingForMaintenance"
    MAINTENANCE = "Maintenance"
    PREPARING_SHUTDOWN = "PreparingForShutDown"
    READY = "ReadyToShutDown"
    SHUTTING_DOWN = "ShuttingDown"


_SERVERS = uuids.UUID("b4a55d0e-0d6a-5a43-a7a0-6f0b39ad4a3c")


class Worker(models.Model):
    """A process that runs jobs. One that stops beating is dead and its jobs are taken over."""

    name = models.CharField(max_length=255, unique=True)
    machine = models.CharField(max_length=64)  # boot id: pids mean something only within it
    pid = models.PositiveIntegerField()
    heartbeat = models.DateTimeField(default=timezone.now, db_index=True)
    started = models.DateTimeField(default=timezone.now)
    # Up takes jobs. The others take none: an operator wants it at rest, or to end.
    state = models.CharField(max_length=32, choices=WorkerState, default=WorkerState.UP)
    forced = models.BooleanField(default=False)  # ends without waiting for its jobs

    objects = models.Manager.from_queryset(AdminQuerySet)()

    def __str__(self) -> str:
        return self.name

    @property
    def uuid(self) -> uuids.UUID:
        """The same for as long as the process runs; a new one is a new server."""
        return uuids.uuid5(_SERVERS, self.name)


class WorkerSample(models.Model):
    """What a worker's process last measured of itself and its machine."""

    worker = models.OneToOneField(Worker, on_delete=models.CASCADE, related_name="sample")
    at = models.DateTimeField(default=timezone.now)
    cpu_percent = models.FloatField(default=0)  # of one CPU
    memory_bytes = models.BigIntegerField(default=0)
    threads = models.PositiveIntegerField(default=0)
    cpus = models.PositiveIntegerField(default=0)
    load_1m = models.FloatField(default=0)
    load_5m = models.FloatField(default=0)
    load_15m = models.FloatField(default=0)
    memory_total_bytes = models.BigIntegerField(default=0)
    memory_free_bytes = models.BigIntegerField(default=0)
    kernel = models.CharField(max_length=255, blank=True)
    system = models.CharField(max_length=255, blank=True)  # the distribution, in its own words
    address = models.CharField(max_length=64, blank=True)
    booted = models.DateTimeField(null=True)

    objects = models.Manager.from_queryset(AdminQuerySet)()


class Lease(models.Model):
    """One row per resource that is or was worked on. ``number`` is the fencing number: it
    grows each time the lease is taken, and hosts refuse a lower one than they have seen."""

    resource = models.CharField(max_length=100, unique=True)  # "virtualmachine:<uuid>"
    number = models.PositiveBigIntegerField(default=0)
    job = models.ForeignKey(AsyncJob, null=True, on_delete=models.SET_NULL, related_name="leases")

    objects = models.Manager.from_queryset(AdminQuerySet)()


class Schedule(models.Model):
    """Something that runs again and again: a registered function and when it is due."""

    name = models.CharField(max_length=100, unique=True)
    interval_s = models.PositiveIntegerField()
    due = models.DateTimeField(default=timezone.now, db_index=True)
    last_run = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    last_duration_ms = models.PositiveIntegerField(default=0)
    # Who is at it now: a run that outlasts its interval is not begun a second time.
    worker = models.ForeignKey(Worker, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = models.Manager.from_queryset(AdminQuerySet)()


class Event(Owned):
    """What happened, to what, by whom; written in the transaction that did it."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="events")
    of_project = OfProject()
    domain = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    type = models.CharField(max_length=64)
    level = models.CharField(max_length=8, default="INFO")  # INFO, WARN, ERROR
    state = models.CharField(max_length=10, default="Completed")
    description = models.TextField()
    resource_type = models.CharField(max_length=64, blank=True)
    resource_uuid = models.UUIDField(null=True, db_index=True)
    resource_name = models.CharField(max_length=255, blank=True)
    # No constraint: old events are purged in bulk, and a link to one that is gone says nothing.
    parent = models.ForeignKey(
        "self", null=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False
    )
    archived = models.BooleanField(default=False)
    correlation_id = models.CharField(max_length=36, blank=True, db_index=True)
    job_uuid = models.UUIDField(null=True)  # jobs are forgotten sooner than what they did
    # What an auditor asks besides: by which call, and from where.
    command = models.CharField(max_length=100, blank=True)
    address = models.CharField(max_length=64, blank=True)

    objects = models.Manager.from_queryset(OwnedQuerySet)()

    class Meta:
        indexes = [
            models.Index(fields=["account", "created"], name="event_by_account"),
            models.Index(fields=["created"], name="event_by_time"),
            models.Index(fields=["archived", "of_project"], name="event_listed"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.resource_name}".strip()


class SyslogCursor(models.Model):
    """Up to which event the syslog server has been told; there is one row, or none."""

    last_event = models.BigIntegerField()

    objects = models.Manager.from_queryset(AdminQuerySet)()


class Trouble(models.Model):
    """*Needs attention*: what the reconciler found and would not mend by itself.

    ``evidence`` is what was wanted and what was seen; ``repair`` names a registered repair
    that a person may start. One row per problem and thing, closed when it is gone.
    """

    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=64)
    resource_type = models.CharField(max_length=64)
    resource_uuid = models.UUIDField()
    resource_name = models.CharField(max_length=255, blank=True)
    sentence = models.TextField()
    evidence = models.JSONField(default=dict)
    repair = models.CharField(max_length=100, blank=True)
    first_seen = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(default=timezone.now)
    closed = models.DateTimeField(null=True, db_index=True)

    objects = models.Manager.from_queryset(AdminQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "resource_uuid"], name="trouble_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.resource_name}"
