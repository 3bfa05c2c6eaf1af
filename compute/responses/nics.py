"""NICs."""

from __future__ import annotations

from compute.models import Nic
from core.responses import Response, computed, number, text


def _either(own: str | None, networks: str | None) -> str | None:
    """A subnet of the address's own (in a Basic zone), else the network's."""
    return own or networks or None


nic = Response(
    "nic",
    Nic,
    (
        text("id", "uuid"),
        text("virtualmachineid", "machine__uuid"),
        text("networkid", "network__uuid"),
        text("networkname", "network__name"),
        computed("deviceid", ("device_id",), str),
        computed("isdefault", ("is_default",), bool, "boolean"),
        text("macaddress", "address__mac"),
        text("ipaddress", "address__ip4"),
        computed("netmask", ("address__netmask", "network__netmask"), _either),
        computed("gateway", ("address__gateway", "network__gateway"), _either),
        text("ip6address", "address__ip6"),
        text("ip6gateway", "network__ip6_gateway"),
        computed("ip6cidr", ("network__ip6_cidr",), lambda text: text or None),
        text("type", "network__guest_type"),
        number("mtu", "network__private_mtu"),
        computed(
            "broadcasturi",
            ("network__vlan",),
            lambda vlan: f"vlan://{vlan.removeprefix('vlan://')}" if vlan else None,
            admin_only=True,
        ),
    ),
    always={"traffictype": "Guest", "secondaryip": []},
)
