"""The audit for programs: ``/client/audit``, signed or in a session as the API is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from accounts.caller import Caller
from api import authentication, dispatch, http, throttling
from api.calls import Call
from core.errors import PermissionDenied, WrongMethod
from jobs import audit

_LIST = "listEvents"


@csrf_exempt  # it changes nothing; callers are those of the API
def client_audit(request: HttpRequest) -> HttpResponse:
    """``format=csv|jsonl`` and listEvents' parameters."""
    return http.answered(request, _serve)


def _serve(call: Call) -> HttpResponse:
    call.read()
    if call.request.method not in ("GET", "POST"):
        raise WrongMethod("The audit is read by GET or POST.")
    call.given["command"] = _LIST
    caller = call.caller = http.authenticated(call)
    authentication.check_source(caller)
    throttling.check(caller, call.request)
    return exported(caller, call.given)


def exported(caller: Caller, given: Mapping[str, Any]) -> StreamingHttpResponse:
    """What an administrator may see, the latest first. Raises PermissionDenied for others and
    InvalidParameter for a form there is none of."""
    if not caller.is_domain_admin:
        raise PermissionDenied("The audit is for administrators.")
    form = str(given.get("format", "csv")).lower()
    audit.check_form(form)
    pages = dispatch.stream(caller, _LIST, {"listall": "true", **given})
    return audit.answer(pages, form)
