"""Network offerings; the built-in ones are made once, at set-up."""

from __future__ import annotations

from typing import Any

from core.errors import InUse, InvalidParameter
from network.models import NetworkOffering

_ROUTER = ["VirtualRouter"]
_PLAIN = {"Dhcp": _ROUTER, "Dns": _ROUTER, "UserData": _ROUTER}
_NAT = {**_PLAIN, "SourceNat": _ROUTER}

#: Services a network router here really provides, by the offering types that may have them.
SUPPORTED = {"Dhcp", "Dns", "UserData", "SourceNat", "SecurityGroup"}

# Names and services: CloudStack's built-in offerings.
BUILT_IN: list[dict[str, Any]] = [
    {
        "name": "DefaultSharedNetworkOffering",
        "display_text": "Shared network with DHCP, DNS and user data",
        "guest_type": "Shared",
        "services": _PLAIN,
        "specify_vlan": True,
        "specify_ip_ranges": True,
    },
    {
        "name": "DefaultSharedNetworkOfferingWithSGService",
        "display_text": "Shared network whose machines are kept apart by security groups",
        "guest_type": "Shared",
        "services": {**_PLAIN, "SecurityGroup": ["SecurityGroupProvider"]},
        "specify_vlan": True,
        "specify_ip_ranges": True,
    },
    {
        "name": "DefaultIsolatedNetworkOfferingWithSourceNatService",
        "display_text": "Isolated network with its own router and a way out",
        "guest_type": "Isolated",
        "services": _NAT,
        "availability": "Required",
    },
    {
        "name": "DefaultL2NetworkOffering",
        "display_text": "Plain segment without addresses",
        "guest_type": "L2",
        "services": {},
    },
]


def ensure_built_in() -> None:
    for spec in BUILT_IN:
        NetworkOffering.objects.get_or_create(
            name=spec["name"], defaults={**spec, "is_default": True, "state": "Enabled"}
        )


def create(*, name: str, guest_type: str, services: dict[str, list[str]], **more: Any) -> Any:
    unknown = sorted(set(services) - SUPPORTED)
    if unknown:
        raise InvalidParameter(
            f"Nobody here provides {', '.join(unknown)}; "
            f"there are {', '.join(sorted(SUPPORTED))}."
        )
    if guest_type == "L2" and services:
        raise InvalidParameter("An L2 network has no services.")
    if "SecurityGroup" in services and guest_type != "Shared":
        raise InvalidParameter(
            "Security groups keep machines of several accounts apart, in Shared networks; "
            f"in {guest_type} networks there is nobody to keep apart."
        )
    if NetworkOffering.objects.filter(name=name).exists():
        raise InvalidParameter(f"A network offering named {name} exists already.")
    return NetworkOffering.objects.create(
        name=name, guest_type=guest_type, services=services, **more
    )


def delete(offering: NetworkOffering) -> None:
    if offering.is_default:
        raise InvalidParameter(f"{offering} is a built-in offering; disable it instead.")
    users = list(offering.networks.filter(removed=None)[:5])
    if users:
        raise InUse(f"Offering {offering} is used by network {', '.join(map(str, users))}.")
    offering.remove()
