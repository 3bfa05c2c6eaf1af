"""Who calls: a session's cookies, or a signature by an API key. Nothing is written before that
is proven.

Both are authentication classes of Django REST Framework; ``http`` asks them directly, since
its ``APIView`` would cost a light call half as much again (see bench/README.md).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication

from accounts.caller import Caller
from accounts.models import Session
from accounts.services import keys, sessions, sources
from api import settings, signature
from api.calls import Call
from core.errors import NotAuthenticated

SESSION_COOKIE = "JSESSIONID"
KEY_COOKIE = "sessionkey"


class SignatureAuthentication(BaseAuthentication):
    """``apiKey`` and ``signature``, with ``expires`` in version 3."""

    def authenticate(self, request: HttpRequest, call: Call | None = None) -> Any:
        """(caller, None), or None when nothing is signed. Raises NotAuthenticated: whatever
        is wrong looks the same, but that a genuine signature's time is over."""
        call = call or Call.of(request)
        given = call.given
        if not given.get("apikey") or not given.get("signature"):
            return None
        found = keys.find(given["apikey"])
        if found is None:
            raise NotAuthenticated
        if not signature.is_genuine(found.secret, call.params, given["signature"]):
            raise NotAuthenticated
        if not _is_timely(given):
            raise NotAuthenticated(_too_late(given))
        keys.used(found.row)
        return Caller.of(found.user, address=call.address, correlation_id=call.correlation_id), None


class SessionAuthentication(BaseAuthentication):
    """The cookie JSESSIONID, and the session's key where the settings want it."""

    def authenticate(self, request: HttpRequest, call: Call | None = None) -> Any:
        """(caller, session), or None without a session. Raises NotAuthenticated when the key
        is missing or wrong; the session ends then, unless another site made the request."""
        call = call or Call.of(request)
        token = request.COOKIES.get(SESSION_COOKIE, "")
        caller = sessions.find(token, call.address, pending=True) if token else None
        if caller is None:
            return None
        if not is_same_origin(request):
            raise NotAuthenticated
        if not _key_is_right(call, caller.session):
            sessions.log_out(caller.session)
            raise NotAuthenticated
        return replace(caller, correlation_id=call.correlation_id), caller.session


def _is_timely(given: dict[str, str]) -> bool:
    if given.get("signatureversion") != "3":
        return not settings.ENFORCE_POST.get()
    return signature.is_current(given.get("expires", ""))


def _too_late(given: dict[str, str]) -> str:
    """The words of every 401 first, which clients look for; then the two clocks."""
    words = NotAuthenticated().message
    return (
        f"{words}: the call expires at {given.get('expires') or 'no time at all'}, and by the "
        f"portal's clock it is {datetime.now(UTC):%Y-%m-%dT%H:%M:%S+0000}. Compare the clocks."
    )


def _key_is_right(call: Call, session: Session) -> bool:
    """Each key that was sent must be right, and as many sent as the settings ask for."""
    sent = {
        "Parameter": call.given.get("sessionkey"),
        "Cookie": call.request.COOKIES.get(KEY_COOKIE),
    }
    right = {
        name for name, key in sent.items() if key and sessions.key_is_right(session, str(key))
    }
    where = settings.SESSIONKEY_LOCATIONS.get()
    if where == "ParameterOnly":
        return "Parameter" in right
    wrong = {name for name, key in sent.items() if key} - right
    enough = bool(right) if where == "CookieOrParameter" else len(right) == 2
    return enough and not wrong


def is_same_origin(request: HttpRequest) -> bool:
    """Whether a page of another site made a browser send this (programs name no origin)."""
    if request.META.get("HTTP_SEC_FETCH_SITE") == "cross-site":
        return False
    origin = request.META.get("HTTP_ORIGIN")
    return origin is None or urlsplit(origin).netloc.lower() == request.get_host().lower()


def check_source(caller: Caller) -> None:
    """Refuses callers from addresses that the operator (or the account) does not accept."""
    refused = sources.refusal(caller.account, caller.address)
    if refused:
        raise NotAuthenticated(refused)
