"""Network offerings; the built-in ones are made once, at set-up."""

from __future__ import annotations

from typing import Any

from core.errors import InUse, InvalidParameter
from network.models import NetworkOffering
from network.services import providers

_ROUTER = ["VirtualRouter"]
_PLAIN = {"Dhcp": _ROUTER, "Dns": _ROUTER, "UserData": _ROUTER}
_NAT = {**_PLAIN, "SourceNat": _ROUTER}
_DRIVE = {"UserData": ["ConfigDrive"]}

# Names: CloudStack's built-in offerings; of their services those that have an effect here.
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
        "name": "DefaultIsolatedNetworkOffering",
        "display_text": "Isolated network with its own router, on a VLAN of your choice",
        "guest_type": "Isolated",
        "services": _PLAIN,
        "specify_vlan": True,
        "specify_ip_ranges": True,
    },
    {
        "name": "DefaultL2NetworkOffering",
        "display_text": "Plain segment without addresses",
        "guest_type": "L2",
        "services": {},
    },
    {
        "name": "DefaultL2NetworkOfferingVlan",
        "display_text": "Plain segment on a VLAN of your choice",
        "guest_type": "L2",
        "services": {},
        "specify_vlan": True,
    },
    {
        "name": "DefaultL2NetworkOfferingConfigDrive",
        "display_text": "Plain segment; user data comes on a drive",
        "guest_type": "L2",
        "services": _DRIVE,
    },
    {
        "name": "DefaultL2NetworkOfferingConfigDriveVlan",
        "display_text": "Plain segment on a VLAN of your choice; user data comes on a drive",
        "guest_type": "L2",
        "services": _DRIVE,
        "specify_vlan": True,
    },
]


def ensure_built_in() -> None:
    for spec in BUILT_IN:
        NetworkOffering.objects.get_or_create(
            name=spec["name"], defaults={**spec, "is_default": True, "state": "Enabled"}
        )


def create(*, name: str, guest_type: str, services: dict[str, list[str]], **more: Any) -> Any:
    for service, names in services.items():
        _check_service(service, names)
    if guest_type == "L2" and {p for names in services.values() for p in names} - {"ConfigDrive"}:
        raise InvalidParameter("An L2 network has no services but user data on a ConfigDrive.")
    if NetworkOffering.objects.filter(name=name).exists():
        raise InvalidParameter(f"A network offering named {name} exists already.")
    return NetworkOffering.objects.create(
        name=name, guest_type=guest_type, services=services, **more
    )


def usual_provider(service: str) -> str:
    """Who provides a service whose provider nobody named."""
    able = (p for p, kind in providers.KINDS.items() if service in kind.services)
    return next(able, "VirtualRouter")


def _check_service(service: str, names: list[str]) -> None:
    able = {p for p, kind in providers.KINDS.items() if service in kind.services}
    if not able:
        known = sorted({s for kind in providers.KINDS.values() for s in kind.services})
        raise InvalidParameter(f"Nobody here provides {service}; there are {', '.join(known)}.")
    unable = sorted(set(names) - able)
    if unable:
        raise InvalidParameter(
            f"Provider {', '.join(unable)} cannot provide {service} here; "
            f"{', '.join(sorted(able))} can."
        )


def delete(offering: NetworkOffering) -> None:
    if offering.is_default:
        raise InvalidParameter(f"{offering} is a built-in offering; disable it instead.")
    users = list(offering.networks.filter(removed=None)[:5])
    if users:
        raise InUse(f"Offering {offering} is used by network {', '.join(map(str, users))}.")
    offering.remove()
