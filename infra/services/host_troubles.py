"""What can be wrong with hosts that no job is at work on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from infra.models import Host, HostCapacity
from infra.services.reconciler import Finding, reconcile
from jobs.models import AsyncJob, JobStatus, Trouble
from jobs.troubles import repair

STUCK, DOWN, OVERDRAWN = "host.connecting", "host.down", "host.overdrawn"
_PATIENCE = timedelta(seconds=30)


@reconcile("hosts", STUCK, DOWN, OVERDRAWN)
def compare() -> Iterable[Finding]:
    yield from _stuck()
    yield from _down()
    yield from _overdrawn()


def _stuck() -> Iterable[Finding]:
    """Connecting, and nobody at it."""
    at_work = AsyncJob.objects.filter(instance_uuid=OuterRef("uuid"), status=JobStatus.PENDING)
    hosts = Host.objects.filter(
        status__in=("Creating", "Connecting"), status_since__lt=timezone.now() - _PATIENCE
    ).exclude(Exists(at_work))
    for host in hosts:
        yield Finding(
            STUCK,
            host,
            f"Host {host} is {host.status}, and no job is at work on it. Connect it again.",
            {"status": host.status, "since": host.status_since.isoformat()},
            repair="host.reconnect",
        )


def _down() -> Iterable[Finding]:
    for host in Host.objects.filter(status="Down"):
        yield Finding(
            DOWN,
            host,
            f"Host {host} is Down: {host.reason or 'it does not answer'}",
            {"last_seen": host.last_seen and host.last_seen.isoformat(), "reason": host.reason},
        )


def _overdrawn() -> Iterable[Finding]:
    """More is given away than the host has: it shrank, or the overcommit factor did."""
    too_much = Q(cpu_used_mhz__gt=F("cpu_limit_mhz")) | Q(memory_used_mb__gt=F("memory_limit_mb"))
    rows = HostCapacity.objects.filter(too_much, host__removed=None).select_related("host")
    for row in rows:
        yield Finding(
            OVERDRAWN,
            row.host,
            f"Host {row.host} has given away more than it has; move machines off it, or raise "
            "the overcommit factor of its cluster again.",
            {
                "cpu_used_mhz": row.cpu_used_mhz,
                "cpu_limit_mhz": row.cpu_limit_mhz,
                "memory_used_mb": row.memory_used_mb,
                "memory_limit_mb": row.memory_limit_mb,
            },
        )


@repair("host.reconnect")
def reconnect(trouble: Trouble) -> None:
    """Let the monitor find the host again: it is Alert until it answers."""
    for host in Host.objects.filter(uuid=trouble.resource_uuid, status="Connecting"):
        host.move("AgentDisconnected", "Its connecting was given up; it is asked again.")
