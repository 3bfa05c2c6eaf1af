"""What hosts can still take, reserved in the transaction that needs it.

A host's limit is its total times its cluster's overcommit factor. The limit is kept on the
capacity row, so a reservation is one conditional UPDATE: the row lock and the check are the
same statement, and of two that race for the last megabyte one is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import F
from django.db.models.functions import Floor

from core.config import Scope, Setting
from core.errors import InsufficientCapacity
from core.units import MIB, size
from infra.models import Cluster, Host, HostCapacity, Zone
from infra.services import configuration

CPU_FACTOR = Setting(
    "cpu.overprovisioning.factor",
    1.0,
    "How many times a host's CPU may be given away to virtual machines.",
    scopes=(Scope.GLOBAL, Scope.ZONE, Scope.CLUSTER),
    minimum=1.0,
    maximum=100.0,
)
MEMORY_FACTOR = Setting(
    "mem.overprovisioning.factor",
    1.0,
    "How many times a host's memory may be given away to virtual machines.",
    scopes=(Scope.GLOBAL, Scope.ZONE, Scope.CLUSTER),
    minimum=1.0,
    maximum=100.0,
)


def reserve(host: Host, *, cpu_mhz: int, memory_mb: int, cores: int = 0) -> None:
    """Take this much of the host, or raise InsufficientCapacity saying what is short.

    Call it inside the transaction that places the machine, after account counts and before
    storage and addresses (the order in which rows are locked everywhere).
    """
    taken = HostCapacity.objects.filter(
        host=host,
        cpu_used_mhz__lte=F("cpu_limit_mhz") - cpu_mhz,
        memory_used_mb__lte=F("memory_limit_mb") - memory_mb,
    ).update(
        cpu_used_mhz=F("cpu_used_mhz") + cpu_mhz,
        memory_used_mb=F("memory_used_mb") + memory_mb,
        cores_used=F("cores_used") + cores,
    )
    if not taken:
        short = fits(host, cpu_mhz=cpu_mhz, memory_mb=memory_mb)
        raise InsufficientCapacity(
            f"Host {host} has no room: {short or 'somebody else took the last of it'}.",
            details=[{"host": host.name, "refused": short}],
        )


def release(host: Host, *, cpu_mhz: int, memory_mb: int, cores: int = 0) -> None:
    """Give back what ``reserve`` took; in the transaction that forgets the machine's host."""
    HostCapacity.objects.filter(host=host).update(
        cpu_used_mhz=F("cpu_used_mhz") - cpu_mhz,
        memory_used_mb=F("memory_used_mb") - memory_mb,
        cores_used=F("cores_used") - cores,
    )


def take_over(host: Host, *, cpu_mhz: int, memory_mb: int, cores: int = 0) -> None:
    """Count what runs there already, room or not (a guest that was started behind our back)."""
    release(host, cpu_mhz=-cpu_mhz, memory_mb=-memory_mb, cores=-cores)


def fits(host: Host, *, cpu_mhz: int, memory_mb: int) -> str:
    """Why this much does not fit on the host now, or "" when it does."""
    row = HostCapacity.objects.filter(host=host).first()
    return refusal(row, cpu_mhz=cpu_mhz, memory_mb=memory_mb)


def refusal(row: HostCapacity | None, *, cpu_mhz: int, memory_mb: int) -> str:
    """``fits`` for a capacity row at hand (placement reads them all in one query)."""
    if row is None:
        return "the host has not said yet what it can give"
    free_mhz = row.cpu_limit_mhz - row.cpu_used_mhz
    free_mb = row.memory_limit_mb - row.memory_used_mb
    if cpu_mhz > free_mhz:
        return f"{cpu_mhz} MHz are needed and {max(free_mhz, 0)} of {row.cpu_limit_mhz} are free"
    if memory_mb > free_mb:
        return (
            f"{size(memory_mb * MIB)} of memory are needed and {size(max(free_mb, 0) * MIB)} "
            f"of {size(row.memory_limit_mb * MIB)} are free"
        )
    return ""


def set_totals(host: Host) -> None:
    """Write down what the host can give, from its facts and its cluster's factors."""
    row, _ = HostCapacity.objects.get_or_create(host=host)
    cpu_mhz, memory_mb = host.cpus * host.cpu_speed_mhz, host.memory_mb
    HostCapacity.objects.filter(pk=row.pk).update(
        cpu_total_mhz=cpu_mhz,
        cpu_limit_mhz=int(cpu_mhz * CPU_FACTOR.get(host.cluster)),
        memory_total_mb=memory_mb,
        memory_limit_mb=int(memory_mb * MEMORY_FACTOR.get(host.cluster)),
        cores_total=host.cpus,
    )


@configuration.on_change(CPU_FACTOR.name, MEMORY_FACTOR.name)
def _factor_changed(holder: Zone | Cluster | None) -> None:
    clusters = Cluster.objects.select_related("zone")
    if isinstance(holder, Cluster):
        clusters = clusters.filter(pk=holder.pk)
    elif isinstance(holder, Zone):
        clusters = clusters.filter(zone=holder)
    apply_factors(clusters)


def apply_factors(clusters: Iterable[Cluster]) -> None:
    """Follow a changed overcommit factor. Lowering it takes nothing away from machines that
    run; it only leaves less, or nothing, for the next."""
    for cluster in clusters:
        cpu, memory = CPU_FACTOR.get(cluster), MEMORY_FACTOR.get(cluster)
        HostCapacity.objects.filter(host__cluster=cluster).update(
            cpu_limit_mhz=_times("cpu_total_mhz", cpu),
            memory_limit_mb=_times("memory_total_mb", memory),
        )


def _times(column: str, factor: float) -> Any:
    """``column`` times the factor, whole, in the database (hundredths of a factor count)."""
    return Floor(F(column) * round(factor * 100) / 100.0)
