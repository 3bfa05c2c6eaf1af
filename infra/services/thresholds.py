"""Says when a cluster or zone runs full, and when there is room again."""

from __future__ import annotations

from core.config import Scope, Setting
from infra.models import Cluster, Zone
from infra.services import alerts, capacities
from infra.services.alerts import AlertType
from jobs.schedules import every


def _threshold(name: str, what: str) -> Setting[float]:
    return Setting(
        name,
        0.75,
        f"Raise an alert when more than this part of a cluster's {what}.",
        scopes=(Scope.GLOBAL, Scope.ZONE, Scope.CLUSTER),
        category="Alert",
        minimum=0.0,
        maximum=1.0,
    )


CHECK_PERIOD = Setting(
    "capacity.check.period",
    300_000,
    "Milliseconds between two looks at how full clusters are.",
    category="Alert",
    minimum=5_000,
)
#: Capacity type → when to tell. CloudStack numbers the alerts like the capacities.
THRESHOLDS = {
    capacities.MEMORY: _threshold(
        "cluster.memory.allocated.capacity.notificationthreshold", "memory is given away"
    ),
    capacities.CPU: _threshold(
        "cluster.cpu.allocated.capacity.notificationthreshold", "CPU is given away"
    ),
    capacities.STORAGE: _threshold(
        "cluster.storage.capacity.notificationthreshold", "primary storage is used"
    ),
    capacities.STORAGE_ALLOCATED: _threshold(
        "cluster.storage.allocated.capacity.notificationthreshold",
        "primary storage is given away",
    ),
}


@every(lambda: CHECK_PERIOD.get() // 1000, "infra.capacity_check")
def check() -> int:
    """Raise and resolve capacity alerts; returns how many places are too full."""
    found = [a for a in capacities.amounts("cluster") if a.type in THRESHOLDS and a.total]
    clusters = Cluster.objects.in_bulk({a.cluster_id for a in found if a.cluster_id})
    zones = Zone.objects.in_bulk({a.zone_id for a in found})
    full = 0
    for amount in found:
        # Zone-wide storage belongs to no cluster.
        place = clusters.get(amount.cluster_id) if amount.cluster_id else zones[amount.zone_id]
        if place is None:
            continue
        kind, limit = AlertType(amount.type), THRESHOLDS[amount.type].get(place)
        if amount.used / amount.total > limit:
            full += 1
            alerts.raise_alert(kind, place, f"{_title(amount)} of {place} runs short", (
                f"{amount.percent:.0f} % is given away; the limit set is {limit * 100:.0f} %. "
                "Add hosts or pools, or raise the limit."
            ))  # fmt: skip
        else:
            alerts.resolve(kind, place)
    return full


def _title(amount: capacities.Amount) -> str:
    return capacities.NAMES[amount.type].replace("_", " ").capitalize()
