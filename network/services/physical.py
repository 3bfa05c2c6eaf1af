"""Physical networks and the traffic they carry."""

from __future__ import annotations

import re
from typing import Any

from django.db import transaction

from core import live
from core.errors import InUse, InvalidParameter
from core.locking import locked
from infra.models import Pod, Zone
from infra.services import checks
from infra.services.usage import refuse_if_used
from network.models import (
    Network,
    NetworkOffering,
    PhysicalNetwork,
    StorageIpRange,
    TrafficType,
)
from network.services import providers, vlans

ISOLATION_METHODS = ("VLAN", "VXLAN")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")  # a device's name (IFNAMSIZ)


@transaction.atomic
def create(
    zone: Zone,
    *,
    name: str,
    vlan: str = "",
    isolation_methods: list[str] | None = None,
    **more: Any,
) -> PhysicalNetwork:
    """Disabled until it is set up, with the built-in providers, Disabled too."""
    locked(zone)
    name = checks.unused_name(
        PhysicalNetwork.objects.filter(zone=zone), "physical network", name
    )
    methods = _methods(isolation_methods or [])
    if zone.network_type == "Basic":
        _check_basic(zone, vlan)
    ranges = vlans.parse(vlan, "VXLAN" if "VXLAN" in methods else "VLAN")
    made = PhysicalNetwork.objects.create(
        zone=zone, name=name, state="Disabled", vlan=vlans.written(ranges),
        isolation_methods=methods, **more,
    )  # fmt: skip
    providers.make_built_in(made)
    live.changed(made)
    return made


def _methods(wanted: list[str]) -> list[str]:
    found = [m.upper() for m in wanted]
    unknown = [m for m in found if m not in ISOLATION_METHODS]
    if unknown:
        raise InvalidParameter(
            f"Networks cannot be kept apart by {', '.join(unknown)} here; there are "
            f"{', '.join(ISOLATION_METHODS)}."
        )
    if len(set(found)) > 1:
        raise InvalidParameter("A physical network has one isolation method; choose one.")
    return found[:1] or ["VLAN"]


def _check_basic(zone: Zone, vlan: str) -> None:
    if vlan:
        raise InvalidParameter(f"Zone {zone} is Basic: its networks have no VLANs of their own.")
    other = PhysicalNetwork.objects.filter(zone=zone).first()
    if other is not None:
        raise InvalidParameter(f"Zone {zone} is Basic and has its physical network: {other}.")


@transaction.atomic
def update(physical: PhysicalNetwork, *, vlan: str | None = None, **changes: Any) -> Any:
    """``vlan`` are all the ranges it shall have. Raises InUse for those that cannot go."""
    physical = locked(physical, "zone")
    if vlan is not None:
        if physical.zone.network_type == "Basic":
            _check_basic(physical.zone, vlan) if vlan else None
        wanted = vlans.parse(vlan, vlans.method_of(physical))
        vlans.check_change(physical, wanted)
        guest = physical.traffic_types.filter(type="Guest", removed=None).first()
        if guest is not None:
            vlans.check_overlap(physical, guest.kvm_label, wanted)
        physical.vlan = vlans.written(wanted)
    for field, value in changes.items():
        setattr(physical, field, value)
    physical.save()
    live.changed(physical)
    return physical


@transaction.atomic
def delete(physical: PhysicalNetwork) -> None:
    """With its traffic types and providers. Raises InUse naming what is on it."""
    physical = locked(physical, "zone")
    refuse_if_used(physical)
    for provider in physical.providers.filter(removed=None):
        providers.delete(provider)
    for traffic in physical.traffic_types.filter(removed=None):
        traffic.remove()
    physical.remove()


# -- traffic ---------------------------------------------------------------------------


