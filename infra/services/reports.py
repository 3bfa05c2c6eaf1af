"""What hosts say by themselves, handed on to whoever registered for it.

Registries, not imports: machines live above infra. Callbacks run in the monitor's thread,
outside any transaction (figures: in one for a few hosts, so they only write); one that fails is
logged and does not stop the others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from agent.protocol import DomainState, HostStats
from infra.models import Host

log = logging.getLogger(__name__)

#: (host, all domains of ours on it, when it was asked). Always the complete list: what is not
#: in it is not on the host. A row that changed after ``taken_at`` knows better than the report.
PowerReport = Callable[[Host, Sequence[DomainState], datetime], Any]
HostEvent = Callable[[Host], Any]
Stats = Callable[[Host, HostStats, datetime], Any]

_power: list[PowerReport] = []
_lost: list[HostEvent] = []
_back: list[HostEvent] = []
_stats: list[Stats] = []


def on_power_report(function: PowerReport) -> PowerReport:
    """Registers ``function(host, states, taken_at)``."""
    _power.append(function)
    return function


def on_host_lost(function: HostEvent) -> HostEvent:
    """Registers ``function(host)``, called when a host is declared Down."""
    _lost.append(function)
    return function


def on_host_back(function: HostEvent) -> HostEvent:
    """Registers ``function(host)``, called when a host is Up that was not."""
    _back.append(function)
    return function


def on_host_stats(function: Stats) -> Stats:
    """Registers ``function(host, stats, taken_at)``: the sample with its domains' figures."""
    _stats.append(function)
    return function


def power(host: Host, states: Sequence[DomainState], taken_at: datetime) -> None:
    _tell(_power, host, states, taken_at)


def lost(host: Host) -> None:
    _tell(_lost, host)


def back(host: Host) -> None:
    _tell(_back, host)


def stats(host: Host, sample: HostStats, taken_at: datetime) -> None:
    _tell(_stats, host, sample, taken_at)


def _tell(functions: Sequence[Callable[..., Any]], host: Host, *more: Any) -> None:
    for function in functions:
        try:
            function(host, *more)
        except Exception:
            log.exception("%s failed for host %s", function.__qualname__, host)
