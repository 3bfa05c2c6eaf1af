"""Layer-2 segments: Linux bridges, made when there is none, never taken from anybody else."""

from __future__ import annotations

import re

from agent import names
from agent import protocol as p
from agent.network.namespaces import Namespace

# What we made carries this alias; nothing else is ever deleted.
ALIAS = "cloudportal"
_VLAN = re.compile(r"(.+)\.([0-9]{1,4})")


def apply(host: Namespace, bridge: p.BridgeSpec) -> None:
    name = names.device(bridge.name)
    found = host.link(name)
    if found is None:
        _create(host, name, bridge.mtu)
    elif (found.get("linkinfo") or {}).get("info_kind") != "bridge":
        raise p.NetworkFailed(f"{name} is there already, and it is not a bridge.")
    else:
        _adjust(host, found, bridge.mtu)
    if bridge.uplink:
        _join(host, name, names.device(bridge.uplink))


def remove(host: Namespace, bridge: p.BridgeSpec) -> None:
    """One of another's making is left alone; one that still has ports of guests is refused."""
    name = names.device(bridge.name)
    found = host.link(name)
    if found is None or found.get("ifalias") != ALIAS:
        return
    ports = [port["ifname"] for port in host.ip("link", "show", "master", name)]
    foreign = [port for port in ports if port != bridge.uplink]
    if foreign:
        raise p.NetworkFailed(f"Bridge {name} is still in use by {', '.join(foreign[:5])}.")
    host.batch([f"link del {name}"])
    if bridge.uplink:
        _remove_vlan(host, names.device(bridge.uplink))


def _create(host: Namespace, name: str, mtu: int) -> None:
    # forward_delay: without it a guest's first DHCP request waits 15 s. addrgenmode: the
    # host takes no part in a guest network, not even with a link-local address.
    commands = [
        f"link add name {name} type bridge forward_delay 0 stp_state 0",
        f"link set dev {name} alias {ALIAS} addrgenmode none",
    ]
    if mtu:
        commands.append(f"link set dev {name} mtu {int(mtu)}")
    host.batch([*commands, f"link set dev {name} up"])


def _adjust(host: Namespace, found: dict[str, object], mtu: int) -> None:
    if found.get("ifalias") != ALIAS:
        return
    name = str(found["ifname"])
    if mtu and found.get("mtu") != mtu:
        host.batch([f"link set dev {name} mtu {int(mtu)}"])
    flags = found.get("flags")
    if isinstance(flags, list) and "UP" not in flags:
        host.batch([f"link set dev {name} up"])


def _join(host: Namespace, bridge: str, uplink: str) -> None:
    found = host.link(uplink)
    if found is None:
        _create_vlan(host, uplink)
        found = host.link(uplink) or {}
    master = found.get("master", "")
    if master == bridge:
        return
    if master:
        raise p.NetworkFailed(f"{uplink} already belongs to {master}; {bridge} cannot have it.")
    if _has_addresses(host, uplink):
        raise p.NetworkFailed(
            f"{uplink} carries this machine's own address; joining it to {bridge} would cut the "
            "machine off. Move the address to a bridge first, or use a VLAN of that device."
        )
    host.batch([f"link set dev {uplink} master {bridge}", f"link set dev {uplink} up"])


def _has_addresses(host: Namespace, device: str) -> bool:
    shown = host.ip("addr", "show", "dev", device)
    return any(a.get("scope") == "global" for entry in shown for a in entry.get("addr_info", []))


def _create_vlan(host: Namespace, uplink: str) -> None:
    match = _VLAN.fullmatch(uplink)
    if match is None:
        raise p.NetworkFailed(f"This host has no network device {uplink}.")
    parent, tag = match.group(1), int(match.group(2))
    if host.link(parent) is None:
        raise p.NetworkFailed(f"This host has no network device {parent} for VLAN {tag}.")
    if not 1 <= tag <= 4094:
        raise p.NetworkFailed(f"VLAN {tag} is out of range (1 to 4094).")
    host.batch(
        [
            f"link add link {parent} name {uplink} type vlan id {tag}",
            f"link set dev {uplink} alias {ALIAS} addrgenmode none",
        ]
    )


def _remove_vlan(host: Namespace, uplink: str) -> None:
    found = host.link(uplink)
    if found is not None and found.get("ifalias") == ALIAS and not found.get("master"):
        host.batch([f"link del {uplink}"])
