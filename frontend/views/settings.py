"""Global settings: found by word, explained, checked, changed in place; for one thing too."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_POST

from core.errors import CloudError
from frontend import htmx, texts
from frontend.reader import Reader
from frontend.tuning import Line
from frontend.views.gate import back, signed_in

_HOLDERS = ("zoneid", "clusterid", "storageid", "imagestoreuuid", "domainid", "accountid")


@require_GET
@signed_in
def listed(request: HttpRequest) -> HttpResponse:
    reader = request.reader
    if not reader.is_admin or not reader.may("listConfigurations"):
        raise Http404
    wanted = request.GET.get("q", "").strip().casefold()
    only_changed = request.GET.get("changed") == "1"
    records = reader.run("listConfigurations", {"pagesize": "-1"}).records or []
    groups: dict[str, list[Line]] = {}
    for record in records:
        line = Line(record)
        if wanted and wanted not in line.name.casefold() and wanted not in line.help.casefold():
            continue
        if only_changed and not line.is_changed:
            continue
        groups.setdefault(str(record.get("category") or "Advanced"), []).append(line)
    context = {
        "groups": sorted(groups.items()),
        "q": request.GET.get("q", ""),
        "changed": only_changed,
        "may_change": reader.may("updateConfiguration"),
        "total": sum(len(v) for v in groups.values()),
    }
    return htmx.render(
        request, "frontend/settings.html", context, fragment="frontend/parts/settings.html"
    )


@require_POST
@signed_in
def change(request: HttpRequest, name: str) -> HttpResponse:
    """One value; an empty ``reset`` button sends it back to what it inherits."""
    reader = request.reader
    holder = next((h for h in _HOLDERS if request.POST.get(h)), "")
    about = {holder: request.POST[holder]} if holder else {}
    record = current(reader, name, about)
    if record is None:
        raise Http404
    line = Line(record, holder, about.get(holder, ""))
    try:
        if request.POST.get("reset"):
            reader.run("resetConfiguration", {"name": name, **about})
        else:
            value = request.POST.get("value", "")
            line.typed = value
            reader.run("updateConfiguration", {"name": name, "value": value, **about})
        line = Line(
            current(reader, name, about) or record, holder, about.get(holder, ""), saved=True
        )
    except CloudError as error:
        line.error = texts.say(error.message)
    context = {"line": line, "may_change": True}
    if not htmx.wants_fragment(request) and not line.error:
        return htmx.redirect(request, back(request))
    return htmx.render(
        request, "frontend/setting.html", context, fragment="frontend/parts/setting.html",
        status=422 if line.error else 200,
    )  # fmt: skip


def current(reader: Reader, name: str, about: dict[str, str]) -> dict[str, Any] | None:
    try:
        found = reader.run("listConfigurations", {"name": name, **about}).records
    except CloudError:
        return None
    return found[0] if found else None
