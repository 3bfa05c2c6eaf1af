"""The integration port: any path, no authentication, the caller is the portal itself.

The server binds it only when ``integration.api.port`` is above 0, and on loopback unless told
otherwise: whoever reaches this port owns the cloud.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import request_started
from django.http import HttpRequest, HttpResponse

from accounts.caller import Caller
from api import dispatch, http
from api.calls import Call


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
    call.caller = replace(
        Caller.system(), address=call.address, correlation_id=call.correlation_id
    )
    dispatch.find(call.caller, call.command)
    return http.performed(call, call.caller)
