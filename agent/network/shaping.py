"""Rate limits on the host side of a guest's network card, and whom it may say it is.

Towards the guest: a token bucket (tc tbf) on the tap. From the guest: an nftables policer at
the tap's ingress. Both need less of the kernel than libvirt's own <bandwidth> (which wants
sfq, cls_fw and act_police). The bucket vanishes with the tap; what is left of the policer, an
empty hook, is swept.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agent import names, processes
from agent import protocol as p
from agent.network import guarding

log = logging.getLogger("agent.network")

TABLE = "cloudportal_rate"
LATENCY_MS = 50
NOQUEUE_WITHIN_S = 0.15
_SYSFS = Path("/sys/class/net")
_CHAIN = re.compile(r"^\s*chain (ct[0-9a-f]{12}) \{", re.MULTILINE)


class Shaping:
    """Never fails a start: a card without its limit is better than no machine, and the
    host's preflight says that limits do not hold here."""

    def __init__(self) -> None:
        self._guard = threading.Lock()

    def apply(self, nics: Iterable[p.Nic]) -> None:
        nics = list(nics)
        self._rule(nics)
        self._limit(nics)

    def _rule(self, nics: Iterable[p.Nic]) -> None:
        """What the guest may send: as itself, and so much."""
        ruled = [nic for nic in nics if nic.rate_mbps > 0 or nic.guarded]
        if not ruled:
            return
        try:
            with self._guard:
                processes.run(["nft", "-f", "-"], stdin=nft_rules(ruled))
        except processes.ToolFailed as error:
            log.error("rate limits and guards against false addresses are not in force: %s", error)

    def _limit(self, nics: Iterable[p.Nic]) -> None:
        limited = [nic for nic in nics if nic.rate_mbps > 0]
        if not limited:
            return
        try:
            with self._guard:
                processes.run(["tc", "-batch", "-"], stdin=tc_batch(limited))
        except processes.ToolFailed as error:
            log.warning("network rate limits are not in force: %s", error)

    def sweep(self) -> None:
        """Remove what is left of cards that are gone."""
        try:
            with self._guard:
                listing = processes.run(["nft", "list", "table", "netdev", TABLE], accept=(0, 1))
                chains = _CHAIN.findall(listing)
                gone = [tap for tap in chains if not (_SYSFS / tap).exists()]
                if gone and len(gone) == len(chains):
                    processes.run(["nft", "delete", "table", "netdev", TABLE])
                elif gone:
                    processes.run(["nft", "-f", "-"], stdin=nft_removal(gone))
        except processes.ToolFailed as error:
            log.warning("old network rate limits stay behind: %s", error)

    @contextmanager
    def as_taps_appear(self, nics: Iterable[p.Nic]) -> Iterator[None]:
        """Limits and guards the cards of a domain that is being created in the block.

        The taps are there long before QEMU answers libvirt, so this costs the start no time.
        """
        treated = [nic for nic in nics if nic.rate_mbps > 0 or nic.guarded]
        limited = [nic for nic in treated if nic.rate_mbps > 0]
        over = threading.Event()

        def work() -> None:
            taps = [_SYSFS / names.tap(nic.mac) for nic in treated]
            while not all(tap.exists() for tap in taps) and not over.wait(0.005):
                pass
            if all(tap.exists() for tap in taps):
                self._rule(treated)
                if limited:
                    _await_noqueue([names.tap(nic.mac) for nic in limited])
                self._limit(limited)

        worker = threading.Thread(target=work, name="shaping", daemon=True)
        if treated:
            worker.start()
        try:
            yield
        finally:
            over.set()
            if treated:
                worker.join()


def _await_noqueue(taps: list[str]) -> None:
    """libvirt gives a new tap the noqueue discipline, right after it made it; a bucket put
    there earlier would be lost. Versions that do not are waited for a moment in vain."""
    end = time.monotonic() + NOQUEUE_WITHIN_S
    while time.monotonic() < end:
        shown = processes.run(["tc", "qdisc", "show"], accept=(0, 1))
        lines = [line for line in shown.splitlines() if line.startswith("qdisc noqueue")]
        if all(any(f" dev {tap} " in line for line in lines) for tap in taps):
            return
        time.sleep(0.01)


def tc_batch(nics: Iterable[p.Nic]) -> str:
    return "".join(
        f"qdisc replace dev {names.tap(nic.mac)} root tbf rate {nic.rate_mbps}mbit "
        f"burst {burst_bytes(nic.rate_mbps)} latency {LATENCY_MS}ms\n"
        for nic in nics
    )


def nft_rules(nics: Iterable[p.Nic]) -> str:
    """A chain per tap, replaced whole; the kernel unhooks it when its tap goes."""
    lines = [f"add table netdev {TABLE}"]
    for nic in nics:
        tap = names.tap(nic.mac)
        lines += [
            f"add chain netdev {TABLE} {tap}",
            f"delete chain netdev {TABLE} {tap}",
            f"add chain netdev {TABLE} {tap} "
            f'{{ type filter hook ingress device "{tap}" priority 0; policy accept; }}',
        ]
        wanted = guarding.matches(nic) if nic.guarded else []
        if nic.rate_mbps:
            wanted.append(
                f"limit rate over {nic.rate_mbps * 125_000} bytes/second "
                f"burst {burst_bytes(nic.rate_mbps)} bytes"
            )
        lines += [f"add rule netdev {TABLE} {tap} {match} drop" for match in wanted]
    return "\n".join(lines) + "\n"


def nft_removal(taps: Iterable[str]) -> str:
    return "".join(f"delete chain netdev {TABLE} {tap}\n" for tap in taps)


def burst_bytes(rate_mbps: int) -> int:
    """A twentieth of a second's traffic, and never less than a few full frames."""
    return max(64_000, rate_mbps * 125_000 // 20)
