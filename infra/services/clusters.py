"""Clusters: hosts of one hypervisor in a pod."""

from __future__ import annotations

from typing import Any

from core import live
from core.config import Setting
from core.errors import InvalidParameter
from infra.models import Cluster, Host, Pod, Zone
from infra.services import checks
from infra.services.usage import refuse_if_used

#: The hypervisors there is a driver for.
HYPERVISORS = ("KVM", "Simulator")
OFFERED = Setting(
    "hypervisor.list", "KVM,Simulator", "Hypervisors that clusters can be made of.",
    choices=HYPERVISORS, many=True,
)  # fmt: skip


def offered() -> list[str]:
    named = {name.strip() for name in OFFERED.get().split(",")}
    return [known for known in HYPERVISORS if known in named]


def hypervisor(text: str) -> str:
    """A hypervisor in CloudStack's spelling. Raises InvalidParameter for one without driver."""
    for known in HYPERVISORS:
        if known.lower() == text.strip().lower():
            return known
    raise InvalidParameter(
        f"There is no driver for hypervisor “{text}”; there are {', '.join(HYPERVISORS)}."
    )


def create(zone: Zone, pod: Pod, *, name: str, hypervisor_name: str, **fields: Any) -> Cluster:
    if pod.zone_id != zone.pk:
        raise InvalidParameter(f"Pod {pod} is not in zone {zone}.")
    cluster = Cluster.objects.create(
        zone=zone,
        pod=pod,
        name=checks.unused_name(Cluster.objects.filter(pod=pod), "cluster", name),
        hypervisor=_offered(hypervisor_name),
        **fields,
    )
    live.changed(cluster)
    return cluster


def _offered(text: str) -> str:
    wanted = hypervisor(text)
    if wanted not in offered():
        raise InvalidParameter(
            f"Clusters of {wanted} are not made here: {OFFERED.name} does not name it."
        )
    return wanted


def update(cluster: Cluster, **fields: Any) -> Cluster:
    """Change what is given; hypervisor and architecture only while there are no hosts."""
    if "name" in fields:
        others = Cluster.objects.filter(pod=cluster.pod)
        fields["name"] = checks.unused_name(others, "cluster", fields["name"], cluster)
    if "hypervisor" in fields:
        fields["hypervisor"] = hypervisor(fields["hypervisor"])
    for field in ("hypervisor", "arch"):
        if field in fields and fields[field] != getattr(cluster, field):
            _refuse_with_hosts(cluster, field)
    for field, value in fields.items():
        setattr(cluster, field, value)
    cluster.save()
    live.changed(cluster)
    return cluster


def delete(cluster: Cluster) -> None:
    """Raises InUse naming the hosts and pools that are still in the cluster."""
    refuse_if_used(cluster)
    cluster.remove()


def _refuse_with_hosts(cluster: Cluster, field: str) -> None:
    if Host.objects.filter(cluster=cluster).exists():
        raise InvalidParameter(
            f"Cluster {cluster} has hosts; its {field} can change only while it is empty."
        )
