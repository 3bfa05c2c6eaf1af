"""Services that networks can have here: CloudStack's names, who provides them, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import InvalidParameter
from network.services.providers import KINDS


def _capability(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "value": value, "canchooseservicecapability": False}


#: Service → what clients may want to know of it (CloudStack's capability names).
CAPABILITIES: dict[str, list[dict[str, Any]]] = {
    "Dhcp": [_capability("DhcpAccrossMultipleSubnets", "true")],
    "Dns": [_capability("AllowDnsSuffixModification", "true")],
    "SecurityGroup": [],
    "SourceNat": [
        _capability("SupportedSourceNatTypes", "peraccount"),
        _capability("RedundantRouter", "false"),
    ],
    "UserData": [],
}


def check(services: Mapping[str, Any], wishes: Sequence[Mapping[str, str]]) -> None:
    """Wishes of ``servicecapabilitylist``: each must be how the service works here anyway.

    Raises InvalidParameter.
    """
    for wish in wishes:
        service, kind, value = (
            wish.get(name, "") for name in ("service", "capabilitytype", "capabilityvalue")
        )
        if service not in services:
            raise InvalidParameter(
                f"A capability is asked for of service {service}, which is not among "
                "supportedservices."
            )
        known = {c["name"].lower(): c["value"] for c in CAPABILITIES.get(service, [])}
        if known.get(kind.lower(), "").lower() != value.lower() or not value:
            can = ", ".join(f"{n} = {v}" for n, v in known.items()) or "–"
            raise InvalidParameter(
                f"Service {service} does not work with {kind} = {value} here; it has: {can}."
            )


def records(*, service: str = "", provider: str = "") -> list[dict[str, Any]]:
    found = []
    for name, capabilities in CAPABILITIES.items():
        able = [p for p, kind in KINDS.items() if name in kind.services]
        if service and name.lower() != service.lower():
            continue
        if provider:
            able = [p for p in able if p.lower() == provider.lower()]
            if not able:
                continue
        entry: dict[str, Any] = {"name": name, "provider": [{"name": p} for p in able]}
        if capabilities:
            entry["capability"] = capabilities
        found.append(entry)
    return found
