"""The record of what happened as a file: CSV or JSON lines, streamed, narrowed as lists are."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from accounts.caller import Caller
from api import authentication, dispatch, http, throttling
from api.calls import Call
from core.errors import InvalidParameter, PermissionDenied, WrongMethod

#: When, how it went, who, from where, what, about what, in which words.
COLUMNS = (
    "created", "level", "state", "type", "username", "account", "domainpath", "address",
    "command", "resourcetype", "resourceid", "resourcename", "description", "correlationid",
    "id", "parentid", "archived",
)  # fmt: skip
_LIST = "listEvents"

Lines = Callable[[Iterable[list[dict[str, Any]]]], Iterator[bytes]]


@csrf_exempt  # it changes nothing; callers are those of the API
def client_audit(request: HttpRequest) -> HttpResponse:
    """``/client/audit?format=csv|jsonl`` with listEvents' parameters, signed or in a session."""
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
    """Of administrators: what they may see, the latest first. Raises PermissionDenied for
    others and InvalidParameter for a form there is none of."""
    if not caller.is_domain_admin:
        raise PermissionDenied("The audit is for administrators.")
    form = str(given.get("format", "csv")).lower()
    if form not in FORMS:
        raise InvalidParameter(f"format is csv or jsonl, not “{form}”.")
    lines, content_type = FORMS[form]
    wanted = {"listall": "true", **given}
    pages = dispatch.stream(caller, _LIST, wanted)  # refusals come before the first line
    response = StreamingHttpResponse(lines(pages), content_type=content_type)
    name = f"audit-{timezone.now():%Y%m%d-%H%M%S}.{form}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


class _Echo:
    """A file that hands each written line straight back."""

    def write(self, text: str) -> str:
        return text


def _csv(pages: Iterable[list[dict[str, Any]]]) -> Iterator[bytes]:
    writer = csv.writer(_Echo())
    yield ("\ufeff" + writer.writerow(COLUMNS)).encode()
    for records in pages:
        rows = ([_cell(record.get(name)) for name in COLUMNS] for record in records)
        yield "".join(writer.writerow(row) for row in rows).encode()


def _cell(value: Any) -> str:
    """What would begin a formula in a spreadsheet is quoted."""
    text = _plain(value) if value is not None else ""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _jsonl(pages: Iterable[list[dict[str, Any]]]) -> Iterator[bytes]:
    for records in pages:
        yield b"".join(
            orjson.dumps({k: r[k] for k in COLUMNS if k in r}, default=_plain) + b"\n"
            for r in records
        )


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


FORMS: dict[str, tuple[Lines, str]] = {
    "csv": (_csv, "text/csv; charset=utf-8"),
    "jsonl": (_jsonl, "application/jsonl; charset=utf-8"),
}
