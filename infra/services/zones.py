"""Zones: made, changed, taken away when nothing is in them."""

from __future__ import annotations

from typing import Any

from accounts.models import Domain
from core import live
from core.errors import InvalidParameter
from infra.models import Zone
from infra.services import checks
from infra.services.usage import refuse_if_used

_IP_FIELDS = {
    "dns1": 4, "dns2": 4, "ip6_dns1": 6, "ip6_dns2": 6, "internal_dns1": 4, "internal_dns2": 4,
}  # fmt: skip
_PARAMETERS = {
    "ip6_dns1": "ip6dns1", "ip6_dns2": "ip6dns2", "internal_dns1": "internaldns1",
    "internal_dns2": "internaldns2",
}  # fmt: skip


def create(*, name: str, network_type: str, domain: Domain | None = None, **fields: Any) -> Zone:
    """A zone. A Basic zone keeps guests apart with security groups, so it has them."""
    fields = _checked(fields)
    zone = Zone.objects.create(
        name=checks.unused_name(Zone.objects, "zone", name),
        network_type=network_type,
        domain=domain,
        **{**fields, **({"security_groups_enabled": True} if network_type == "Basic" else {})},
    )
    live.changed(zone)
    return zone


def update(zone: Zone, *, is_public: bool | None = None, **fields: Any) -> Zone:
    """Change what is given. ``is_public`` opens a domain's zone to all; never the reverse."""
    if is_public is False and zone.domain_id is None:
        raise InvalidParameter(f"Zone {zone} is public and stays so: others use it already.")
    if is_public:
        fields["domain"] = None
    if "name" in fields:
        fields["name"] = checks.unused_name(Zone.objects, "zone", fields["name"], zone)
    for field, value in _checked(fields).items():
        setattr(zone, field, value)
    if not zone.dns1 or not zone.internal_dns1:
        raise InvalidParameter("A zone needs dns1 and internaldns1.")
    zone.save()
    live.changed(zone)
    return zone


def delete(zone: Zone) -> None:
    """Raises InUse naming what is still in the zone."""
    refuse_if_used(zone)
    zone.remove()


def _checked(fields: dict[str, Any]) -> dict[str, Any]:
    out = dict(fields)
    for field, version in _IP_FIELDS.items():
        if field in out:
            out[field] = checks.ip(_PARAMETERS.get(field, field), out[field], version)
    if "guest_cidr" in out:
        out["guest_cidr"] = checks.cidr("guestcidraddress", out["guest_cidr"])
    if "network_domain" in out:
        out["network_domain"] = checks.network_domain("domain", out["network_domain"])
    return out
