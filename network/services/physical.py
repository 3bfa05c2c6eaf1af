"""Physical networks."""

from __future__ import annotations

import re
from typing import Any

from core.errors import InUse, InvalidParameter
from infra.models import Zone
from network.models import PhysicalNetwork


def create(zone: Zone, *, name: str, vlan: str = "", **more: Any) -> PhysicalNetwork:
    if PhysicalNetwork.objects.filter(zone=zone, name=name).exists():
        raise InvalidParameter(f"Zone {zone} has a physical network named {name} already.")
    _check_vlans(vlan)
    return PhysicalNetwork.objects.create(zone=zone, name=name, vlan=vlan, **more)


def update(network: PhysicalNetwork, **changes: Any) -> PhysicalNetwork:
    _check_vlans(changes.get("vlan", ""))
    for field, value in changes.items():
        setattr(network, field, value)
    network.save(update_fields=list(changes))
    return network


def delete(network: PhysicalNetwork) -> None:
    users = list(network.networks.filter(removed=None)[:5])
    if users:
        raise InUse(f"Physical network {network} carries {', '.join(map(str, users))}.")
    network.remove()


def _check_vlans(text: str) -> None:
    """``100-200`` or ``100-200,300-310``."""
    for part in filter(None, text.split(",")):
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip())
        low = int(found[1]) if found else 0
        high = int(found[2] or found[1]) if found else 0
        if not 1 <= low <= high <= 4094:
            raise InvalidParameter(f"“{part}” is not a range of VLAN ids like 100-200.")
