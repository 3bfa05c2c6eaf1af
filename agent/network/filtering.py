"""Security groups: which packets a guest's card may receive and send.

One chain of nftables per direction and tap, reached over two maps from the bridge family, so
that a card costs nothing to the others. Known by the tap's name, the rules are there before the
tap is: no packet is ever judged by none.

Answers pass because the card's own flows are remembered in a set (guest and peer, protocol,
ports), not by the kernel's connection tracking, which many kernels cannot do on a bridge. Each
card has a set of its own: addresses of different networks never meet, and a guest that opens
very many flows crowds out its own only.
"""

from __future__ import annotations

import ipaddress
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agent import names, processes
from agent import protocol as p

TABLE = "cloudportal_groups"
FLOWS_PER_CARD = 65_535
TIMEOUT_S = 180
#: Protocols whose answers are let through, and for how many seconds of silence: of TCP longer
#: than Linux waits before its first keepalive (two hours).
_LEARNT = {"tcp": 7500, "udp": TIMEOUT_S}
_SYSFS = Path("/sys/class/net")
_CHAIN = re.compile(r"^\s*chain to_(ct[0-9a-f]{12}) \{", re.MULTILINE)

_FLOW4 = "type ipv4_addr . ipv4_addr . inet_proto . inet_service . inet_service"
_FLOW6 = _FLOW4.replace("ipv4", "ipv6")
_BASE = (
    ("forward", ("iifname vmap @from", "oifname vmap @to")),
    ("input", ("iifname vmap @from",)),
    ("output", ("oifname vmap @to",)),
)
_NEIGHBOURS = (
    "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, "
    "nd-router-advert, mld-listener-query, mld-listener-report, mld2-listener-report } return"
)
_ANSWERS = (
    "icmp type { echo-reply, destination-unreachable, time-exceeded, parameter-problem } return",
    "icmpv6 type { echo-reply, destination-unreachable, packet-too-big, time-exceeded, "
    "parameter-problem } return",
    "udp sport { 67, 547 } return",  # of the network's own DHCP; guests cannot send these
    "ip frag-off & 0x1fff != 0 return",  # useless without the first piece, which was judged
)


class Filtering:
    """Rules that cannot be put in force are an error: without them the card is open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._coming: set[str] = set()

    def apply(self, nics: Iterable[p.Nic]) -> None:
        """Bring the cards' rules to what their ``rules`` say; cards without are left alone.

        Raises OperationFailed.
        """
        filtered = [nic for nic in nics if nic.rules is not None]
        if filtered:
            with self._lock:
                self._run(rules(filtered))

    @contextmanager
    def before_taps_appear(self, nics: Iterable[p.Nic]) -> Iterator[None]:
        """Rules in force before the block makes the taps."""
        taps = {names.tap(nic.mac) for nic in nics if nic.rules is not None}
        with self._lock:
            self._coming |= taps
        try:
            self.apply(nics)
            yield
        finally:
            with self._lock:
                self._coming -= taps

    def sweep(self) -> None:
        """Remove the rules of cards that are gone."""
        with self._lock:
            listing = processes.run(["nft", "list", "table", "bridge", TABLE], accept=(0, 1))
            taps = _CHAIN.findall(listing)
            gone = [t for t in taps if t not in self._coming and not (_SYSFS / t).exists()]
            if gone:
                self._run(removal(gone))

    def _run(self, text: str) -> None:
        try:
            processes.run(["nft", "-f", "-"], stdin=text)
        except processes.ToolFailed as error:
            raise p.OperationFailed(f"Security group rules are not in force: {error}") from error


def rules(nics: Iterable[p.Nic]) -> str:
    """One transaction of nftables that replaces the cards' chains whole, flows kept."""
    lines = [
        f"add table bridge {TABLE}",
        f"add map bridge {TABLE} from {{ type ifname : verdict; }}",
        f"add map bridge {TABLE} to {{ type ifname : verdict; }}",
    ]
    for hook, body in _BASE:
        head = f"{{ type filter hook {hook} priority 0; policy accept; }}"
        lines += [f"add chain bridge {TABLE} {hook} {head}", f"flush chain bridge {TABLE} {hook}"]
        lines += [f"add rule bridge {TABLE} {hook} {rule}" for rule in body]
    for nic in nics:
        lines += _card(nic)
    return "\n".join(lines) + "\n"


def removal(taps: Iterable[str]) -> str:
    lines = []
    for tap in taps:
        lines += [f"delete element bridge {TABLE} {way} {{ {tap} }}" for way in ("from", "to")]
        lines += [f"delete chain bridge {TABLE} {way}_{tap}" for way in ("from", "to")]
        lines += [f"delete set bridge {TABLE} {flows}_{tap}" for flows in ("f4", "f6")]
    return "\n".join(lines) + "\n"


