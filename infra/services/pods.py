"""Pods: racks of a zone with their management addresses."""

from __future__ import annotations

import ipaddress
from typing import Any

from core import live
from core.errors import InvalidParameter
from infra.models import Pod, Zone
from infra.services import checks
from infra.services.usage import refuse_if_used

_ADDRESSES = {"gateway": "gateway", "start_ip": "startip", "end_ip": "endip"}


def create(zone: Zone, *, name: str, **fields: Any) -> Pod:
    pod = Pod(zone=zone, name=checks.unused_name(Pod.objects.filter(zone=zone), "pod", name))
    return _write(pod, fields)


def update(pod: Pod, **fields: Any) -> Pod:
    if "name" in fields:
        others = Pod.objects.filter(zone=pod.zone)
        fields["name"] = checks.unused_name(others, "pod", fields["name"], pod)
    return _write(pod, fields)


def delete(pod: Pod) -> None:
    """Raises InUse naming the clusters and what else is still in the pod."""
    refuse_if_used(pod)
    pod.remove()


def _write(pod: Pod, fields: dict[str, Any]) -> Pod:
    for field, value in fields.items():
        checked = checks.ip(_ADDRESSES[field], value, 4) if field in _ADDRESSES else value
        setattr(pod, field, checked)
    _check_range(pod)
    pod.save()
    live.changed(pod)
    return pod


def _check_range(pod: Pod) -> None:
    """Management addresses are optional as a whole; given, they must agree with each other
    and with no other pod's of the zone."""
    if not (pod.gateway or pod.netmask or pod.start_ip or pod.end_ip):
        return
    if not (pod.gateway and pod.netmask):
        raise InvalidParameter("A pod's addresses need gateway and netmask.")
    net = checks.subnet(pod.gateway, pod.netmask)
    pod.end_ip = pod.end_ip or pod.start_ip
    if pod.end_ip and not pod.start_ip:
        raise InvalidParameter("A pod's endip goes with startip.")
    if not pod.start_ip:
        return
    first, last = ipaddress.IPv4Address(pod.start_ip), ipaddress.IPv4Address(pod.end_ip)
    if first > last:
        raise InvalidParameter(f"startip {first} lies behind endip {last}.")
    if first not in net or last not in net:
        raise InvalidParameter(f"{first} to {last} does not lie in {net}, the pod's network.")
    if first <= ipaddress.IPv4Address(pod.gateway) <= last:
        raise InvalidParameter(f"The gateway {pod.gateway} lies in the range itself.")
    _check_overlap(pod, first, last)


def _check_overlap(pod: Pod, first: ipaddress.IPv4Address, last: ipaddress.IPv4Address) -> None:
    others = Pod.objects.filter(zone=pod.zone).exclude(pk=pod.pk).exclude(start_ip="")
    for other in others:
        low, high = ipaddress.IPv4Address(other.start_ip), ipaddress.IPv4Address(other.end_ip)
        if first <= high and low <= last:
            raise InvalidParameter(f"{first} to {last} overlaps the addresses of pod {other}.")
