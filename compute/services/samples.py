"""What hosts measured of their guests: kept for charts, never joined into lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, QuerySet
from django.utils import timezone

from agent.protocol import DomainStats, HostStats
from compute.figures import figures
from compute.models import SystemVm, SystemVmSample, VirtualMachine, VmSample
from core.config import Setting
from infra.models import Host
from infra.services.reports import on_host_stats
from jobs.schedules import every

INTERVAL = Setting(
    "vm.stats.interval", 60000,
    "Milliseconds between two measurements of a guest that are kept; 0 keeps none.", minimum=0,
)  # fmt: skip
RETENTION = Setting(
    "vm.stats.max.retention.time", 720, "Minutes that measurements of guests are kept.",
    minimum=0,
)  # fmt: skip

_MOST = 5000  # measurements in one answer
#: What is measured, and where its measurements are kept.
_KINDS: tuple[tuple[Any, Any], ...] = (
    (VirtualMachine, VmSample), (SystemVm, SystemVmSample),
)  # fmt: skip


@on_host_stats
def keep(host: Host, stats: HostStats, taken_at: datetime) -> None:
    """One row for each guest of ours on the host, unless the last one is too young."""
    interval = timedelta(milliseconds=INTERVAL.get())
    if not interval or not stats.domains:
        return
    left = set(stats.domains)
    for machines, measured in _KINDS:
        if not left:
            return
        there = machines.objects.filter(uuid__in=list(left), host=host)
        found = {str(uuid): pk for pk, uuid in there.values_list("pk", "uuid")}
        left -= set(found)
        last = _latest(measured, list(found.values()))
        rows = []
        for uuid, pk in found.items():
            before = last.get(pk)
            # A little early is near enough: samples come with the host's, not on our clock.
            if before is None or taken_at - before.at >= interval * 0.9:
                row = _figures(stats.domains[uuid], before, taken_at)
                rows.append(measured(machine_id=pk, at=taken_at, **row))
        measured.objects.bulk_create(rows, batch_size=500)


def _latest(measured: Any, keys: Sequence[int]) -> dict[int, Any]:
    if not keys:
        return {}
    newest = measured.objects.filter(machine__in=keys).values("machine").annotate(pk=Max("pk"))
    rows = measured.objects.filter(pk__in=[row["pk"] for row in newest])
    return {row.machine_id: row for row in rows}


def _figures(stats: DomainStats, before: Any, at: datetime) -> dict[str, Any]:
    return {
        "cpu_time_ns": stats.cpu_time_ns,
        "cpu_percent": _cpu_percent(stats, before, at),
        "memory_kb": stats.memory_kb,
        "memory_target_kb": stats.memory_target_kb,
        "disk_read_bytes": stats.disk_read_bytes,
        "disk_write_bytes": stats.disk_write_bytes,
        "disk_read_ops": stats.disk_read_ops,
        "disk_write_ops": stats.disk_write_ops,
        "network_read_bytes": stats.network_read_bytes,
        "network_write_bytes": stats.network_write_bytes,
    }


def _cpu_percent(stats: DomainStats, before: Any, at: datetime) -> float:
    """Of all its CPUs together; counters begin anew with each start of the guest."""
    if before is None or stats.cpu_time_ns < before.cpu_time_ns or not stats.vcpus:
        return 0.0
    seconds = (at - before.at).total_seconds()
    if seconds <= 0:
        return 0.0
    used = (stats.cpu_time_ns - before.cpu_time_ns) / 1e9
    return min(100.0, 100.0 * used / seconds / stats.vcpus)


@every(600, "compute.forget_samples")
def forget_old() -> int:
    limit = timezone.now() - timedelta(minutes=RETENTION.get())
    return sum(kind.objects.filter(at__lt=limit).delete()[0] for _, kind in _KINDS)


def history(
    machines: QuerySet[VirtualMachine], start: datetime | None, end: datetime | None
) -> list[dict[str, Any]]:
    """For each machine its measurements in the time asked about, oldest first."""
    found = _between(VmSample, machines, start, end)
    names = machines.filter(pk__in=list(found)).values_list("pk", "uuid", "display_name", "name")
    return [
        {"id": uuid, "name": name, "displayname": shown or name, "stats": found[pk]}
        for pk, uuid, shown, name in names
    ]


def history_of_system_vms(
    machines: QuerySet[SystemVm], start: datetime | None, end: datetime | None
) -> list[dict[str, Any]]:
    found = _between(SystemVmSample, machines, start, end)
    return [
        {"id": vm.uuid, "name": vm.name, "displayname": vm.name, "stats": found[vm.pk]}
        for vm in machines.filter(pk__in=list(found))
    ]


def _between(
    measured: Any, machines: QuerySet[Any], start: datetime | None, end: datetime | None
) -> dict[int, list[dict[str, Any]]]:
    """Machine's key → its measurements, the newest that an answer holds."""
    rows = measured.objects.filter(machine__in=machines)
    if start is not None:
        rows = rows.filter(at__gte=start)
    if end is not None:
        rows = rows.filter(at__lte=end)
    found: dict[int, list[dict[str, Any]]] = {}
    for sample in list(rows.order_by("-at")[:_MOST])[::-1]:
        point = {"timestamp": sample.at, **figures(sample)}
        found.setdefault(sample.machine_id, []).append(point)
    return found
