"""Says when a cluster, pod or zone runs full, and when there is room again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.config import Scope, Setting
from infra.models import Cluster, Pod, Zone
from infra.services import alerts, capacities
from infra.services.alerts import AlertType
from jobs.schedules import every

CHECK_PERIOD = Setting(
    "capacity.check.period",
    300_000,
    "Milliseconds between two looks at how full clusters are.",
    category="Alert",
    minimum=5_000,
)


def _full(kind: str, what: str) -> Setting[float]:
    return Setting(
        f"cluster.{kind}.allocated.capacity.disablethreshold",
        0.85,
        f"Part of a cluster's {what} that may be given away before no more machines are placed "
        "there, so that what is left can take those of a host that is lost.",
        scopes=(Scope.GLOBAL, Scope.ZONE, Scope.CLUSTER),
        category="Alert",
        minimum=0.0,
        maximum=1.0,
    )


CPU_FULL, MEMORY_FULL = _full("cpu", "CPU"), _full("memory", "memory")
ENABLED = Setting(
    "cluster.threshold.enabled",
    True,
    "Whether machines that have run before, too, start only in clusters below their disable "
    "thresholds; new ones always do.",
)


@dataclass(frozen=True)
class Watch:
    """One kind of capacity, where it is looked at, and what is raised when it runs short."""

    type: int
    level: str  # zone, pod or cluster
    alert: AlertType
    threshold: Setting[float]


def _threshold(name: str, what: str, *scopes: Scope) -> Setting[float]:
    return Setting(
        name,
        0.75,
        f"Raise an alert when more than this part of {what}.",
        scopes=(Scope.GLOBAL, *scopes),
        category="Alert",
        minimum=0.0,
        maximum=1.0,
    )


_CLUSTER = (Scope.ZONE, Scope.CLUSTER)
WATCHES = (
    Watch(capacities.MEMORY, "cluster", AlertType.MEMORY, _threshold(
        "cluster.memory.allocated.capacity.notificationthreshold",
        "a cluster's memory is given away", *_CLUSTER,
    )),
    Watch(capacities.CPU, "cluster", AlertType.CPU, _threshold(
        "cluster.cpu.allocated.capacity.notificationthreshold",
        "a cluster's CPU is given away", *_CLUSTER,
    )),
    Watch(capacities.STORAGE, "cluster", AlertType.STORAGE, _threshold(
        "cluster.storage.capacity.notificationthreshold",
        "a cluster's primary storage is used", *_CLUSTER,
    )),
    Watch(capacities.STORAGE_ALLOCATED, "cluster", AlertType.STORAGE_ALLOCATED, _threshold(
        "cluster.storage.allocated.capacity.notificationthreshold",
        "a cluster's primary storage is given away", *_CLUSTER,
    )),
    Watch(capacities.LOCAL_STORAGE, "cluster", AlertType.LOCAL_STORAGE, _threshold(
        "cluster.localStorage.capacity.notificationthreshold",
        "a cluster's local storage is given away",
    )),
    Watch(capacities.PRIVATE_IP, "pod", AlertType.PRIVATE_IP, _threshold(
        "pod.privateip.capacity.notificationthreshold",
        "a pod's management addresses are taken",
    )),
    Watch(capacities.SECONDARY_STORAGE, "zone", AlertType.SECONDARY_STORAGE, _threshold(
        "zone.secstorage.capacity.notificationthreshold", "a zone's secondary storage is used",
    )),
    Watch(capacities.PUBLIC_IP, "zone", AlertType.PUBLIC_IP, _threshold(
        "zone.virtualnetwork.publicip.capacity.notificationthreshold",
        "a zone's public addresses are taken",
    )),
    Watch(capacities.DIRECT_PUBLIC_IP, "zone", AlertType.DIRECT_PUBLIC_IP, _threshold(
        "zone.directnetwork.publicip.capacity.notificationthreshold",
        "a zone's addresses of shared networks are taken",
    )),
    Watch(capacities.VLAN, "zone", AlertType.VLAN, _threshold(
        "zone.vlan.capacity.notificationthreshold", "a zone's VLANs are taken",
    )),
)  # fmt: skip

#: Capacity type → when to tell.
THRESHOLDS = {watch.type: watch.threshold for watch in WATCHES}

_MODELS: dict[str, Any] = {"zone": Zone, "pod": Pod, "cluster": Cluster}


@every(lambda: CHECK_PERIOD.get() // 1000, "infra.capacity_check")
def check() -> int:
    """Raise and resolve capacity alerts; returns how many places are too full."""
    full = 0
    for level in _MODELS:
        watched = {w.type: w for w in WATCHES if w.level == level}
        found = [a for a in capacities.amounts(level) if a.type in watched and a.total]
        places = {
            name: model.objects.in_bulk({getattr(a, f"{name}_id") for a in found} - {None})
            for name, model in _MODELS.items()
        }
        for amount in found:
            # Zone-wide storage belongs to no cluster.
            key = getattr(amount, f"{level}_id")
            place = places[level].get(key) if key else places["zone"].get(amount.zone_id)
            if place is not None:
                full += _look(watched[amount.type], amount, place)
    return full


def _look(watch: Watch, amount: capacities.Amount, place: Any) -> bool:
    limit = watch.threshold.get(place)
    is_short = amount.used / amount.total > limit
    if is_short:
        alerts.raise_alert(watch.alert, place, f"{_title(amount)} of {place} runs short", (
            f"{amount.percent:.0f} % is given away; the limit set is {limit * 100:.0f} %. "
            f"{_ADVICE.get(watch.type, 'Add hosts or pools, or raise the limit.')}"
        ))  # fmt: skip
    else:
        alerts.resolve(watch.alert, place)
    return is_short


_ADDRESSES = "Add addresses, or raise the limit."
_ADVICE = {
    capacities.PRIVATE_IP: _ADDRESSES,
    capacities.PUBLIC_IP: _ADDRESSES,
    capacities.DIRECT_PUBLIC_IP: _ADDRESSES,
    capacities.VLAN: "Add VLANs to the physical network, or raise the limit.",
    capacities.SECONDARY_STORAGE: "Add an image store, or raise the limit.",
}


def _title(amount: capacities.Amount) -> str:
    return capacities.NAMES[amount.type].replace("_", " ").capitalize()
