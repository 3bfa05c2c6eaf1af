"""Lists: the page, its fragment, its rows again, as CSV; columns and views one keeps."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from frontend import cards, htmx, lists, menus
from frontend.lists import ListView
from frontend.views.gate import record_for, section_for, signed_in


@require_GET
@signed_in
def listed(request: HttpRequest, key: str) -> HttpResponse:
    section = section_for(request, key)
    view = lists.build(request.reader, section, request.GET, f"/{key}")
    problem = ""
    if request.GET.get("q", "").strip():
        found, problem = lists.understand(view, request.GET["q"])
        if not problem:
            return redirect(view.url(**{"keyword": None, **found, "page": None}))
    context = {"view": view, "section": section, "problem": problem, "q": request.GET.get("q", "")}
    context |= cards.load(section.banner, request.reader, {})
    context |= cards.load(section.above, request.reader, {})
    response = htmx.render(
        request, "frontend/list.html", context, fragment="frontend/parts/list.html"
    )
    if htmx.wants_fragment(request):
        response["HX-Push-Url"] = view.address
    return response


@require_GET
@signed_in
def rows(request: HttpRequest, key: str) -> HttpResponse:
    """Some rows again: what changed. A row that is gone is left out, and its place goes."""
    section = section_for(request, key)
    view = lists.build(request.reader, section, request.GET, f"/{key}")
    wanted = [i for i in request.GET.get("ids", "").split(",") if i][:200]
    seen = [row for row in view.rows if row.id in wanted]
    context = {"view": view, "section": section, "rows": seen}
    return htmx.render(request, "frontend/parts/rows.html", context)


@require_GET
@signed_in
def row_menu(request: HttpRequest, key: str, uuid: str) -> HttpResponse:
    section = section_for(request, key)
    record = record_for(request, section, uuid)
    items = menus.of(request.reader, section, record)
    return htmx.render(
        request, "frontend/parts/menu.html", {"items": items, "section": section, "record": record}
    )


@require_GET
@signed_in
def as_csv(request: HttpRequest, key: str) -> StreamingHttpResponse:
    """All rows of the list as it is filtered and sorted, as a table for a spreadsheet."""
    section = section_for(request, key)
    view = lists.build(request.reader, section, request.GET, f"/{key}")
    response = StreamingHttpResponse(_lines(view), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{key}.csv"'
    return response


class _Echo:
    """A file that hands each written line straight back."""

    def write(self, text: str) -> str:
        return text


def _lines(view: ListView) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow([str(c.label) for c in view.columns] + ["id"])
    page = 1
    while True:
        wanted = {**lists.asked(view), "page": str(page), "pagesize": "500"}
        outcome = view.reader.list(view.section, wanted, sort=view.sort, groups=view.groups)
        for record in outcome.records or []:
            values = [plain(c.value(record)) for c in view.columns]
            yield writer.writerow([*values, record.get("id", "")])
        if page * 500 >= outcome.count or outcome.command.listing is None:
            return
        page += 1


def plain(value: Any) -> str:
    """A cell for a spreadsheet; what would start a formula there is quoted."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (list, dict)):
        return str(value)
    text = "" if value is None else str(value)
    starts_formula = text.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{text}" if starts_formula and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@require_POST
@signed_in
def columns(request: HttpRequest, key: str) -> HttpResponse:
    """Which columns this person wants to see here."""
    section = section_for(request, key)
    known = {c.field for c in section.columns}
    chosen = [name for name in request.POST.getlist("column") if name in known]
    request.reader.remember(f"columns:{key}", chosen)
    return htmx.redirect(request, _address(request, key))


@require_POST
@signed_in
def views(request: HttpRequest, key: str) -> HttpResponse:
    """Keep the list's filters and order under a name, or forget them."""
    section_for(request, key)
    kept = list(request.reader.prefers(f"views:{key}", []))
    name = request.POST.get("name", "").strip()[:60]
    if name:
        kept = [v for v in kept if v["name"] != name]
        if request.POST.get("forget") != "true":
            kept.append({"name": name, "query": _query(request)})
        request.reader.remember(f"views:{key}", kept[-20:])
    return htmx.redirect(request, _address(request, key))


def _query(request: HttpRequest) -> str:
    pairs = [(k, v) for k, v in parse_qsl(request.POST.get("query", "")) if k != "page"]
    return urlencode(pairs)


def _address(request: HttpRequest, key: str) -> str:
    query = _query(request)
    return f"/{key}?{query}" if query else f"/{key}"