@transaction.atomic
def add_traffic(physical: PhysicalNetwork, kind: str, label: str, vlan: str = "") -> TrafficType:
    """Guest traffic may be on several physical networks of a zone, the others on one."""
    zone = locked(physical.zone)
    if physical.traffic_types.filter(type=kind, removed=None).exists():
        raise InvalidParameter(f"Physical network {physical} carries {kind} traffic already.")
    there = TrafficType.objects.filter(physical_network__zone=zone, type=kind).first()
    if there is not None and (kind != "Guest" or zone.network_type == "Basic"):
        raise InvalidParameter(
            f"Physical network {there.physical_network} carries the {kind} traffic of zone "
            f"{zone} already."
        )
    _check_label(label)
    if kind == "Guest":
        vlans.check_overlap(physical, label, vlans.of(physical))
    made = TrafficType.objects.create(
        physical_network=physical, type=kind, kvm_label=label, vlan=vlans.checked(vlan)
    )
    live.changed(made)
    return made


@transaction.atomic
def relabel(traffic: TrafficType, label: str) -> TrafficType:
    """Bridges that are there keep their device; new ones take the new one."""
    locked(traffic.physical_network)
    _check_label(label)
    if traffic.type == "Guest":
        physical = traffic.physical_network
        vlans.check_overlap(physical, label, vlans.of(physical))
    traffic.kvm_label = label
    traffic.save(update_fields=["kvm_label"])
    live.changed(traffic)
    return traffic


def _check_label(label: str) -> None:
    if label and not _LABEL.fullmatch(label):
        raise InvalidParameter(
            f"Label “{label}” cannot be a network device's name, like eth1 or cloudbr0."
        )


@transaction.atomic
def remove_traffic(traffic: TrafficType) -> None:
    """Raises InUse naming networks, ranges or pods that need it."""
    physical = locked(traffic.physical_network)
    if traffic.type == "Guest":
        users: list[Any] = list(Network.objects.filter(physical_network=physical)[:5])
    elif traffic.type == "Public":
        users = list(physical.ip_ranges.filter(network=None, removed=None)[:5])
    elif traffic.type == "Management":
        users = list(Pod.objects.filter(zone=physical.zone_id)[:5])
    else:
        users = list(StorageIpRange.objects.filter(pod__zone=physical.zone_id)[:5])
    if users:
        raise InUse(
            f"{traffic.type} traffic of physical network {physical} is used by "
            f"{', '.join(map(str, users))}; delete these first."
        )
    traffic.remove()


def carrying(zone: Zone, kind: str) -> PhysicalNetwork | None:
    """The physical network of a zone that carries this traffic, the oldest of several."""
    return (
        PhysicalNetwork.objects.filter(
            zone=zone, traffic_types__type=kind, traffic_types__removed=None
        )
        .order_by("pk")
        .first()
    )


def for_guests(
    zone: Zone, offering: NetworkOffering, asked: PhysicalNetwork | None
) -> PhysicalNetwork:
    """The wires of a new network: those asked for, or the first that the offering can be on.

    Raises InvalidParameter saying what is wrong with them.
    """
    if asked is not None:
        if asked.zone_id != zone.pk:
            raise InvalidParameter(f"Physical network {asked} is not in zone {zone}.")
        why = _unfit(asked, offering)
        if why:
            raise InvalidParameter(why)
        return asked
    rows = list(PhysicalNetwork.objects.filter(zone=zone).order_by("pk"))
    reasons = []
    for row in rows:
        why = _unfit(row, offering)
        if not why:
            return row
        reasons.append(why)
    raise InvalidParameter(
        " ".join(reasons)
        or f"Zone {zone} has no physical network; make one with createPhysicalNetwork."
    )


def _unfit(physical: PhysicalNetwork, offering: NetworkOffering) -> str:
    if physical.state != "Enabled":
        return (
            f"Physical network {physical} is {physical.state}; enable it with "
            "updatePhysicalNetwork."
        )
    if not physical.traffic_types.filter(type="Guest", removed=None).exists():
        return f"Physical network {physical} carries no Guest traffic; add it with addTrafficType."
    if offering.tags and not set(offering.tags) & set(physical.tags):
        return f"Physical network {physical} has no tag {', '.join(offering.tags)}."
    return providers.lacking(physical, offering)
