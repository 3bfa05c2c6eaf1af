"""Layer-2 segments: Linux bridges, made when there is none, never taken from anybody else."""

from __future__ import annotations

from agent import names
from agent import protocol as p
from agent.network import uplinks
from agent.network.namespaces import Namespace
from agent.network.uplinks import ALIAS

__all__ = ["ALIAS", "apply", "remove"]


def apply(host: Namespace, bridge: p.BridgeSpec) -> None:
    name = names.device(bridge.name)
    found = host.link(name)
    if found is None:
        _create(host, name, bridge.mtu)
    elif (found.get("linkinfo") or {}).get("info_kind") != "bridge":
        raise p.NetworkFailed(f"{name} is there already, and it is not a bridge.")
    else:
        _adjust(host, found, bridge.mtu)
    uplink = uplinks.of(bridge)
    if uplink is not None:
        uplinks.join(host, name, uplink)


def remove(host: Namespace, bridge: p.BridgeSpec) -> None:
    """One of another's making is left alone; one that still has ports of guests is refused."""
    name = names.device(bridge.name)
    found = host.link(name)
    if found is None or found.get("ifalias") != ALIAS:
        return
    ports = [port["ifname"] for port in host.ip("link", "show", "master", name)]
    uplink = uplinks.of(bridge)
    own = uplinks.ports(name, uplink)
    foreign = [port for port in ports if port not in own]
    if foreign:
        raise p.NetworkFailed(f"Bridge {name} is still in use by {', '.join(foreign[:5])}.")
    host.batch([f"link del {name}"])
    if uplink is not None:
        uplinks.leave(host, name, uplink)


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
