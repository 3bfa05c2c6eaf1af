"""The integration port: any path, no authentication, the caller is the portal itself.

The server binds it only when ``integration.api.port`` is above 0, and on loopback unless told
otherwise: whoever reaches this port owns the cloud.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import request_started
from django.http import HttpRequest, HttpResponse

from accounts.caller import Caller
from api import dispatch, http
from api.calls import Call
from core.errors import NotAuthenticated


def application(
    environ: dict[str, Any], start_response: Callable[..., Any]
) -> Iterable[bytes]:
    """A WSGI application of its own: no other page of the portal is served here."""
    request_started.send(sender=application, environ=environ)
    response = view(WSGIRequest(environ))
    start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
    return response  # closed by the server, which gives the database connection back


def view(request: HttpRequest) -> HttpResponse:
    return http.answered(request, _serve)


def _serve(call: Call) -> HttpResponse:
    call.read(body=False)  # parameters from the URL only
    _refuse_browsers(call.request)
    call.caller = replace(
        Caller.system(), address=call.address, correlation_id=call.correlation_id
    )
    dispatch.find(call.caller, call.command)
    return http.performed(call, call.caller)


def _refuse_browsers(request: HttpRequest) -> None:
    """A page that somebody on this machine looks at must not reach the port: neither by a form
    or an image (browsers say where those come from), nor by a name of its own that suddenly
    leads here (DNS rebinding: the request then names a host that is not this one)."""
    for header in ("HTTP_ORIGIN", "HTTP_REFERER", "HTTP_SEC_FETCH_SITE"):
        if header in request.META:
            raise NotAuthenticated("The integration port is for programs, not for browsers.")
    if not _is_ours(request.META.get("HTTP_HOST", "localhost")):
        raise NotAuthenticated("The integration port is asked by address or this host's name.")


def _is_ours(host: str) -> bool:
    name = host.rsplit("]", 1)[0].lstrip("[") if host.startswith("[") else host.split(":")[0]
    try:
        ip_address(name)
    except ValueError:
        return name.lower() in ("localhost", socket.gethostname().lower(), socket.getfqdn().lower())
    return True
