"""Routers: brought to the wanted state by the difference, read back, and compared."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agent import names
from agent import protocol as p
from agent.config import AgentConfig
from agent.network import bridges, rendering
from agent.network.daemons import DnsmasqProcess, MetadataProcess
from agent.network.host_side import HostSide
from agent.network.namespaces import Namespace
from agent.network.observing import Observed, address_changes, link_differences, observe
from agent.network.rendering import Link, Wanted
from agent.storage.placing import whole_file
from agent.tasks import Task

log = logging.getLogger("agent.network")


class HostNetwork:
    """See agent.drivers.fake_parts.FakeNetwork for what each method promises."""

    def __init__(self, config: AgentConfig) -> None:
        self._host = Namespace(config.network_namespace)
        self._folder = config.run_path / "routers" / (config.network_namespace or "")
        state = self._folder / ".forwarding.json"
        self._host_side = HostSide(self._host, state, config.router_host_ports)

    def apply_bridge(self, bridge: p.BridgeSpec) -> None:
        bridges.apply(self._host, bridge)

    def remove_bridge(self, bridge: p.BridgeSpec) -> None:
        bridges.remove(self._host, bridge)

    def apply_router(self, spec: p.RouterSpec, task: Task) -> p.RouterState:
        router = self._router(spec.name)
        wanted = rendering.render(spec, str(router.folder))
        router.take(spec)
        problems = router.apply(wanted, spec)
        router.remember(spec)
        problems += router.daemon_problems(wanted)
        return router.state(spec, wanted, problems)

    def router_state(self, router: p.RouterRef) -> p.RouterState:
        found = self._router(router.name)
        spec = found.known_spec()
        if spec is None or spec.uuid != router.uuid:
            return p.RouterState(router.uuid, 0, running=False)
        wanted = rendering.render(spec, str(found.folder))
        if not found.space.exists():
            return p.RouterState(spec.uuid, spec.version, False, ("the namespace is gone",))
        return found.state(spec, wanted, found.problems(wanted))

    def remove_router(self, router: p.RouterRef) -> None:
        found = self._router(router.name)
        known = found.known()
        if known is not None and known.uuid != router.uuid:
            return  # The name is another router's by now; ours is gone.
        found.remove()

    def _router(self, name: str) -> _Router:
        return _Router(names.namespace(name), self._folder, self._host, self._host_side)


# Made before the namespace is: says whose it is and what was applied.
OWNER = "router.json"


@dataclass(frozen=True, slots=True)
class _Known:
    uuid: str
    version: int
    uplink_address: str = ""


class _Router:
    """One namespace with what belongs to it."""

    def __init__(self, name: str, folder: Path, host: Namespace, host_side: HostSide) -> None:
        self.space = Namespace(name)
        self.folder = folder / name
        self._host = host
        self._host_side = host_side

    # -- whose it is -------------------------------------------------------------------

    def known(self) -> _Known | None:
        """Whose router this is and what was applied last."""
        try:
            return p.from_wire(_Known, json.loads((self.folder / OWNER).read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def known_spec(self) -> p.RouterSpec | None:
        try:
            return p.from_wire(p.RouterSpec, json.loads((self.folder / "spec.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def take(self, spec: p.RouterSpec) -> None:
        """Refuse an older version; a namespace that is not ours is left alone."""
        known = self.known()
        if self.space.exists() and not self._is_ours():
            raise p.NetworkFailed(
                f"A network namespace {spec.name} is there already and not ours. "
                f"Remove it (ip netns del {spec.name}) if nothing needs it."
            )
        if known is None or known.uuid != spec.uuid:
            if self.space.exists():
                log.warning("router %s replaces an older one of the same name", spec.name)
            self.remove()
        elif known.version > spec.version:
            raise p.NetworkFailed(
                f"Router {spec.name} has version {known.version}; {spec.version} is older."
            )

    def _is_ours(self) -> bool:
        """Our mark is in the namespace; or we died between making and marking it."""
        if (self.folder / OWNER).exists():
            return True
        loopback = self.space.link("lo") or {}
        return loopback.get("ifalias") == bridges.ALIAS

    def remember(self, spec: p.RouterSpec) -> None:
        self._write("spec.json", json.dumps(p.to_wire(spec)))
        by_host = "" if spec.public else spec.uplink4.split("/")[0]
        known = _Known(spec.uuid, spec.version, by_host)
        self._write(OWNER, json.dumps(p.to_wire(known)))

    def _read(self, name: str) -> str:
        try:
            return (self.folder / name).read_text()
        except OSError:
            return ""

    def _write(self, name: str, text: str) -> None:
        with whole_file(self.folder / name, 0o600) as part:
            part.touch(mode=0o600)
            part.write_text(text)

    # -- to the wanted state -----------------------------------------------------------

    def apply(self, wanted: Wanted, spec: p.RouterSpec) -> list[str]:
        """Look, mend what differs, look again only if something did."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        self._claim()
        if not self.space.exists():
            self.space.create()
            self.space.batch([f"link set dev lo alias {bridges.ALIAS}"])
            self.space.sysctl(_SYSCTLS)
        seen = observe(self._host, self.space, wanted)
        differences = [*link_differences(wanted, seen), *self._rule_differences(wanted, seen)]
        if differences:
            for bridge in _bridges(spec):
                bridges.apply(self._host, bridge)
            self._mend_links(wanted, seen)
            self._load_rules(wanted)
            seen = observe(self._host, self.space, wanted)
            differences = [*link_differences(wanted, seen), *self._rule_differences(wanted, seen)]
        self._admit(wanted)
        self._apply_daemons(wanted)
        return differences

    def _admit(self, wanted: Wanted) -> None:
        """The host lets out the address it shall, and no more the one it did before."""
        before = self.known()
        if before and before.uplink_address not in ("", wanted.uplink_address):
            self._host_side.dismiss(before.uplink_address)
        if wanted.uplink is not None and wanted.uplink_address:
            self._host_side.admit(wanted.uplink.outside, wanted.uplink_address)

    def _claim(self) -> None:
        """Marks the namespace as ours before it is made, so that a death here is mended."""
        marker = self.folder / OWNER
        if not marker.exists():
            marker.touch(mode=0o600)

    def _mend_links(self, wanted: Wanted, seen: Observed) -> None:
        kept = {link.inside for link in wanted.all_links()}
        self.space.batch(
            f"link del dev {name}" for name in seen.inside if _is_ours(name) and name not in kept
        )
        for link in wanted.all_links():
            inside, outside = seen.inside.get(link.inside), seen.outside.get(link.outside)
            if inside is None or outside is None:
                self._make_link(link, inside is not None, outside is not None)
                inside, outside = {}, {}
            if link.bridge and outside.get("master") != link.bridge:
                self._host.batch([f"link set dev {link.outside} master {link.bridge}"])
            ours = set(link.addresses)
            mtu = f" mtu {link.mtu}" if link.mtu else ""
            up = f"link set dev {link.inside}{mtu} up"
            self.space.batch([up, *address_changes(link.inside, inside, ours)])
            theirs = {wanted.host4} - {""} if link is wanted.uplink else set()
            up = f"link set dev {link.outside}{mtu} up"
            self._host.batch([up, *address_changes(link.outside, outside, theirs)])
        if not seen.has_metadata_address():
            self.space.batch([f"addr replace {rendering.METADATA_ADDRESS}/32 dev lo"])
        if wanted.gateway and seen.gateways != {wanted.gateway}:
            where = f"via {wanted.gateway} dev {rendering.UPLINK}"
            self.space.batch([f"route replace default {where}"])

    def _make_link(self, link: Link, has_inside: bool, has_outside: bool) -> None:
        if has_outside:
            self._host.batch([f"link del dev {link.outside}"])
        elif has_inside:
            self.space.batch([f"link del dev {link.inside}"])
        mtu = f" mtu {link.mtu}" if link.mtu else ""
        self._host.batch(
            [
                f"link add name {link.outside}{mtu} type veth peer name {link.inside}{mtu} "
                f"address {link.mac} netns {self.space.name}",
                f"link set dev {link.outside} alias {bridges.ALIAS} addrgenmode none",
            ]
        )

    def _load_rules(self, wanted: Wanted) -> None:
        self.space.nft(wanted.rules)
        self._write("rules", wanted.rules)
        self._write("rules.seen", self.space.nft_table("inet", rendering.TABLE))

    def _rule_differences(self, wanted: Wanted, seen: Observed) -> list[str]:
        """The text we loaded, and the kernel's own words for it right after."""
        if self._read("rules") == wanted.rules and self._read("rules.seen") == seen.rules:
            return []
        return ["the router's nftables rules are not the ones applied"]

    def _apply_daemons(self, wanted: Wanted) -> None:
        devices = {one.device for one in wanted.dnsmasq}
        for path in self.folder.glob("*.conf"):
            if path.stem not in devices:
                self._dnsmasq(path.stem).remove()
        for one in wanted.dnsmasq:
            self._dnsmasq(one.device).apply(one)
        self._metadata().apply(wanted.metadata)

    def problems(self, wanted: Wanted) -> list[str]:
        """Everything that differs from the wanted state now."""
        seen = observe(self._host, self.space, wanted)
        found = [*link_differences(wanted, seen), *self._rule_differences(wanted, seen)]
        if wanted.uplink_address:
            found += self._host_side.problems(wanted.uplink_address)
        return found + self.daemon_problems(wanted)

    def state(self, spec: p.RouterSpec, wanted: Wanted, problems: list[str]) -> p.RouterState:
        taken = self._metadata().taken(wanted.metadata)
        return p.RouterState(spec.uuid, spec.version, True, tuple(problems), taken)

    def daemon_problems(self, wanted: Wanted) -> list[str]:
        found = []
        for one in wanted.dnsmasq:
            found += self._dnsmasq(one.device).problems(one)
        return found + self._metadata().problems(wanted.metadata)

    # -- gone --------------------------------------------------------------------------

    def remove(self) -> None:
        known = self.known()
        for path in self.folder.glob("*.conf"):
            self._dnsmasq(path.stem).stop()
        self._metadata().stop()
        if self.space.exists() and self._is_ours():
            for pid in self.space.processes():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._remove_links()
            self.space.delete()
        if known is not None and known.uplink_address:
            self._host_side.dismiss(known.uplink_address)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _remove_links(self) -> None:
        """Deleting a namespace takes its devices away only some time later."""
        for entry in self.space.ip("link", "show"):
            if _is_ours(entry["ifname"]):
                self.space.batch([f"link del dev {entry['ifname'].split('@')[0]}"])

    def _dnsmasq(self, device: str) -> DnsmasqProcess:
        return DnsmasqProcess(self.space, self.folder, device)

    def _metadata(self) -> MetadataProcess:
        return MetadataProcess(self.space, self.folder)


# Between networks of one router the rules decide; from outside nothing is believed.
_SYSCTLS = {
    "net/ipv4/ip_forward": "1",
    "net/ipv6/conf/all/forwarding": "1",
    "net/ipv6/conf/default/accept_ra": "0",
    "net/ipv6/conf/default/accept_dad": "0",
    "net/ipv4/conf/all/rp_filter": "1",
    "net/ipv4/conf/default/rp_filter": "1",
    "net/ipv4/conf/all/accept_redirects": "0",
    "net/ipv4/conf/all/send_redirects": "0",
}


def _bridges(spec: p.RouterSpec) -> list[p.BridgeSpec]:
    public = [spec.public.bridge] if spec.public else []
    return [network.bridge for network in spec.networks] + public


def _is_ours(device: str) -> bool:
    return device == rendering.UPLINK or device.startswith("net")
