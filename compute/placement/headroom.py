"""Clusters that are so full that no machine is placed there any more.

What stays free is for machines that must start again elsewhere when a host is lost. Measured as
``listCapacity`` does: what is given away of what the hosts that may be used can give, with the
overcommit factors.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Sum

from compute.placement.refusal import Refusal
from compute.placement.wanted import Wanted
from core.config import Setting
from infra.models import Cluster, HostCapacity
from infra.services.thresholds import CPU_FULL, ENABLED, MEMORY_FULL

#: MHz that may be given, MHz given, MB that may be given, MB given.
Sums = tuple[int, int, int, int]


class Headroom:
    """Answers for the clusters that were read, or counted from rows at hand."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.matters = _matters(wanted)
        self._own = wanted.machine.host.cluster_id if _runs(wanted) else None
        self._known: dict[int, Refusal | None] = {}

    def read(self, clusters: Iterable[int]) -> None:
        """One query for those not known yet."""
        keys = set(clusters) - set(self._known)
        if not self.matters or not keys:
            return
        rows = (
            HostCapacity.objects.filter(
                host__cluster__in=keys, host__removed=None, host__resource_state="Enabled"
            )
            .values_list("host__cluster")
            .order_by("host__cluster")
            .annotate(
                Sum("cpu_limit_mhz"), Sum("cpu_used_mhz"),
                Sum("memory_limit_mb"), Sum("memory_used_mb"),
            )
        )  # fmt: skip
        self._known |= dict.fromkeys(keys)
        for key, *sums in rows:
            self._known[key] = self._judge(key, tuple(int(v) for v in sums))

    def count(self, hosts: Iterable[Any]) -> None:
        """The same from all hosts of the zone, which the caller has read."""
        if not self.matters:
            return
        sums: dict[int, Sums] = {}
        for host in hosts:
            if host.resource_state == "Enabled" and host.cpu_limit_mhz is not None:
                mhz, mhz_used, mb, mb_used = sums.get(host.cluster_id, (0, 0, 0, 0))
                sums[host.cluster_id] = (
                    mhz + host.cpu_limit_mhz, mhz_used + host.cpu_used_mhz,
                    mb + host.memory_limit_mb, mb_used + host.memory_used_mb,
                )  # fmt: skip
        self._known = {key: self._judge(key, found) for key, found in sums.items()}

    def refusal(self, cluster_id: int) -> Refusal | None:
        return self._known.get(cluster_id)

    def _judge(self, key: int, sums: Sums) -> Refusal | None:
        if key == self._own:
            return None  # what it takes there is counted already
        mhz, mhz_used, mb, mb_used = sums
        place = Cluster(pk=key, zone_id=self.wanted.zone.pk)
        return _beyond("CPU", CPU_FULL, place, mhz, mhz_used + self.wanted.cpu_mhz) or _beyond(
            "memory", MEMORY_FULL, place, mb, mb_used + self.wanted.memory_mb
        )


def _beyond(
    kind: str, limit: Setting[float], cluster: Cluster, total: int, given: int
) -> Refusal | None:
    share = limit.get(cluster)
    if not total or given <= total * share:
        return None
    return Refusal(
        "full cluster",
        f"with this machine {given / total:.0%} of its cluster's {kind} would be given away, and "
        f"beyond {share:.0%} the cluster takes no more ({limit.name})",
    )


def _matters(wanted: Wanted) -> bool:
    """Not for a host that an administrator chose; and where starts are free, for new machines
    alone."""
    if wanted.host is not None:
        return False
    has_run = wanted.machine is not None and wanted.machine.last_host_id is not None
    return not has_run or ENABLED.get()


def _runs(wanted: Wanted) -> bool:
    return wanted.machine is not None and wanted.machine.host_id is not None
