"""The host's end of routers' uplinks: forwarding and masquerade, in a table of our own.

The host's other tables, routes and addresses are never touched. Forwarding is switched on
only for the uplinks themselves and the devices that default routes use, and switched back
when the last router is gone.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path

from agent import protocol as p
from agent.network.namespaces import Namespace

TABLE = "cloudportal_host"
UPLINKS = "cpup-*"
_SET = "routers"


class HostSide:
    """``state`` remembers whose forwarding was switched on, to switch it back."""

    def __init__(self, host: Namespace, state: Path, open_ports: tuple[int, ...]) -> None:
        self._host = host
        self._state = state
        self._open_ports = open_ports
        self._guard = threading.Lock()

    def admit(self, device: str, address: str) -> None:
        """Let the router at ``address`` behind ``device`` out."""
        with self._guard:
            listing = self._host.nft_table("inet", TABLE)
            if not listing or self._fingerprint() not in listing:
                self._load(_members(listing))
                listing = self._host.nft_table("inet", TABLE)
            if address not in _members(listing):
                self._host.nft(f"add element inet {TABLE} {_SET} {{ {address} }}\n")
            self._forward([device, *self._default_devices()])

    def dismiss(self, address: str) -> None:
        with self._guard:
            members = _members(self._host.nft_table("inet", TABLE))
            if address in members:
                self._host.nft(f"delete element inet {TABLE} {_SET} {{ {address} }}\n")
                members.discard(address)
            if not members:
                self._host.nft(f"table inet {TABLE}\ndelete table inet {TABLE}\n")
                self._restore()

    def problems(self, address: str) -> list[str]:
        listing = self._host.nft_table("inet", TABLE)
        if address not in _members(listing) or self._fingerprint() not in listing:
            return ["the host does not let the router out (nftables)"]
        return []

    def _load(self, members: set[str]) -> None:
        elements = f"elements = {{ {', '.join(sorted(members))} }};" if members else ""
        self._host.nft(rules(self._open_ports, elements, self._fingerprint()))

    def _fingerprint(self) -> str:
        """Stands as a comment in the table: says which rules it holds."""
        ports = "-".join(str(port) for port in self._open_ports)
        return f"cloudportal rules 1 ports {ports or 'none'}"

    def _default_devices(self) -> list[str]:
        routes = self._host.ip("route", "show", "default")
        return [str(route["dev"]) for route in routes if route.get("dev")]

    def _forward(self, devices: list[str]) -> None:
        changed = {}
        for device in devices:
            key = f"net/ipv4/conf/{device}/forwarding"
            if self._host.read_sysctl(key) == "0":
                changed[key] = "1"
        if changed:
            self._remember([key for key in changed if "/cpup-" not in key])
            self._host.sysctl(changed)

    def _remember(self, keys: list[str]) -> None:
        known = self._remembered()
        if set(keys) - set(known):
            self._state.parent.mkdir(parents=True, exist_ok=True)
            self._state.write_text(json.dumps(sorted({*known, *keys})))

    def _remembered(self) -> list[str]:
        try:
            return [str(key) for key in json.loads(self._state.read_text())]
        except (OSError, ValueError):
            return []

    def _restore(self) -> None:
        try:
            self._host.sysctl(dict.fromkeys(self._remembered(), "0"))
        except p.NetworkFailed:
            return  # The device is gone, and its setting with it.
        self._state.unlink(missing_ok=True)


def rules(open_ports: tuple[int, ...], elements: str, fingerprint: str) -> str:
    """Guests may pass through the host, not into it, but for DNS and what was opened."""
    tcp = ", ".join(str(port) for port in (53, *open_ports))
    return f"""table inet {TABLE}
delete table inet {TABLE}
table inet {TABLE} {{
  set {_SET} {{ type ipv4_addr; {elements} }}
  chain postrouting {{
    type nat hook postrouting priority 100; policy accept;
    ip saddr @{_SET} oifname != "{UPLINKS}" masquerade comment "{fingerprint}"
  }}
  chain input {{
    type filter hook input priority 0; policy accept;
    iifname != "{UPLINKS}" accept
    ct state established,related accept
    icmp type echo-request accept
    udp dport 53 accept
    tcp dport {{ {tcp} }} accept
    drop
  }}
  chain forward {{
    type filter hook forward priority 0; policy accept;
    iifname "{UPLINKS}" ip saddr != @{_SET} drop
    oifname != "{UPLINKS}" accept
    ct state established,related accept
    drop
  }}
}}
"""


def _members(listing: str) -> set[str]:
    _, _, rest = listing.partition("elements = {")
    inside, _, _ = rest.partition("}")
    return {word.strip() for word in inside.replace("\n", " ").split(",") if word.strip()}
