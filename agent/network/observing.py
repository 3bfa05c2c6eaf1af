"""What a router's links really are, and how that differs from what is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agent.network.namespaces import Namespace
from agent.network.rendering import METADATA_ADDRESS, TABLE, Wanted

Devices = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Observed:
    inside: Devices
    outside: Devices
    gateways: set[str]
    rules: str

    def has_metadata_address(self) -> bool:
        return f"{METADATA_ADDRESS}/32" in addresses(self.inside.get("lo", {}))


def observe(host: Namespace, space: Namespace, wanted: Wanted) -> Observed:
    inside, routes = space.all_devices()
    return Observed(
        inside=inside,
        outside=host.devices([link.outside for link in wanted.all_links()]),
        gateways={str(route.get("gateway", "")) for route in routes},
        rules=space.nft_table("inet", TABLE),
    )


def link_differences(wanted: Wanted, seen: Observed) -> list[str]:
    found = []
    for link in wanted.all_links():
        inside, outside = seen.inside.get(link.inside), seen.outside.get(link.outside)
        name = f"{link.inside} to {link.bridge or 'the host'}"
        if inside is None or outside is None:
            found.append(f"the link {name} is missing")
            continue
        if not (_is_up(inside) and _is_up(outside)):
            found.append(f"the link {name} is down")
        if link.mtu and {inside.get("mtu"), outside.get("mtu")} != {link.mtu}:
            found.append(f"the link {name} does not have MTU {link.mtu}")
        if addresses(inside) != set(link.addresses):
            found.append(f"{link.inside} has {_listed(addresses(inside))}")
        if link.bridge and outside.get("master") != link.bridge:
            found.append(f"{link.outside} is not in bridge {link.bridge}")
        if link is wanted.uplink and wanted.host4 and wanted.host4 not in addresses(outside):
            found.append(f"{link.outside} lacks {wanted.host4}")
    known = {link.inside for link in wanted.all_links()} | {"lo"}
    found += [f"{name} should not be there" for name in sorted(set(seen.inside) - known)]
    if wanted.gateway and seen.gateways != {wanted.gateway}:
        found.append(f"the default route is {_listed(seen.gateways)}")
    if not seen.has_metadata_address():
        found.append(f"{METADATA_ADDRESS} is missing")
    return found


def address_changes(device: str, entry: dict[str, Any], wanted: set[str]) -> list[str]:
    """ip commands from the addresses that ``entry`` has to the wanted ones."""
    held = addresses(entry)
    gone = [f"addr del {address} dev {device}" for address in sorted(held - wanted)]
    return gone + [f"addr add {address} dev {device}" for address in sorted(wanted - held)]


def addresses(entry: dict[str, Any]) -> set[str]:
    return {
        f"{info['local']}/{info['prefixlen']}"
        for info in entry.get("addr_info", [])
        if info.get("scope") == "global"
    }


def _is_up(entry: dict[str, Any]) -> bool:
    return "UP" in entry.get("flags", [])


def _listed(values: set[str]) -> str:
    return ", ".join(sorted(values)) or "nothing"
