"""Events to a syslog server, each as an RFC 5424 message over UDP (RFC 5426) or TCP (RFC 6587,
octet counting).

A schedule reads on from where it was, so that nothing waits inside a request, a server that is
away for a while misses nothing, and of many workers one sends. What is younger than a moment
waits: a transaction that began earlier may still commit below it.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.utils import timezone

from core.config import Setting
from core.errors import InvalidParameter
from jobs.models import Event, SyslogCursor
from jobs.schedules import every

log = logging.getLogger(__name__)

FACILITY = Setting(
    "syslog.facility", 16, "The facility events are sent under; 16 is local0.", category="Alert",
    minimum=0, maximum=23,
)  # fmt: skip

_AT_ONCE = 500
_SETTLED_AFTER = timedelta(seconds=3)
_TIMEOUT_S = 5.0
_SEVERITY = {"INFO": 6, "WARN": 4, "ERROR": 3}
_ENTERPRISE = 32473  # RFC 5612: for documentation and examples; nobody else's
_LONGEST = 8192  # bytes of a message; every receiver takes 2048, nearly every one 8192


@dataclass(frozen=True)
class Target:
    protocol: str
    host: str
    port: int


def target(text: str) -> Target | None:
    """Raises InvalidParameter for an address that is none."""
    if not text.strip():
        return None
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("udp", "tcp"):
        raise InvalidParameter(
            f"“{text}” is no syslog server; write udp://server:514 or tcp://server:601."
        )
    return Target(parts.scheme, host, port or (514 if parts.scheme == "udp" else 601))


TARGET = Setting(
    "syslog.target", "",
    "Where events are sent as syslog: udp://server:514 or tcp://server:601; empty: nowhere.",
    category="Alert", check=target,
)  # fmt: skip


@every(5, "jobs.syslog")
def send_new() -> int:
    """Sends what is new; returns how many. The first time it begins with what comes next."""
    to = target(TARGET.get())
    cursor = SyslogCursor.objects.first()
    if to is None:
        if cursor is not None:
            cursor.delete()
        return 0
    if cursor is None:
        newest = Event.objects.order_by("-pk").values_list("pk", flat=True).first()
        SyslogCursor.objects.create(last_event=newest or 0)
        return 0
    settled = timezone.now() - _SETTLED_AFTER
    new = Event.objects.filter(pk__gt=cursor.last_event, created__lt=settled).order_by("pk")
    events = list(new.select_related("account", "domain", "user")[:_AT_ONCE])
    if events:
        send(to, [message(event) for event in events])
        SyslogCursor.objects.filter(pk=cursor.pk).update(last_event=events[-1].pk)
    return len(events)


def send(to: Target, messages: Iterable[bytes]) -> None:
    """Raises OSError when the server cannot be reached; over UDP nobody ever knows."""
    if to.protocol == "tcp":
        framed = b"".join(b"%d %s" % (len(m), m) for m in messages)
        with socket.create_connection((to.host, to.port), timeout=_TIMEOUT_S) as link:
            link.sendall(framed)
        return
    family, kind, number, _, address = socket.getaddrinfo(
        to.host, to.port, type=socket.SOCK_DGRAM
    )[0]
    with socket.socket(family, kind, number) as link:
        for text in messages:
            link.sendto(text, address)


def message(event: Event) -> bytes:
    """``<PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID [STRUCTURED-DATA] MSG``, UTF-8."""
    priority = FACILITY.get() * 8 + _SEVERITY.get(event.level, 6)
    head = " ".join((
        f"<{priority}>1", _time(event.created), _word(socket.gethostname(), 255), "cloudportal",
        str(os.getpid()), _word(event.type, 32),
    ))  # fmt: skip
    facts: dict[str, Any] = {
        "id": event.uuid,
        "state": event.state,
        "level": event.level,
        "account": event.account.name,
        "domain": event.domain.name_path,
        "user": event.user.username if event.user else "",
        "address": event.address,
        "command": event.command,
        "resourcetype": event.resource_type,
        "resourceid": event.resource_uuid or "",
        "resourcename": event.resource_name,
        "correlationid": event.correlation_id,
        "jobid": event.job_uuid or "",
    }
    data = " ".join(f'{name}="{_escaped(value)}"' for name, value in facts.items() if value)
    words = _plain(event.description)
    text = f"{head} [event@{_ENTERPRISE} {data}] \N{BYTE ORDER MARK}{words}"
    return text.encode()[:_LONGEST].decode(errors="ignore").encode()


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _word(text: str, longest: int) -> str:
    """Printable ASCII without blanks, as the header wants."""
    kept = "".join(c for c in text if 33 <= ord(c) <= 126)
    return kept[:longest] or "-"


def _plain(value: Any) -> str:
    """One line of what can be printed: a receiver may show it on a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())


def _escaped(value: Any) -> str:
    """Inside a PARAM-VALUE quotes, backslashes and closing brackets are escaped."""
    return _plain(value).replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")
