"""What hosts measured of the disks of their guests: kept for charts, as machines' samples are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, QuerySet
from django.utils import timezone

from agent.protocol import DiskStats, HostStats
from compute.models import VolumeAttachment, VolumeSample
from core.config import Setting
from infra.models import Host
from infra.services.reports import on_host_stats
from jobs.schedules import every
from storage.models import Volume

INTERVAL_S = Setting(
    "vm.disk.stats.interval", 600,
    "Seconds between two measurements of a volume that are kept; 0 keeps none.", minimum=0,
)  # fmt: skip
RETENTION = Setting(
    "vm.disk.stats.max.retention.time", 720, "Minutes that measurements of volumes are kept.",
    minimum=0,
)  # fmt: skip

_MOST = 5000  # measurements in one answer


@on_host_stats
def keep(host: Host, stats: HostStats, taken_at: datetime) -> None:
    """One row for each disk of our guests on the host, unless the last one is too young."""
    interval = timedelta(seconds=INTERVAL_S.get())
    by_machine = {uuid: s.disks for uuid, s in stats.domains.items() if s.disks}
    if not interval or not by_machine:
        return
    attached = VolumeAttachment.objects.filter(
        machine__uuid__in=list(by_machine), machine__host=host
    ).values_list("volume", "machine__uuid", "device_id")
    measured = {
        volume: by_machine[str(machine)][str(device)]
        for volume, machine, device in attached
        if str(device) in by_machine[str(machine)]
    }
    last = latest(list(measured))
    VolumeSample.objects.bulk_create(
        [
            _sample(volume, disk, taken_at)
            for volume, disk in measured.items()
            # A little early is near enough: samples come with the host's, not on our clock.
            if volume not in last or taken_at - last[volume].at >= interval * 0.9
        ],
        batch_size=500,
    )


def _sample(volume: int, disk: DiskStats, at: datetime) -> VolumeSample:
    return VolumeSample(
        volume_id=volume,
        at=at,
        read_bytes=disk.read_bytes,
        write_bytes=disk.write_bytes,
        read_ops=disk.read_ops,
        write_ops=disk.write_ops,
    )


def latest(keys: Sequence[int]) -> Mapping[int, VolumeSample]:
    newest = VolumeSample.objects.filter(volume__in=list(keys)).values("volume")
    rows = VolumeSample.objects.filter(pk__in=newest.annotate(pk=Max("pk")).values("pk"))
    return {row.volume_id: row for row in rows}


def figures(sample: VolumeSample) -> dict[str, Any]:
    return {
        "diskioread": sample.read_ops,
        "diskiowrite": sample.write_ops,
        "diskiopstotal": sample.read_ops + sample.write_ops,
        "diskkbsread": sample.read_bytes // 1024,
        "diskkbswrite": sample.write_bytes // 1024,
    }


@every(600, "compute.forget_volume_samples")
def forget_old() -> int:
    limit = timezone.now() - timedelta(minutes=RETENTION.get())
    return VolumeSample.objects.filter(at__lt=limit).delete()[0]


def history(
    volumes: QuerySet[Volume], start: datetime | None, end: datetime | None
) -> list[dict[str, Any]]:
    """For each volume its measurements in the time asked about, oldest first."""
    rows = VolumeSample.objects.filter(volume__in=volumes)
    if start is not None:
        rows = rows.filter(at__gte=start)
    if end is not None:
        rows = rows.filter(at__lte=end)
    by_volume: dict[int, list[dict[str, Any]]] = {}
    for sample in list(rows.order_by("-at")[:_MOST])[::-1]:
        point = {"timestamp": sample.at, **figures(sample)}
        by_volume.setdefault(sample.volume_id, []).append(point)
    names = volumes.filter(pk__in=list(by_volume)).values_list("pk", "uuid", "name")
    return [{"id": uuid, "name": name, "stats": by_volume[pk]} for pk, uuid, name in names]
