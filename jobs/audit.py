"""The record of what happened as a file: CSV or JSON lines, made as it is read."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

import orjson
from django.http import StreamingHttpResponse
from django.utils import timezone

from core.errors import InvalidParameter

#: When, how it went, who, from where, what, about what, in which words.
COLUMNS = (
    "created", "level", "state", "type", "username", "account", "domainpath", "address",
    "command", "resourcetype", "resourceid", "resourcename", "description", "correlationid",
    "jobid", "id", "parentid", "archived",
)  # fmt: skip

Pages = Iterable[list[dict[str, Any]]]
Lines = Callable[[Pages], Iterator[bytes]]


def check_form(form: str) -> None:
    if form not in FORMS:
        raise InvalidParameter(f"format is csv or jsonl, not “{form}”.")


def answer(pages: Pages, form: str) -> StreamingHttpResponse:
    """The records of listEvents, page by page, as a file to keep."""
    lines, content_type = FORMS[form]
    response = StreamingHttpResponse(lines(pages), content_type=content_type)
    name = f"audit-{timezone.now():%Y%m%d-%H%M%S}.{form}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


class _Echo:
    """A file that hands each written line straight back."""

    def write(self, text: str) -> str:
        return text


def _csv(pages: Pages) -> Iterator[bytes]:
    writer = csv.writer(_Echo())
    yield ("\ufeff" + writer.writerow(COLUMNS)).encode()
    for records in pages:
        rows = ([_cell(record.get(name)) for name in COLUMNS] for record in records)
        yield "".join(writer.writerow(row) for row in rows).encode()


def _cell(value: Any) -> str:
    """What would begin a formula in a spreadsheet is quoted."""
    text = _plain(value) if value is not None else ""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _jsonl(pages: Pages) -> Iterator[bytes]:
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
