"""What a round of the monitor heard, turned into rows: last seen, samples, status, alerts.

Everything is written for many hosts at once: a round over 500 hosts is a handful of
statements, not a handful for each.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from accounts.caller import Caller
from agent import protocol
from core.config import Setting
from infra.models import Host, HostSample
from infra.services import alerts, connecting, reports
from infra.services.alerts import AlertType
from infra.states import STATUS
from jobs import events

log = logging.getLogger(__name__)

PING_INTERVAL = Setting(
    "ping.interval",
    60,
    "Seconds in which a host should be heard of; with ping.timeout it decides when a host "
    "that does not answer is declared Down. Hosts are asked far more often than that.",
    minimum=5,
    maximum=3600,
)
PING_TIMEOUT = Setting(
    "ping.timeout",
    2.5,
    "How many ping intervals a host may be silent before it is declared Down.",
    minimum=1.0,
    maximum=100.0,
)

_CHUNK = 500
_AT_ONCE = 25


@dataclass(frozen=True)
class Heard:
    """What one host answered, or the error it ended with."""

    host: Host
    taken_at: datetime
    power: protocol.PowerReport | None = None
    stats: protocol.HostStats | None = None
    error: protocol.AgentError | None = None


def settle(heard: Sequence[Heard]) -> None:
    """Write a round down, then hand its reports on."""
    answered = [h for h in heard if h.error is None]
    silent = [h for h in heard if h.error is not None]
    with transaction.atomic():
        _touch([h.host for h in answered])
        _sample([h for h in answered if h.stats is not None])
        back = _welcome([h.host for h in answered])
        gone = _miss(silent)
    for item in answered:
        if item.power is not None:
            reports.power(item.host, item.power.states, item.taken_at)
    _hand_on(answered)
    for host in back:
        reports.back(host)
    for host in gone:
        reports.lost(host)


def _hand_on(heard: Sequence[Heard]) -> None:
    """Figures, those of a few hosts with guests in one transaction: a disk that is waited for
    once for each would be what limits, and a longer transaction would hold others up."""
    busy = []
    for item in heard:
        if item.stats is not None and item.stats.domains:
            busy.append(item)
        elif item.stats is not None:
            reports.stats(item.host, item.stats, item.taken_at)
    for first in range(0, len(busy), _AT_ONCE):
        with transaction.atomic():
            for item in busy[first : first + _AT_ONCE]:
                if item.stats is not None:
                    reports.stats(item.host, item.stats, item.taken_at)


def _touch(hosts: list[Host]) -> None:
    now = timezone.now()
    for first in range(0, len(hosts), _CHUNK):
        keys = [h.pk for h in hosts[first : first + _CHUNK]]
        Host.objects.filter(pk__in=keys).update(last_seen=now)


def _sample(heard: list[Heard]) -> None:
    rows = [
        HostSample(
            host=h.host,
            at=h.taken_at,
            cpu_used_percent=h.stats.cpu_used_percent,
            memory_used_mb=h.stats.memory_used_mb,
            load_1m=h.stats.load_1m,
            network_read_kb=h.stats.network_read_kb,
            network_write_kb=h.stats.network_write_kb,
            machines=len(h.stats.domains),
        )
        for h in heard
        if h.stats is not None
    ]
    # MariaDB finds the conflicting key by itself and must not be told which it is.
    named = connection.features.supports_update_conflicts_with_target
    HostSample.objects.bulk_create(
        rows,
        batch_size=_CHUNK,
        update_conflicts=True,
        unique_fields=["host"] if named else None,
        update_fields=[
            "at", "cpu_used_percent", "memory_used_mb", "load_1m", "network_read_kb",
            "network_write_kb", "machines",
        ],
    )  # fmt: skip


def _welcome(hosts: list[Host]) -> list[Host]:
    """Hosts that answer again are Up, or Connecting when they were Down; returns the former."""
    now = timezone.now()
    well = {"reason": "", "status_since": now, "disconnected": None}
    away = [h for h in hosts if h.status in ("Alert", "Disconnected")]
    back = STATUS.apply_to_all(away, "Ping", **well)
    # A host that was Down may have been mended meanwhile: its job reads the facts anew.
    down = [h for h in hosts if h.status == "Down"]
    for host in STATUS.apply_to_all(down, "AgentConnected", status_since=now):
        connecting.begin(host)
    for host in back:
        alerts.resolve(AlertType.HOST, host)
        _record(host, f"Host {host} is up again", "INFO")
    return back


def _miss(silent: list[Heard]) -> list[Host]:
    """Hosts that do not answer are in Alert, and Down when they stay silent too long.

    A hypervisor that does not answer through an agent that does is never Down: its machines
    most likely run on, and starting them elsewhere would run them twice.
    """
    now = timezone.now()
    for item in silent:
        host, words = item.host, str(item.error)
        unplugged = isinstance(item.error, protocol.HostUnavailable)
        event = "AgentDisconnected" if unplugged else "PingTimeout"
        was_up = host.status == "Up"
        if host.reason != words or was_up:
            also = {"disconnected": now, "status_since": now} if was_up else {}
            STATUS.apply_to_all([host], event, reason=words, **also)
        if was_up:
            _raise(host, f"Host {host} does not answer", words)
    patience = timedelta(seconds=PING_INTERVAL.get() * PING_TIMEOUT.get())
    lost = [
        item.host
        for item in silent
        if isinstance(item.error, protocol.HostUnavailable)
        and item.host.status in ("Alert", "Disconnected")
        and (item.host.disconnected or item.host.created) < now - patience
    ]
    gone = STATUS.apply_to_all(lost, "HostDown", status_since=now)
    for host in gone:
        _raise(host, f"Host {host} is down", f"{host.reason} It has been silent too long.")
    return gone


def _raise(host: Host, name: str, words: str) -> None:
    log.warning("%s: %s", name, words)
    alerts.raise_alert(AlertType.HOST, host, name, words)
    _record(host, f"{name}: {words}", "ERROR")


def _record(host: Host, words: str, level: str) -> None:
    system = Caller.system()
    events.record("HOST.STATUS", words, account=system.account, row=host, level=level)
