"""What a host has given away, compared with the machines that count there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import F, Sum

from compute.models import VirtualMachine
from infra.models import HostCapacity


def recount_hosts() -> int:
    """Hosts whose used capacity is not the sum of the machines that count there."""
    wanted = {row["host"]: row for row in _sums(VirtualMachine.objects.exclude(host=None))}
    wrong = 0
    for row in HostCapacity.objects.only(
        "host", "cpu_used_mhz", "memory_used_mb", "cores_used"
    ):
        if _used(row) != _summed(wanted.get(row.host_id)):
            wrong += _recount(row.host_id)
    return wrong


def _recount(host_id: int) -> int:
    """Once more under the row's lock, which whoever takes or gives capacity holds, too."""
    with transaction.atomic():
        row = HostCapacity.objects.select_for_update().filter(host=host_id).first()
        if row is None:
            return 0
        sums = list(_sums(VirtualMachine.objects.filter(host=host_id)))
        right = _summed(sums[0] if sums else None)
        if _used(row) == right:
            return 0
        row.cpu_used_mhz, row.memory_used_mb, row.cores_used = right
        row.save(update_fields=["cpu_used_mhz", "memory_used_mb", "cores_used"])
    return 1


def _sums(rows: Any) -> Iterable[dict[str, int]]:
    return rows.values("host").order_by("host").annotate(
        mhz=Sum(F("vcpus") * F("cpu_speed_mhz")), mb=Sum("memory_mb"), cores=Sum("vcpus")
    )


def _used(row: HostCapacity) -> tuple[int, int, int]:
    return row.cpu_used_mhz, row.memory_used_mb, row.cores_used


def _summed(row: dict[str, int] | None) -> tuple[int, int, int]:
    return (row["mhz"], row["mb"], row["cores"]) if row else (0, 0, 0)
