"""E-mail, through the mail server that the settings ``alert.smtp.*`` name.

Call ``send`` from a job or a schedule, never inside a request or a transaction: a mail server
may take its time, and what was sent is not rolled back.
"""

from __future__ import annotations

import smtplib
from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from core.config import Setting
from core.errors import ResourceUnavailable

HOST = Setting(
    "alert.smtp.host", "", "The mail server; empty: no e-mail is sent.", category="Alert"
)
PORT = Setting(
    "alert.smtp.port", 465, "Port of the mail server. On 465 the connection is TLS from its "
    "first byte.", category="Alert", minimum=1, maximum=65535,
)  # fmt: skip
SENDER = Setting("alert.email.sender", "", "The address e-mail comes from.", category="Alert")
USE_AUTH = Setting(
    "alert.smtp.useAuth", False, "Whether to sign in to the mail server.", category="Alert"
)
USERNAME = Setting("alert.smtp.username", "", "Who signs in to the mail server.", category="Alert")
PASSWORD = Setting(
    "alert.smtp.password", "", "The password for the mail server.", category="Secure", secret=True
)
START_TLS = Setting(
    "alert.smtp.useStartTLS", False, "Whether to turn the connection into a TLS one (STARTTLS).",
    category="Alert",
)  # fmt: skip
TIMEOUT_MS = Setting(
    "alert.smtp.timeout", 30000, "How long to wait for the mail server, in milliseconds.",
    category="Alert", minimum=100,
)  # fmt: skip

_TLS_PORT = 465


def is_configured() -> bool:
    return bool(HOST.get() and SENDER.get())


def send(to: Sequence[str], subject: str, text: str) -> None:
    """One message to each address of ``to`` alone, so that nobody reads who else got it.

    Raises ResourceUnavailable when e-mail is not set up, or the mail server does not take it.
    """
    if not is_configured():
        raise ResourceUnavailable(
            "E-mail is not set up: set alert.smtp.host and alert.email.sender in the global "
            "settings."
        )
    one_line = " ".join(subject.split())  # a line break would begin a header of its own
    messages = [EmailMessage(one_line, text, SENDER.get(), [address]) for address in to]
    try:
        _server().send_messages(messages)
    except (OSError, smtplib.SMTPException) as error:
        raise ResourceUnavailable(
            f"The mail server {HOST.get()}:{PORT.get()} did not take an e-mail: {error}"
        ) from error


def _server() -> EmailBackend:
    signs_in = USE_AUTH.get()
    port = PORT.get()
    return EmailBackend(
        host=HOST.get(),
        port=port,
        username=USERNAME.get() if signs_in else "",
        password=PASSWORD.get() if signs_in else "",
        use_tls=START_TLS.get(),
        use_ssl=port == _TLS_PORT and not START_TLS.get(),
        timeout=TIMEOUT_MS.get() / 1000,
    )
