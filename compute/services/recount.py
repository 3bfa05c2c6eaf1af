"""What a host has given away, compared with the machines that count there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db import transaction
from django.db.models import F, Sum

from compute.models import SystemVm, VirtualMachine
from infra.models import HostCapacity


def recount_hosts() -> int:
    """Hosts whose used capacity is not the sum of the machines that count there."""
    wanted = _by_host(lambda rows: rows.exclude(host=None))
    wrong = 0
    for row in HostCapacity.objects.only(
        "host", "cpu_used_mhz", "memory_used_mb", "cores_used"
    ):
        if _used(row) != wanted.get(row.host_id, (0, 0, 0)):
            wrong += _recount(row.host_id)
    return wrong


def _recount(host_id: int) -> int:
    """Once more under the row's lock, which whoever takes or gives capacity holds, too."""
    with transaction.atomic():
        row = HostCapacity.objects.select_for_update().filter(host=host_id).first()
        if row is None:
            return 0
        right = _by_host(lambda rows: rows.filter(host=host_id)).get(host_id, (0, 0, 0))
        if _used(row) == right:
            return 0
        row.cpu_used_mhz, row.memory_used_mb, row.cores_used = right
        row.save(update_fields=["cpu_used_mhz", "memory_used_mb", "cores_used"])
    return 1


def _by_host(pick: Callable[[Any], Any]) -> dict[int, tuple[int, int, int]]:
    """Of tenants' machines and the cloud's own: MHz, MiB and cores by host."""
    sums: dict[int, tuple[int, int, int]] = {}
    for model in (VirtualMachine, SystemVm):
        for row in _sums(pick(model.objects)):
            mhz, mb, cores = sums.get(row["host"], (0, 0, 0))
            sums[row["host"]] = (mhz + row["mhz"], mb + row["mb"], cores + row["cores"])
    return sums


def _sums(rows: Any) -> Iterable[dict[str, int]]:
    return rows.values("host").order_by("host").annotate(
        mhz=Sum(F("vcpus") * F("cpu_speed_mhz")), mb=Sum("memory_mb"), cores=Sum("vcpus")
    )


def _used(row: HostCapacity) -> tuple[int, int, int]:
    return row.cpu_used_mhz, row.memory_used_mb, row.cores_used
