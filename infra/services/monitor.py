"""Asks every host again and again how it is, and listens to what hosts say by themselves.

One thread. Each round asks all real hosts (in a few helper threads, so that one that hangs
holds nobody up) and a slice of the simulated ones, so that ten thousand of those cost no more
than five hundred. An event from a host means *look now*: its machines' power is asked at once
and handed on as a whole, so nothing depends on events being complete or in order.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from django.db import OperationalError, connections
from django.utils import timezone

from agent import protocol
from infra import agents
from infra.models import Host
from infra.services.hearing import Heard, settle

log = logging.getLogger(__name__)

ROUND_S = 3.0
#: A host is asked again this soon after its first silence; the second one counts.
AGAIN_S = 1.0
#: How long a round waits for the slowest host.
PATIENCE_S = 4.0
#: Events of a burst are answered together.
GATHER_S = 0.1
STATS_S = 15.0
SIMULATED_PER_ROUND = 500
_THREADS = 16

_WATCHED = ("Up", "Alert", "Disconnected", "Down")


class Monitor:
    """``start`` it in the process that has the links; ``round`` does one pass by hand."""

    def __init__(self, round_s: float = ROUND_S) -> None:
        self.round_s = round_s
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._guard = threading.Lock()
        self._urgent: set[int] = set()
        self._silences: dict[int, int] = {}
        self._pending: dict[int, Future[Heard]] = {}
        self._listening: dict[int, agents.Link] = {}
        self._stats_at: dict[int, float] = {}
        self._cursor = 0
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="ask-host")
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout_s)
        self._pool.shutdown(wait=False, cancel_futures=True)

    # -- the thread --------------------------------------------------------------------

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopping.is_set():
            try:
                due = self._turn(due)
            except OperationalError as error:
                log.warning("monitor: the database is away (%s); trying again", error)
                self._rest(due := time.monotonic() + AGAIN_S)
            except Exception:
                log.exception("monitor: a round failed; going on")
                self._rest(due := time.monotonic() + self.round_s)
        connections.close_all()

    def _turn(self, due: float) -> float:
        """A round when it is due, else a look at the hosts that spoke up; then rest."""
        now = time.monotonic()
        urgent = self._take_urgent()
        if now >= due:
            suspects = self.round()
            due = now + (AGAIN_S if suspects else self.round_s)
        elif urgent:
            self.look_at(Host.objects.filter(pk__in=urgent, status__in=_WATCHED))
        self._rest(due)
        return due

    def _rest(self, until: float) -> None:
        if self._wake.wait(max(0.0, until - time.monotonic())):
            self._wake.clear()
            self._stopping.wait(GATHER_S)

    def _take_urgent(self) -> set[int]:
        with self._guard:
            urgent, self._urgent = self._urgent, set()
        return urgent

    def hear(self, key: int, event: protocol.DomainEvent) -> None:
        """Called by a link, from its own thread: something changed on this host."""
        with self._guard:
            self._urgent.add(key)
        self._wake.set()

    # -- asking ------------------------------------------------------------------------

    def round(self) -> int:
        """One pass. Returns how many hosts were silent for the first time."""
        watched = Host.objects.filter(status__in=_WATCHED)
        real = list(watched.exclude(link="simulated"))
        self._forget_all_but({h.pk for h in real})
        return self.look_at([*real, *self._slice(watched.filter(link="simulated"))])

    def _slice(self, simulated) -> list[Host]:
        """The next few simulated hosts; the round begins anew after the last."""
        hosts = list(simulated.filter(pk__gt=self._cursor).order_by("pk")[:SIMULATED_PER_ROUND])
        self._cursor = hosts[-1].pk if len(hosts) == SIMULATED_PER_ROUND else 0
        return hosts

    def look_at(self, hosts: Iterable[Host]) -> int:
        hosts = list(hosts)
        for host in hosts:
            self._listen_to(host)
        heard = [self._ask(h) for h in hosts if h.link == "simulated"]
        heard += self._ask_all([h for h in hosts if h.link != "simulated"])
        counted, suspects = [], 0
        for item in heard:
            key = item.host.pk
            silences = self._silences.get(key, 0) + 1 if item.error else 0
            self._silences[key] = silences
            # One hiccup (a restarting libvirtd) is looked at again before it is believed.
            if silences == 1 and item.host.status == "Up":
                suspects += 1
            else:
                counted.append(item)
        settle(counted)
        return suspects

    def _ask(self, host: Host) -> Heard:
        taken_at = timezone.now()
        try:
            power = agents.call(host, "host.power")
            stats = agents.call(host, "host.stats") if self._wants_stats(host) else None
        except protocol.AgentError as error:
            return Heard(host, taken_at, error=error)
        except Exception as error:
            log.exception("asking host %s failed", host)
            return Heard(host, taken_at, error=protocol.OperationFailed(str(error)))
        return Heard(host, taken_at, power, stats)

    def _wants_stats(self, host: Host) -> bool:
        now = time.monotonic()
        if now - self._stats_at.get(host.pk, -STATS_S) < STATS_S:
            return False
        self._stats_at[host.pk] = now
        return True

    def _ask_all(self, hosts: list[Host]) -> list[Heard]:
        """Real hosts side by side. One that is still busy with the last question is silent."""
        for host in hosts:
            if host.pk not in self._pending:
                self._pending[host.pk] = self._pool.submit(self._ask_and_hang_up, host)
        asked = {h.pk: self._pending[h.pk] for h in hosts}
        wait(asked.values(), timeout=PATIENCE_S)
        heard = []
        for host in hosts:
            if not asked[host.pk].done():
                late = protocol.HostUnavailable(f"Host {host} has not answered yet.")
                heard.append(Heard(host, timezone.now(), error=late))
                continue
            del self._pending[host.pk]
            heard.append(asked[host.pk].result())
        return heard

    def _ask_and_hang_up(self, host: Host) -> Heard:
        try:
            return self._ask(host)
        finally:
            connections.close_all()

    # -- listening ---------------------------------------------------------------------

    def _listen_to(self, host: Host) -> None:
        with contextlib.suppress(protocol.AgentError):
            link = agents.link_for(host)
            if self._listening.get(host.pk) is not link:
                link.listen(lambda event, key=host.pk: self.hear(key, event))
                self._listening[host.pk] = link

    def _forget_all_but(self, real: set[int]) -> None:
        for key in set(self._pending) - real:
            if self._pending[key].done():
                del self._pending[key]
