"""The simulator's world: hosts, pools, stores and what lies in them, shared by its agents."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from agent import protocol as p
from agent.drivers.ledger import Ledger
from agent.execution import Interceptor
from agent.tasks import Task

GIB = 2**30


@dataclass(frozen=True, slots=True)
class SimDomain:
    """A guest. ``since`` is the Unix time of its last power-on."""

    spec: p.DomainSpec
    power: str = "PowerOff"
    reason: str = ""
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class SimFile:
    """A volume. ``backing`` names its template on the same pool."""

    virtual_bytes: int
    physical_bytes: int = 200_000
    format: str = "qcow2"
    backing: str = ""


@dataclass(frozen=True, slots=True)
class SimPool:
    capacity_bytes: int


class World:
    """Everything simulated. ``path`` journals it to a file; None keeps it in memory only.

    Test code and the ``configureSimulator`` commands of a cloud change it directly:
    ``faults``, ``kill_guest``, ``take_down``, ``deaf_guests`` (uuids), ``web``.
    """

    def __init__(self, path: Path | None = None, pool_bytes: int = 1024 * GIB) -> None:
        self.pool_bytes = pool_bytes
        self.faults = Faults()
        self.deaf_guests: set[str] = set()
        # What addresses answer to simulated downloads: an image, or the error it ends with.
        self.web: dict[str, p.ImageInfo | p.AgentError] = {}
        self.guard = threading.RLock()
        self._down: set[str] = set()
        self._listeners: dict[str, list[Callable[[p.DomainEvent], None]]] = {}
        self.ledger = Ledger(
            {
                "domains": SimDomain,
                "files": SimFile,
                "pools": SimPool,
                "images": p.ImageInfo,
                "stores": SimPool,
                "routers": p.RouterSpec,
                "bridges": p.BridgeSpec,
            },
            path,
        )
        self._users: dict[tuple[str, str], set[tuple[str, str]]] = {}
        for host in self.ledger.groups("domains"):
            for uuid, domain in self.ledger.group("domains", host).items():
                self._index(host, uuid, domain)

    # -- what tests and operators do to it ---------------------------------------------

    def kill_guest(self, host: str, uuid: str, reason: str = "crashed") -> None:
        """A guest dies behind everybody's back, like a QEMU that was killed."""
        domain = self.domain(host, uuid)
        if domain is None or domain.power != "PowerOn":
            raise p.NoSuchDomain(f"No running domain {uuid} on simulated host {host}.")
        self.put_domain(host, dataclasses.replace(domain, power="PowerOff", reason=reason))

    def power_loss(self, host: str) -> None:
        """The host's plug is pulled and put back: every guest on it is off."""
        for uuid, domain in self.ledger.group("domains", host).items():
            if domain.power == "PowerOn":
                self.kill_guest(host, uuid, "failed")

    def take_down(self, host: str) -> None:
        """The host's hypervisor stops answering; its guests go on."""
        self._down.add(host)

    def bring_up(self, host: str) -> None:
        self._down.discard(host)
        self.announce(host, p.DomainEvent("", "PowerUnknown", "resync", at=time.time()))

    # -- what the simulated parts use ---------------------------------------------------

    def check_up(self, host: str) -> None:
        if host in self._down:
            raise p.HypervisorUnavailable(f"The simulated hypervisor of host {host} is down.")

    def domain(self, host: str, uuid: str) -> SimDomain | None:
        return self.ledger.get("domains", host, uuid)

    def put_domain(self, host: str, domain: SimDomain) -> None:
        with self.guard:
            uuid = domain.spec.uuid
            before = self.domain(host, uuid)
            self._unindex(host, uuid, before)
            self._index(host, uuid, domain)
            self.ledger.put("domains", host, uuid, domain)
        if before is None or (before.power, before.since) != (domain.power, domain.since):
            name = domain.spec.name
            self.announce(host, p.DomainEvent(uuid, domain.power, domain.reason, name, time.time()))

    def drop_domain(self, host: str, uuid: str) -> None:
        with self.guard:
            before = self.domain(host, uuid)
            self._unindex(host, uuid, before)
            gone = self.ledger.drop("domains", host, uuid)
        if gone and before is not None:
            event = p.DomainEvent(uuid, "PowerMissing", "removed", before.spec.name, time.time())
            self.announce(host, event)

    def users(self, disk: p.DiskRef) -> set[tuple[str, str]]:
        """(host, uuid) of the running domains that have this disk."""
        return set(self._users.get((disk.pool.uuid, disk.name), ()))

    def listen(self, host: str, listener: Callable[[p.DomainEvent], None]) -> None:
        self._listeners.setdefault(host, []).append(listener)

    def announce(self, host: str, event: p.DomainEvent) -> None:
        for listener in self._listeners.get(host, ()):
            listener(event)

    def _index(self, host: str, uuid: str, domain: SimDomain) -> None:
        if domain.power == "PowerOn":
            for key in _disk_keys(domain.spec):
                self._users.setdefault(key, set()).add((host, uuid))

    def _unindex(self, host: str, uuid: str, domain: SimDomain | None) -> None:
        if domain is None:
            return
        for key in _disk_keys(domain.spec):
            users = self._users.get(key)
            if users is not None:
                users.discard((host, uuid))
                if not users:
                    del self._users[key]


