"""Who is at the page, what the browser may load, and in which language and dress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.services import sessions
from core import proxies
from frontend.reader import Reader

SESSION_COOKIE = "JSESSIONID"
KEY_COOKIE = "sessionkey"

Handler = Callable[[HttpRequest], HttpResponse]

#: Everything comes from our own origin; nothing is written inline. ``{extra}`` is for a page
#: that must differ (the serial console's terminal makes style elements, under a nonce).
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'{style}; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; manifest-src 'self'; frame-ancestors {ancestors}"
)


def policy(*, style: str = "", ancestors: str = "'none'") -> str:
    return POLICY.format(style=f" {style}" if style else "", ancestors=ancestors)


class ReaderMiddleware:
    """``request.reader``: the signed-in person, or None. The API finds its callers itself."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.reader = None
        if request.path.startswith(("/client/", settings.STATIC_URL)):
            return self.get_response(request)
        token = request.COOKIES.get(SESSION_COOKIE, "")
        caller = sessions.find(token, address_of(request)) if token else None
        if caller is not None:
            request.reader = Reader(request, replace(caller, correlation_id=str(uuid4())))
        response = self.get_response(request)
        if "Content-Security-Policy" not in response:
            response["Content-Security-Policy"] = policy()
        response.setdefault("Cache-Control", "no-store" if request.reader else "no-cache")
        response.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        return response


def address_of(request: HttpRequest) -> str:
    """The browser's own address."""
    forwarded = request.headers.get("X-Forwarded-For", "")
    return proxies.client_behind(request.META.get("REMOTE_ADDR", ""), forwarded)
