"""Signing out where somebody came from, and being told that they did so there.

A session here ends at once, whatever the identity provider answers: what it is asked, and what it
says to that, only decides what people are told.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import logging
import secrets
import time
from importlib import import_module
from typing import Any

from django.conf import settings as django_settings
from django.db.models import QuerySet

from accounts.models import SamlProvider, Session
from accounts.saml import messages, settings
from accounts.saml.messages import Message
from accounts.saml.signing_in import SOURCE
from accounts.services import sessions, throttle
from core.errors import CloudError, LoginFailed

log = logging.getLogger(__name__)

_GOOD_FOR_S = 600


def farewell(session: Session) -> str:
    """Where to send the browser of a session that has just ended, so that the identity provider
    ends its own; empty where it cannot be asked, or does not know the session."""
    provider = SamlProvider.objects.filter(entity_id=session.idp).first()
    is_known = session.source == SOURCE and session.external_subject
    if provider is None or not is_known or not settings.is_available():
        return ""
    if not settings.SLO_URL.get():  # it would not know where to send the browser back to
        return ""
    request = f"id-{secrets.token_hex(16)}"
    try:
        return str(
            _speaker().ask_log_out(
                provider, session.external_subject, session.external_index, request=request,
                relay=_relay(request, provider, int(time.time())),
            )
        )  # fmt: skip
    except CloudError as error:
        log.warning("SAML: %s was not asked to sign somebody out: %s", provider, error.message)
    except Exception:  # metadata that the library cannot work with must not keep anybody in
        log.exception("SAML: %s was not asked to sign somebody out", provider)
    return ""


def came_back(message: Message, *, address: str = "") -> bool:
    """Whether the provider that a browser comes back from has ended its session everywhere.
    Raises LoginFailed for what is no answer of one to us."""
    provider, request = _sender(message)
    at, _dot, _mark = (message.relay or "").partition(".")
    is_ours = at.isdigit() and hmac.compare_digest(
        (message.relay or "").encode(), _relay(request, provider, int(at)).encode()
    )
    if not is_ours or not 0 <= time.time() - int(at) < _GOOD_FOR_S:
        raise LoginFailed("This log-out was not begun here, or too long ago.")
    found: bool = _read(_speaker().read_log_out_answer, provider, message, address)
    return found


def told(message: Message, *, address: str = "") -> tuple[list[Session], str]:
    """An identity provider tells, by a signed message, that somebody signed out there: the
    sessions that came of it end. Returns them, and where the browser takes our answer, if one
    is waited for. Raises LoginFailed."""
    provider, _request = _sender(message)
    found = _read(_speaker().read_log_out, provider, message, address)
    ended = _meant(provider, found)
    for session in ended:
        sessions.log_out(session)
    return ended, str(found.answer)


def _meant(provider: SamlProvider, found: Any) -> list[Session]:
    of: QuerySet[Session] = Session.objects.filter(source=SOURCE, idp=provider.entity_id)
    if found.indexes:
        return list(of.filter(external_index__in=found.indexes).select_related("user"))
    rows = of.filter(external_subject=found.subject).select_related("user")
    # MariaDB compares texts in any case.
    return [s for s in rows if s.external_subject == found.subject] if found.subject else []


def _sender(message: Message) -> tuple[SamlProvider, str]:
    """Who says that it wrote this, and what it answers."""
    issuer, request = messages.outline(message)
    provider = SamlProvider.objects.filter(entity_id=issuer).first()
    if provider is None or not settings.is_available():
        raise LoginFailed("This identity provider is not known here.")
    return provider, request


def _read(reading: Any, provider: SamlProvider, message: Message, address: str) -> Any:
    """It costs a process to find a signature wrong, so tries are counted."""
    things = throttle.watched_source("saml", address)
    throttle.refuse_if_paused(things)
    try:
        return reading(provider, message)
    except _speaker().NotGenuine as error:
        throttle.failed(things)
        raise LoginFailed("The log-out is not signed as it should be.") from error


def _relay(request: str, provider: SamlProvider, at: int) -> str:
    """What comes back beside the answer and shows that we asked: never an address to go to.
    SAML allows it 80 bytes."""
    text = f"saml log-out {at} {request} {provider.entity_id}"
    mark = hmac.digest(django_settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256)
    return f"{at}.{base64.urlsafe_b64encode(mark[:24]).decode()}"


@functools.cache
def _speaker() -> Any:
    """``accounts.saml.log_outs``, loaded when it is first needed."""
    return import_module("accounts.saml.log_outs")