def _card(nic: p.Nic) -> list[str]:
    assert nic.rules is not None
    tap = names.tap(nic.mac)
    made = []
    for flows, kind in (("f4", _FLOW4), ("f6", _FLOW6)):
        made.append(
            f"add set bridge {TABLE} {flows}_{tap} {{ {kind}; flags dynamic,timeout; "
            f"size {FLOWS_PER_CARD}; timeout {TIMEOUT_S}s; }}"
        )
    for way, body in (("to", _received(nic.rules, tap)), ("from", _sent(nic.rules, tap))):
        chain = f"{way}_{tap}"
        made += [f"add chain bridge {TABLE} {chain}", f"flush chain bridge {TABLE} {chain}"]
        made += [f"add rule bridge {TABLE} {chain} {rule}" for rule in body]
        made.append(f"add element bridge {TABLE} {way} {{ {tap} : jump {chain} }}")
    return made


def _received(wanted: p.NicRules, tap: str) -> Iterator[str]:
    yield "ether type arp return"
    yield _NEIGHBOURS
    yield from _ANSWERS
    for family in (4, 6):
        yield f"{_flow(family, sent=False)} @f{family}_{tap} return"
    for rule in wanted.ingress:
        yield from _allowing(rule, tap, sent=False, learn=wanted.egress_limited)
    yield "drop"


def _sent(wanted: p.NicRules, tap: str) -> Iterator[str]:
    if not wanted.egress_limited:
        for family in (4, 6):
            for protocol in _LEARNT:
                yield f"meta l4proto {protocol} {_learn(family, protocol, tap, sent=True)}"
        return
    yield "ether type arp return"
    yield _NEIGHBOURS
    yield "udp dport { 67, 547 } return"
    yield "icmp type { echo-reply, destination-unreachable, time-exceeded } return"
    yield "icmpv6 type { echo-reply, destination-unreachable, packet-too-big } return"
    yield "ip frag-off & 0x1fff != 0 return"
    for family in (4, 6):
        yield f"{_flow(family, sent=True)} @f{family}_{tap} return"
    for address in wanted.routers:
        # Name server, metadata, passwords: what the network itself gives.
        given = p.SecurityRule("all", cidrs=(address,))
        yield from _allowing(given, tap, sent=True, learn=True)
    for rule in wanted.egress:
        yield from _allowing(rule, tap, sent=True, learn=True)
    yield "drop"


def _allowing(rule: p.SecurityRule, tap: str, *, sent: bool, learn: bool) -> Iterator[str]:
    """nftables rules that let through what ``rule`` allows; with ``learn`` answers as well."""
    for family, peers in _by_family(rule.cidrs):
        match = f"{_peer(family, peers, sent=sent)} {_protocol(rule, family)}".strip()
        for protocol in _LEARNT if learn else ():
            if rule.protocol in (protocol, "all"):
                learnt = _learn(family, protocol, tap, sent=sent)
                yield f"{match} meta l4proto {protocol} {learnt} return"
        yield f"{match} return"


def _learn(family: int, protocol: str, tap: str, *, sent: bool) -> str:
    flow = _flow(family, sent=sent)
    return f"update @f{family}_{tap} {{ {flow} timeout {_LEARNT[protocol]}s }}"


_IP = {4: "ip", 6: "ip6"}


def _flow(family: int, *, sent: bool) -> str:
    """Guest first, whichever way the packet goes."""
    ip = _IP[family]
    own, peer = ("s", "d") if sent else ("d", "s")
    return f"{ip} {own}addr . {ip} {peer}addr . meta l4proto . th {own}port . th {peer}port"


def _by_family(cidrs: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Address ranges without overlaps, which a set of nftables does not take."""
    found: dict[int, list[ipaddress.IPv4Network | ipaddress.IPv6Network]] = {4: [], 6: []}
    for text in cidrs:
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise p.OperationFailed(f"{text[:80]!r} is not an address range.") from None
        found[network.version].append(network)
    for family, networks in found.items():
        if networks:
            yield family, [str(n) for n in ipaddress.collapse_addresses(networks)]  # type: ignore[type-var]


def _peer(family: int, peers: list[str], *, sent: bool) -> str:
    if any(text.endswith("/0") for text in peers):
        return f"meta protocol {_IP[family]}"
    side = "daddr" if sent else "saddr"
    return f"{_IP[family]} {side} {{ {', '.join(peers)} }}"


def _protocol(rule: p.SecurityRule, family: int) -> str:
    if rule.protocol in ("tcp", "udp"):
        return f"{rule.protocol} dport {rule.start_port:d}-{rule.end_port:d}"
    if rule.protocol == "icmp":
        name = "icmp" if family == 4 else "icmpv6"
        return _icmp(rule, name)
    if rule.protocol == "all":
        return ""
    return f"meta l4proto {int(rule.protocol):d}"


def _icmp(rule: p.SecurityRule, name: str) -> str:
    match = "meta l4proto icmp" if name == "icmp" else "meta l4proto icmpv6"
    if rule.icmp_type >= 0:
        match = f"{name} type {rule.icmp_type:d}"
        if rule.icmp_code >= 0:
            match += f" {name} code {rule.icmp_code:d}"
    return match
