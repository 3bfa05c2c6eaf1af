"""E-mail, through the mail servers that settings name: ``alert.smtp.*``, and others in its place
for what has one of its own (``accounts.services.project_mail``).

Call ``send`` from a job or a schedule, never inside a request or a transaction: a mail server
may take its time, and what was sent is not rolled back.
"""

from __future__ import annotations

import functools
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from core.config import Setting
from core.errors import InvalidParameter, ResourceUnavailable

_TLS_PORT = 465
_VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


@dataclass(frozen=True)
class Server:
    """The settings of one mail server."""

    host: Setting[str]
    sender: Setting[str]
    port: Setting[int]
    use_auth: Setting[bool]
    username: Setting[str]
    password: Setting[str]
    start_tls: Setting[bool]
    versions: Setting[str]


def declare(prefix: str, *, host: str, sender: str, category: str) -> Server:
    """Settings ``prefix.smtp.*`` and ``prefix.email.sender``; ``host`` and ``sender`` are their
    helps."""
    return Server(
        host=Setting(f"{prefix}.smtp.host", "", host, category=category),
        sender=Setting(f"{prefix}.email.sender", "", sender, category=category),
        port=Setting(
            f"{prefix}.smtp.port", _TLS_PORT, "Port of the mail server. On 465 the connection is "
            "TLS from its first byte.", category=category, minimum=1, maximum=65535,
        ),
        use_auth=Setting(
            f"{prefix}.smtp.useAuth", False, "Whether to sign in to the mail server.",
            category=category,
        ),
        username=Setting(
            f"{prefix}.smtp.username", "", "Who signs in to the mail server.", category=category
        ),
        password=Setting(
            f"{prefix}.smtp.password", "", "The password for the mail server.",
            category="Secure", secret=True,
        ),
        start_tls=Setting(
            f"{prefix}.smtp.useStartTLS", False,
            "Whether to turn the connection into a TLS one (STARTTLS).", category=category,
        ),
        versions=Setting(
            f"{prefix}.smtp.enabledSecurityProtocols", "",
            "The versions of TLS to speak with the mail server, with blanks between: TLSv1.2, "
            "TLSv1.3; empty: both.", category=category, check=_versions_in,
        ),
    )  # fmt: skip


def _versions_in(text: str) -> list[ssl.TLSVersion]:
    unknown = [name for name in text.split() if name not in _VERSIONS]
    if unknown:
        raise InvalidParameter(
            f"“{unknown[0]}” is no version of TLS that is spoken here; there are "
            f"{' and '.join(_VERSIONS)}."
        )
    return [_VERSIONS[name] for name in text.split()]


ALERT = declare(
    "alert",
    host="The mail server; empty: no e-mail is sent.",
    sender="The address e-mail comes from.",
    category="Alert",
)
TIMEOUT_MS = Setting(
    "alert.smtp.timeout", 30000, "How long to wait for the mail server, in milliseconds.",
    category="Alert", minimum=100,
)  # fmt: skip

#: What has a mail server of its own, if that is set; everything else goes by ``ALERT``.
SERVERS: dict[str, Server] = {}


def is_configured() -> bool:
    return bool(ALERT.host.get() and ALERT.sender.get())


def send(to: Sequence[str], subject: str, text: str, *, about: str = "") -> None:
    """One message to each address of ``to`` alone, so that nobody reads who else got it.
    ``about`` names the mail server to prefer (``SERVERS``).

    Raises ResourceUnavailable when e-mail is not set up, or the mail server does not take it.
    """
    own = SERVERS.get(about, ALERT)
    server = own if own.host.get() else ALERT
    sender = own.sender.get() or ALERT.sender.get()
    if not (server.host.get() and sender):
        raise ResourceUnavailable(
            "E-mail is not set up: set alert.smtp.host and alert.email.sender in the global "
            "settings."
        )
    one_line = " ".join(subject.split())  # a line break would begin a header of its own
    messages = [EmailMessage(one_line, text, sender, [address]) for address in to]
    try:
        _connection(server).send_messages(messages)
    except (OSError, smtplib.SMTPException) as error:
        raise ResourceUnavailable(
            f"The mail server {server.host.get()}:{server.port.get()} did not take an e-mail: "
            f"{error}"
        ) from error


class _Backend(EmailBackend):
    def __init__(self, versions: Sequence[ssl.TLSVersion], **more: Any) -> None:
        super().__init__(**more)
        self._versions = versions

    @functools.cached_property
    def ssl_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._versions:
            context.minimum_version = min(self._versions)
            context.maximum_version = max(self._versions)
        return context


def _connection(server: Server) -> EmailBackend:
    signs_in = server.use_auth.get()
    port = server.port.get()
    return _Backend(
        _versions_in(server.versions.get()),
        host=server.host.get(),
        port=port,
        username=server.username.get() if signs_in else "",
        password=server.password.get() if signs_in else "",
        use_tls=server.start_tls.get(),
        use_ssl=port == _TLS_PORT and not server.start_tls.get(),
        timeout=TIMEOUT_MS.get() / 1000,
    )
