"""The machines that run guests: what they are, what they give and what they said last."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone

from accounts.models import Entity
from accounts.querysets import AdminQuerySet, LiveManager
from infra.models.places import Cluster, Pod, Zone
from infra.states import RESOURCE_STATE, STATUS


class HostQuerySet(AdminQuerySet):
    def usable(self) -> HostQuerySet:
        """Hosts that answer and may take new work, in places that may."""
        return self.filter(
            status="Up",
            resource_state="Enabled",
            cluster__allocation_state="Enabled",
            cluster__managed_state="Managed",
            pod__allocation_state="Enabled",
            zone__allocation_state="Enabled",
        )


class Host(Entity):
    """``status`` is what the portal knows of the host, ``resource_state`` what the operator
    wants of it; both move only through ``move`` and ``move_resource``.

    ``link`` says how it is reached: local (this process), simulated, remote (its agent dials
    in). ``facts`` is the last HostFacts, ``reason`` why it is not Up, in a sentence.
    """

    zone = models.ForeignKey(Zone, on_delete=models.PROTECT, related_name="hosts")
    pod = models.ForeignKey(Pod, on_delete=models.PROTECT, related_name="hosts")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="hosts")
    name = models.CharField(max_length=255)
    # The machine's own identity, from its facts: one machine is one host.
    machine = models.CharField(max_length=64, null=True, blank=True)
    hypervisor = models.CharField(max_length=32)
    hypervisor_version = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=255, blank=True)
    link = models.CharField(max_length=16, default="local")
    status = models.CharField(max_length=16, default="Creating")
    resource_state = models.CharField(max_length=32, default="Enabled")
    reason = models.TextField(blank=True)
    status_since = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(null=True)
    disconnected = models.DateTimeField(null=True)
    cpus = models.PositiveIntegerField(default=0)
    cpu_sockets = models.PositiveIntegerField(default=0)
    cpu_speed_mhz = models.PositiveIntegerField(default=0)
    memory_mb = models.PositiveIntegerField(default=0)
    accelerator = models.CharField(max_length=16, blank=True)  # kvm, tcg, simulated
    arch = models.CharField(max_length=16, default="x86_64")
    version = models.CharField(max_length=32, blank=True)  # of its agent
    tags = models.JSONField(default=list)
    facts = models.JSONField(default=dict)
    annotation = models.TextField(blank=True)

    objects = LiveManager.from_queryset(HostQuerySet)()
    everything = models.Manager.from_queryset(HostQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["zone", "name", "alive"], name="host_name_unique"),
            models.UniqueConstraint(fields=["machine", "alive"], name="host_machine_unique"),
        ]
        indexes = [models.Index(fields=["status", "removed"], name="host_by_status")]

    @property
    def is_up(self) -> bool:
        return self.status == "Up"

    def move(self, event: str, reason: str = "", **also: Any) -> None:
        """Along the status machine. Raises NotAllowedInState."""
        STATUS.apply(self, event, reason=reason, status_since=timezone.now(), **also)

    def move_resource(self, event: str) -> None:
        """Along the resource state machine. Raises NotAllowedInState."""
        RESOURCE_STATE.apply(self, event)


class HostCapacity(models.Model):
    """What a host can give and has given. ``*_limit_*`` is the total times the overcommit
    factor in force, kept here so that a reservation is one statement on one row."""

    host = models.OneToOneField(Host, on_delete=models.CASCADE, related_name="capacity")
    cpu_total_mhz = models.BigIntegerField(default=0)
    cpu_limit_mhz = models.BigIntegerField(default=0)
    cpu_used_mhz = models.BigIntegerField(default=0)
    memory_total_mb = models.BigIntegerField(default=0)
    memory_limit_mb = models.BigIntegerField(default=0)
    memory_used_mb = models.BigIntegerField(default=0)
    cores_total = models.PositiveIntegerField(default=0)
    cores_used = models.IntegerField(default=0)

    objects = models.Manager.from_queryset(AdminQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(cpu_used_mhz__gte=0, memory_used_mb__gte=0, cores_used__gte=0),
                name="capacity_used_not_negative",
            )
        ]


class HostSample(models.Model):
    """The latest sample of what a host uses; counters are since its boot."""

    host = models.OneToOneField(Host, on_delete=models.CASCADE, related_name="sample")
    at = models.DateTimeField(default=timezone.now)
    cpu_used_percent = models.FloatField(default=0)
    memory_used_mb = models.BigIntegerField(default=0)
    load_1m = models.FloatField(default=0)
    network_read_kb = models.BigIntegerField(default=0)
    network_write_kb = models.BigIntegerField(default=0)
    machines = models.PositiveIntegerField(default=0)

    objects = models.Manager.from_queryset(AdminQuerySet)()
