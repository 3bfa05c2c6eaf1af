"""What can be wrong with hosts that no job is at work on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from infra.models import Host, HostCapacity
from infra.services import connecting
from infra.services.reconciler import Finding, reconcile
from jobs.models import AsyncJob, JobStatus

DOWN, OVERDRAWN = "host.down", "host.overdrawn"
_PATIENCE = timedelta(seconds=30)


@reconcile("hosts", DOWN, OVERDRAWN)
def compare() -> Iterable[Finding]:
    take_up_stuck()
    yield from _down()
    yield from _overdrawn()


def take_up_stuck() -> int:
    """Connecting, and nobody at it: connect it again. Its job ends Up, or Alert and why."""
    at_work = AsyncJob.objects.filter(instance_uuid=OuterRef("uuid"), status=JobStatus.PENDING)
    stuck = Host.objects.filter(
        status="Connecting", status_since__lt=timezone.now() - _PATIENCE
    ).exclude(Exists(at_work))
    taken = 0
    for host in stuck:
        with transaction.atomic():
            host.move("AgentConnected", "It is being connected again.")
            connecting.begin(host)
        taken += 1
    return taken


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
