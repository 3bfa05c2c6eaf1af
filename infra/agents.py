"""Calls to hosts: the one way by which the portal has anything done on one.

``call(host, "domain.start", argument, run)`` finds the host's *link* and carries the call's
fences and correlation id. A link is anything with an agent's ``execute``, ``listen`` and
``close``: the agent of this process (local), those of simulated hosts, or a connection that a
remote agent opened (``infra.remote``). The portal's wiring plugs the first two in with
``use_local`` and ``use_simulated``, because the portal imports only ``agent.protocol``.

Never call a host from a request: a call inside a database transaction is refused.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

from django.db import connection

from agent import protocol
from agent.protocol import HostUnavailable
from core.errors import ResourceUnavailable
from core.steps import Run
from infra.models import Host, Zone

Listener = Callable[[protocol.DomainEvent], None]


class Link(Protocol):
    """Something that carries out calls on one host; safe to use from many threads."""

    def execute(self, call: protocol.Call, progress: protocol.Progress | None = None) -> Any: ...
    def listen(self, listener: Listener) -> None: ...
    def close(self) -> None: ...


LocalFactory = Callable[[], Link]
SimulatedFactory = Callable[[Host], Link]
RemoteFinder = Callable[[Host], Link | None]


class _Links:
    """The links of this process, each made when it is first needed."""

    def __init__(self) -> None:
        self.guard = threading.RLock()
        self.local_factory: LocalFactory | None = None
        self.simulated_factory: SimulatedFactory | None = None
        self.remote_finder: RemoteFinder | None = None
        self.local: Link | None = None
        self.simulated: dict[str, Link] = {}

    def of_this_machine(self) -> Link:
        with self.guard:
            if self.local is None:
                if self.local_factory is None:
                    raise HostUnavailable(
                        "This process runs no host agent; the host is served by another one, "
                        "or the portal was started without a hypervisor."
                    )
                self.local = self.local_factory()
            return self.local

    def simulate(self, host: Host) -> Link:
        key = str(host.uuid)
        with self.guard:
            if key not in self.simulated:
                if self.simulated_factory is None:
                    raise HostUnavailable(
                        f"Host {host} is simulated, and this process runs no simulator."
                    )
                self.simulated[key] = self.simulated_factory(host)
            return self.simulated[key]

    def forget(self) -> None:
        with self.guard:
            links = [*self.simulated.values(), *([self.local] if self.local else [])]
            self.simulated, self.local = {}, None
        for link in links:
            link.close()


_links = _Links()


def use_local(factory: LocalFactory | None) -> None:
    """How to make the agent of the machine this process runs on; None unplugs it."""
    _links.forget()
    _links.local_factory = factory


def use_simulated(factory: SimulatedFactory | None) -> None:
    """How to make the agent of a simulated host (its uuid, cpus, memory_mb say what it is)."""
    _links.forget()
    _links.simulated_factory = factory


def use_remote(finder: RemoteFinder | None) -> None:
    """How to find the connection that a remote host's agent has open, or None."""
    _links.remote_finder = finder


def has_local() -> bool:
    return _links.local_factory is not None


def close_links() -> None:
    """Let go of every agent of this process (at its end); guests go on."""
    _links.forget()


def drop_link(host: Host) -> None:
    """Let go of a host that was removed: its simulation, or its agent's connection."""
    with _links.guard:
        link = _links.simulated.pop(str(host.uuid), None)
    if link is None and host.link == "remote" and _links.remote_finder:
        link = _links.remote_finder(host)
    if link is not None:
        link.close()


def link_for(host: Host) -> Link:
    """The way to a host. Raises HostUnavailable, with the reason, when there is none now."""
    if host.link == "local":
        return _links.of_this_machine()
    if host.link == "simulated":
        return _links.simulate(host)
    found = _links.remote_finder(host) if _links.remote_finder else None
    if found is None:
        raise HostUnavailable(f"The agent of host {host} is not connected to the portal.")
    return found


def call(host: Host, operation: str, argument: Any = None, run: Run | None = None) -> Any:
    """Have ``host`` do ``operation`` and return its result.

    ``argument`` may be left out for operations that take Nothing. ``run`` is the step's job:
    it gives the fences and the correlation id and takes the progress (and may cancel).
    Raises protocol.AgentError: HostUnavailable when the host cannot be reached or the time is
    over, else what the operation's row in ``protocol.OPERATIONS`` names.
    """
    _refuse_in_transaction(operation)
    request = protocol.Call(
        operation,
        protocol.Nothing() if argument is None else argument,
        run.fences() if run else {},
        run.correlation_id if run else "",
    )
    return link_for(host).execute(request, run.progress if run else None)


def _refuse_in_transaction(operation: str) -> None:
    """A host may take minutes; a transaction held meanwhile would stop everybody else."""
    # Test cases wrap each test in a transaction of their own; those do not count.
    blocks = [b for b in connection.atomic_blocks if not getattr(b, "_from_testcase", False)]
    if blocks:
        raise RuntimeError(f"{operation} was called inside a database transaction")


def pick_host(zone: Zone, for_: str = "") -> Host:
    """A host of the zone that answers now, for work any host can do (``for_`` names it in the
    refusal): local ones first. Raises ResourceUnavailable."""
    up = Host.objects.filter(zone=zone, status="Up").exclude(
        resource_state__in=("Maintenance", "PrepareForMaintenance", "Degraded")
    )
    # "local" sorts before "remote" and "simulated".
    found = up.order_by("link", "?").first()
    if found is None:
        raise ResourceUnavailable(
            f"No host of zone {zone} is up{f' for {for_}' if for_ else ''}; "
            "look at Infrastructure › Hosts."
        )
    return found
