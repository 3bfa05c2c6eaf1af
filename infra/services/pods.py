"""Pods: racks of a zone with their management addresses."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from core import live
from core.errors import InvalidParameter
from core.locking import locked
from infra.models import Pod, PodAddress, PodIpRange, Zone
from infra.services import address_book, checks, pod_ranges
from infra.services.address_book import Range
from infra.services.usage import refuse_if_used


@transaction.atomic
def create(
    zone: Zone,
    *,
    name: str,
    gateway: str = "",
    netmask: str = "",
    start_ip: str = "",
    end_ip: str = "",
    **fields: Any,
) -> Pod:
    locked(zone)
    name = checks.unused_name(Pod.objects.filter(zone=zone), "pod", name)
    wanted = _range(gateway, netmask, start_ip, end_ip)
    gateway, netmask = _subnet(gateway, netmask)
    pod = Pod.objects.create(zone=zone, name=name, gateway=gateway, netmask=netmask, **fields)
    if wanted is not None:
        pod_ranges.add(pod, wanted)
    live.changed(pod)
    return pod


@transaction.atomic
def update(pod: Pod, **fields: Any) -> Pod:
    """``start_ip`` and ``end_ip`` move the ends of the pod's only range, or make its first;
    ``gateway`` and ``netmask`` are those of all its ranges."""
    locked(pod.zone)
    if "name" in fields:
        others = Pod.objects.filter(zone=pod.zone)
        pod.name = checks.unused_name(others, "pod", fields["name"], pod)
    if "allocation_state" in fields:
        pod.allocation_state = fields["allocation_state"]
    if {"gateway", "netmask", "start_ip", "end_ip"} & set(fields):
        _readdress(pod, fields)
    pod.save()
    live.changed(pod)
    return pod


def delete(pod: Pod) -> None:
    """Raises InUse naming the clusters and what else is still in the pod."""
    refuse_if_used(pod)
    for row in PodIpRange.objects.filter(pod=pod):
        row.remove()
    pod.remove()


def _readdress(pod: Pod, fields: dict[str, Any]) -> None:
    rows = list(PodIpRange.objects.filter(pod=pod).order_by("pk"))
    if len(rows) > 1:
        raise InvalidParameter(
            f"Pod {pod} has several ranges; change them with updatePodManagementNetworkIpRange."
        )
    now = rows[0] if rows else None
    gateway, netmask = _subnet(
        fields.get("gateway", pod.gateway), fields.get("netmask", pod.netmask)
    )
    start_ip = fields.get("start_ip", now.start_ip if now else "")
    end_ip = fields.get("end_ip", now.end_ip if now else "")
    wanted = _range(gateway, netmask, start_ip, end_ip)
    pod.gateway, pod.netmask = gateway, netmask
    if wanted is None:
        return
    if now is None:
        pod_ranges.add(pod, wanted)
        return
    if (now.gateway, now.netmask) != (gateway, netmask):
        pod_ranges.refuse_in_use(PodAddress.objects.filter(pod=pod), f"Pod {pod}'s network")
        now.gateway, now.netmask = gateway, netmask
    pod_ranges.resize(now, wanted.start_ip, wanted.end_ip)


def _subnet(gateway: str, netmask: str) -> tuple[str, str]:
    """Checked; both or neither."""
    gateway = checks.ip("gateway", gateway, 4)
    if not gateway and not netmask:
        return "", ""
    if not (gateway and netmask):
        raise InvalidParameter("A pod's addresses need gateway and netmask.")
    return gateway, str(checks.subnet(gateway, netmask).netmask)


def _range(gateway: str, netmask: str, start_ip: str, end_ip: str) -> Range | None:
    """Management addresses are optional as a whole; given, they must agree with each other."""
    if not (gateway or netmask or start_ip or end_ip):
        return None
    if not (gateway and netmask):
        raise InvalidParameter("A pod's addresses need gateway and netmask.")
    if end_ip and not start_ip:
        raise InvalidParameter("A pod's endip goes with startip.")
    _subnet(gateway, netmask)
    return address_book.checked(gateway, netmask, start_ip, end_ip) if start_ip else None
