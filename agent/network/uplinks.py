"""The device by which a bridge reaches the wire: a device of the host, a VLAN or VXLAN on one.

A bridge of the host's own, as KVM hosts often have one over their card, is joined by a pair of
devices, since a bridge cannot be a port of another.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from agent import names
from agent import protocol as p
from agent.network.namespaces import Namespace

# What we made carries this alias; nothing else is ever deleted.
ALIAS = "cloudportal"
VXLAN_PORT = 4789  # RFC 7348
_VLAN = re.compile(r"(.+)\.([0-9]{1,4})")
_LONGEST = 15  # IFNAMSIZ less its end


@dataclass(frozen=True, slots=True)
class Uplink:
    """``device`` is the bridge's port; ``parent`` what it is made on ("": it is the host's)."""

    device: str
    parent: str = ""
    vlan: int = 0
    vni: int = 0


def of(bridge: p.BridgeSpec) -> Uplink | None:
    """What the bridge shall be joined to; None for a private one."""
    if not bridge.uplink:
        return None
    if bridge.vni:
        if not 1 <= bridge.vni < 2**24:
            raise p.NetworkFailed(f"VNI {bridge.vni} is out of range (1 to {2**24 - 1}).")
        return Uplink(f"cpvx{bridge.vni}", names.device(bridge.uplink), vni=bridge.vni)
    match = _VLAN.fullmatch(bridge.uplink)
    if match is None:
        return Uplink(names.device(bridge.uplink))
    parent, tag = names.device(match.group(1)), int(match.group(2))
    if not 1 <= tag <= 4094:
        raise p.NetworkFailed(f"VLAN {tag} is out of range (1 to 4094).")
    name = bridge.uplink if len(bridge.uplink) <= _LONGEST else f"cpvl{_digest(bridge.uplink)}"
    return Uplink(names.device(name), parent, vlan=tag)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def join(host: Namespace, bridge: str, uplink: Uplink) -> None:
    """Have the uplink in the bridge. Raises NetworkFailed naming what stands in the way."""
    found = host.link(uplink.device)
    if found is None:
        _make(host, uplink)
        found = host.link(uplink.device) or {}
    if not uplink.parent and _kind(found) == "bridge":
        _patch(host, bridge, uplink.device)
        return
    master = found.get("master", "")
    if master == bridge:
        return
    if master:
        raise p.NetworkFailed(f"{uplink.device} already belongs to {master}; {bridge} cannot "
                              "have it.")  # fmt: skip
    if _has_addresses(host, uplink.device):
        raise p.NetworkFailed(
            f"{uplink.device} carries this machine's own address; joining it to {bridge} would "
            "cut the machine off. Move the address to a bridge first, or use a VLAN of that "
            "device."
        )
    device = uplink.device
    host.batch([f"link set dev {device} master {bridge}", f"link set dev {device} up"])


def leave(host: Namespace, bridge: str, uplink: Uplink) -> None:
    """After the bridge is gone: what was made for it goes too, unless another bridge has it."""
    ours, _ = _pair(bridge, uplink.device)
    for device in (ours, uplink.device):
        found = host.link(device)
        if found is not None and found.get("ifalias") == ALIAS and not found.get("master"):
            host.batch([f"link del {device}"])


def ports(bridge: str, uplink: Uplink | None) -> set[str]:
    """The bridge's ports that are no guest's."""
    return {uplink.device, _pair(bridge, uplink.device)[0]} if uplink else set()


def _kind(found: dict[str, object]) -> str:
    info = found.get("linkinfo")
    return str(info.get("info_kind", "")) if isinstance(info, dict) else ""


def _make(host: Namespace, uplink: Uplink) -> None:
    if not uplink.parent:
        raise p.NetworkFailed(f"This host has no network device {uplink.device}.")
    what = f"VLAN {uplink.vlan}" if uplink.vlan else f"VNI {uplink.vni}"
    if host.link(uplink.parent) is None:
        raise p.NetworkFailed(f"This host has no network device {uplink.parent} for {what}.")
    if uplink.vlan:
        made = f"link {uplink.parent} name {uplink.device} type vlan id {uplink.vlan}"
    else:
        made = (
            f"name {uplink.device} type vxlan id {uplink.vni} group {_group(uplink.vni)} "
            f"dstport {VXLAN_PORT} ttl 10 dev {uplink.parent}"
        )
    host.batch(
        [f"link add {made}", f"link set dev {uplink.device} alias {ALIAS} addrgenmode none"]
    )


def _group(vni: int) -> str:
    """The multicast group of a VNI, as CloudStack's hosts have it."""
    return f"239.{vni >> 16 & 255}.{vni >> 8 & 255}.{vni & 255}"


def _patch(host: Namespace, bridge: str, other: str) -> None:
    ours, theirs = _pair(bridge, other)
    if host.link(ours) is None:
        host.batch(
            [
                f"link add name {ours} type veth peer name {theirs}",
                f"link set dev {ours} alias {ALIAS} addrgenmode none",
                f"link set dev {theirs} alias {ALIAS} addrgenmode none",
            ]
        )
    host.batch(
        [
            f"link set dev {ours} master {bridge}",
            f"link set dev {theirs} master {other}",
            f"link set dev {ours} up",
            f"link set dev {theirs} up",
        ]
    )


def _pair(bridge: str, other: str) -> tuple[str, str]:
    digest = _digest(f"{bridge} {other}")
    return f"cpja{digest}", f"cpjb{digest}"


def _has_addresses(host: Namespace, device: str) -> bool:
    shown = host.ip("addr", "show", "dev", device)
    return any(a.get("scope") == "global" for entry in shown for a in entry.get("addr_info", []))