def _disk_keys(spec: p.DomainSpec) -> list[tuple[str, str]]:
    return [(disk.source.pool.uuid, disk.source.name) for disk in spec.disks]


@dataclass(slots=True)
class _Rule:
    pattern: str
    host: str
    when: str
    error: p.AgentError | None
    seconds: float
    times: int


class Faults:
    """What goes wrong in the world. Patterns are globs of operation names (``volume.*``).

    ``when="after"`` lets the operation take effect and then loses its answer: the case that
    tells whether repeating a step is harmless.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._rules: list[_Rule] = []

    def fail(
        self, pattern: str, error: p.AgentError, *, times: int = 1, when: str = "before",
        host: str = "",
    ) -> None:  # fmt: skip
        self._add(_Rule(pattern, host, when, error, 0.0, times))

    def delay(self, pattern: str, seconds: float, *, times: int = 10**9, host: str = "") -> None:
        self._add(_Rule(pattern, host, "before", None, seconds, times))

    def clear(self) -> None:
        with self._guard:
            self._rules.clear()

    def apply(self, operation: str, host: str, when: str, task: Task) -> None:
        for rule in self._due(operation, host, when):
            if rule.seconds:
                task.sleep(rule.seconds)
            if rule.error is not None:
                raise rule.error

    def _add(self, rule: _Rule) -> None:
        if rule.when not in ("before", "after"):
            raise ValueError(f"when is 'before' or 'after', not {rule.when!r}")
        with self._guard:
            self._rules.append(rule)

    def _due(self, operation: str, host: str, when: str) -> list[_Rule]:
        if not self._rules:
            return []
        with self._guard:
            due = [
                rule
                for rule in self._rules
                if rule.when == when
                and rule.host in ("", host)
                and fnmatch(operation, rule.pattern)
            ]
            for rule in due:
                rule.times -= 1
            self._rules = [rule for rule in self._rules if rule.times > 0]
            return due


class SimulatedTrouble(Interceptor):
    """Latency and faults around each operation of one simulated host."""

    def __init__(self, world: World, host: str, latency_s: float = 0.0) -> None:
        self._world = world
        self._host = host
        self._latency_s = latency_s

    def before(self, call: p.Call, task: Task) -> None:
        if self._latency_s:
            task.sleep(self._latency_s)
        self._world.faults.apply(call.operation, self._host, "before", task)

    def after(self, call: p.Call, task: Task) -> None:
        self._world.faults.apply(call.operation, self._host, "after", task)
