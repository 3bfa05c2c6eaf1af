"""The simulator's world: hosts, pools, stores and what lies in them, shared by its agents."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from agent import protocol as p
from agent.drivers import mocks, pace
from agent.drivers.ledger import Ledger
from agent.drivers.mocks import Mock, Mocks
from agent.drivers.screen import Keyboard
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


@dataclass(frozen=True, slots=True)
class SimHost:
    """A host that is not as hosts are; others have no row."""

    is_down: bool = False


class World:
    """Everything simulated. ``path`` journals it to a file, which processes share; None keeps
    it in memory only.

    The ``configureSimulator`` commands of a cloud change ``mocks``; test code also ``faults``,
    ``deaf_guests`` (uuids) and ``web``, which are this process's alone.
    """

    def __init__(self, path: Path | None = None, pool_bytes: int = 1024 * GIB) -> None:
        self.pool_bytes = pool_bytes
        self.faults = Faults()
        self.deaf_guests: set[str] = set()
        # What addresses answer to simulated downloads: an image, or the error it ends with.
        self.web: dict[str, p.ImageInfo | p.AgentError] = {}
        self._keyboards: dict[str, Keyboard] = {}
        self._listeners: dict[str, list[Callable[[p.DomainEvent], None]]] = {}
        # Of running domains by disk; of bytes by pool; of overlays by (pool, base).
        self._users: dict[tuple[str, str], set[tuple[str, str]]] = {}
        self._used_bytes: Counter[str] = Counter()
        self._overlays: Counter[tuple[str, str]] = Counter()
        self.ledger = Ledger(
            {
                "domains": SimDomain,
                "files": SimFile,
                "pools": SimPool,
                "images": p.ImageInfo,
                "stores": SimPool,
                "routers": p.RouterSpec,
                "bridges": p.BridgeSpec,
                "hosts": SimHost,
                "mocks": Mock,
            },
            path,
            self._watch,
        )
        self.mocks = Mocks(self.ledger)

    @property
    def guard(self) -> Ledger:
        """``with world.guard:`` nobody else changes anything meanwhile, in any process."""
        return self.ledger

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
        self.ledger.put("hosts", host, "", SimHost(is_down=True))

    def bring_up(self, host: str) -> None:
        self.ledger.drop("hosts", host, "")
        self.announce(host, p.DomainEvent("", "PowerUnknown", "resync", at=time.time()))

    # -- what the simulated parts use ---------------------------------------------------

    def check_up(self, host: str) -> None:
        row: SimHost | None = self.ledger.get("hosts", host, "")
        if row is not None and row.is_down:
            raise p.HypervisorUnavailable(f"The simulated hypervisor of host {host} is down.")

    def domain(self, host: str, uuid: str) -> SimDomain | None:
        return self.ledger.get("domains", host, uuid)

    def put_domain(self, host: str, domain: SimDomain) -> None:
        self.ledger.put("domains", host, domain.spec.uuid, domain)

    def drop_domain(self, host: str, uuid: str) -> None:
        self.ledger.drop("domains", host, uuid)

    def keyboard(self, uuid: str) -> Keyboard:
        """What was typed at a guest through consoles of this process."""
        return self._keyboards.setdefault(uuid, Keyboard())

    def used_bytes(self, pool: str) -> int:
        """What the files of a pool take of it."""
        self.ledger.get("pools", pool, "")  # takes in what other processes wrote
        return self._used_bytes[pool]

    def overlays(self, disk: p.DiskRef) -> int:
        """How many files of the pool build on this one."""
        self.ledger.get("pools", disk.pool.uuid, "")
        return self._overlays[disk.pool.uuid, disk.name]

    def users(self, disk: p.DiskRef) -> set[tuple[str, str]]:
        """(host, uuid) of the running domains that have this disk."""
        self.ledger.get("pools", disk.pool.uuid, "")
        return set(self._users.get((disk.pool.uuid, disk.name), ()))

    def listen(self, host: str, listener: Callable[[p.DomainEvent], None]) -> None:
        self._listeners.setdefault(host, []).append(listener)

    def announce(self, host: str, event: p.DomainEvent) -> None:
        for listener in self._listeners.get(host, ()):
            listener(event)

    # -- what follows from the rows -----------------------------------------------------

    def _watch(self, table: str, group: str, key: str, before: Any, after: Any) -> None:
        if table == "domains":
            self._use(group, key, before, set.discard)
            self._use(group, key, after, set.add)
            self._announce_change(group, key, before, after)
        elif table == "files":
            for file, sign in ((before, -1), (after, 1)):
                if file is not None:
                    self._used_bytes[group] += sign * file.physical_bytes
                    if file.backing:
                        self._overlays[group, file.backing] += sign

    def _use(
        self,
        host: str,
        uuid: str,
        domain: SimDomain | None,
        change: Callable[[set[tuple[str, str]], tuple[str, str]], None],
    ) -> None:
        if domain is None or domain.power != "PowerOn":
            return
        for key in _disk_keys(domain.spec):
            users = self._users.setdefault(key, set())
            change(users, (host, uuid))
            if not users:
                del self._users[key]

    def _announce_change(
        self, host: str, uuid: str, before: SimDomain | None, after: SimDomain | None
    ) -> None:
        if host not in self._listeners:
            return
        now = time.time()
        if after is None and before is not None:
            name = before.spec.name
            self.announce(host, p.DomainEvent(uuid, "PowerMissing", "removed", name, now))
        elif after is not None and (
            before is None or (before.power, before.since) != (after.power, after.since)
        ):
            name = after.spec.name
            self.announce(host, p.DomainEvent(uuid, after.power, after.reason, name, now))


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
    """Pace, faults and mocks around each operation of one simulated host. ``places`` are the
    uuids that mocks may be meant for: the portal's of the host, its cluster, pod and zone.
    People know the host by ``name``. ``slowness`` is 1 for as slow as a real one, 0
    for at once."""

    def __init__(
        self,
        world: World,
        host: str,
        slowness: Callable[[], float] | None = None,
        places: Sequence[str] = (),
        *,
        name: str = "",
    ) -> None:
        self._world = world
        self._host = host
        self._name = name or host
        self._slowness = slowness
        self._places = (host, *places)

    def around(self, call: p.Call, task: Task, work: Callable[[], Any]) -> Any:
        mock = self._world.mocks.take(call.operation, self._places)
        slow = self._slowness() if self._slowness is not None else 0.0
        if slow:
            task.sleep(slow * pace.seconds(call.operation))
        if mock is not None:
            if mock.result == "off":
                self._world.power_loss(self._host)
            mocks.before(mock, self._name, task)
        self._world.faults.apply(call.operation, self._host, "before", task)
        result = work()
        self._world.faults.apply(call.operation, self._host, "after", task)
        if mock is not None:
            result = mocks.after(mock, self._name, call.operation, result, task)
        return result
