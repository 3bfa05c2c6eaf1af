"""Global settings: found by word, by group, explained, checked, changed in place; for one thing
too."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods

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
    asked = {name: request.GET.get(name, "").strip() for name in ("q", "group", "subgroup")}
    only_changed = request.GET.get("changed") == "1"
    records = reader.run("listConfigurations", {"pagesize": "-1"}).records or []
    lines = [Line(r) for r in records]
    lines = [
        line
        for line in lines
        if _has(line, asked["q"].casefold()) and (line.is_changed or not only_changed)
    ]
    shown = [line for line in lines if _is_in(line, asked["group"], asked["subgroup"])]
    context = {
        **asked,
        "groups": _by_place(shown),
        "tree": _tree(lines, asked, only_changed),
        "changed": only_changed,
        "may_change": reader.may("updateConfiguration"),
        "may_reset": reader.may("resetConfiguration"),
        "total": len(shown),
        "all": len(lines),
    }
    return htmx.render(
        request, "frontend/settings.html", context, fragment="frontend/parts/settings.html"
    )


def _has(line: Line, wanted: str) -> bool:
    """In its name, its meaning (in the reader's language) or its value."""
    shown = "" if line.kind == "secret" else line.value.casefold()
    words = (line.name.casefold(), line.help.casefold(), shown)
    return not wanted or any(wanted in text for text in words)


def _is_in(line: Line, group: str, subgroup: str) -> bool:
    there, below = line.group
    return (not group or there == group) and (not subgroup or below == subgroup)


def _by_place(lines: list[Line]) -> list[tuple[tuple[str, str], list[Line]]]:
    found: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        found.setdefault(line.group, []).append(line)
    return sorted(found.items())


def _tree(lines: list[Line], asked: dict[str, str], only_changed: bool) -> list[dict[str, Any]]:
    """Groups with how many settings are in each; the one that is open with its subgroups."""
    counts = Counter(line.group for line in lines)
    kept = {"q": asked["q"], "changed": "1" if only_changed else ""}

    def link(**place: str) -> str:
        return urlencode({k: v for k, v in {**kept, **place}.items() if v})

    found: list[dict[str, Any]] = []
    for group in dict.fromkeys(group for group, _ in sorted(counts)):
        below = sorted(sub for there, sub in counts if there == group)
        is_open = asked["group"] == group
        found.append(
            {
                "name": group,
                "count": sum(n for (there, _), n in counts.items() if there == group),
                "link": link(group=group),
                "is_open": is_open,
                "is_here": is_open and not asked["subgroup"],
                "below": [
                    {
                        "name": sub,
                        "count": counts[group, sub],
                        "link": link(group=group, subgroup=sub),
                        "is_here": asked["subgroup"] == sub,
                    }
                    for sub in below
                    if is_open
                ],
            }
        )
    return found


@require_http_methods(["GET", "POST"])
@signed_in
def change(request: HttpRequest, name: str) -> HttpResponse:
    """One value; a ``reset`` button sends it back to what it inherits. Opened, it is found among
    the others."""
    if request.method == "GET":
        return redirect(f"/settings?{urlencode({'q': name})}")
    reader = request.reader
    holder = next((h for h in _HOLDERS if request.POST.get(h)), "")
    about = {holder: request.POST[holder]} if holder else {}
    record = current(reader, name, about)
    if record is None:
        raise Http404
    line = Line(record, holder, about.get(holder, ""))
    before = line.value if line.is_changed and line.kind != "secret" else None
    try:
        if request.POST.get("reset"):
            told = "imagestoreid" if holder == "imagestoreuuid" else holder
            place = {told: about[holder]} if holder else {}
            reader.run("resetConfiguration", {"name": name, **place})
        else:
            value = ",".join(request.POST.getlist("value"))
            line.typed = value
            reader.run("updateConfiguration", {"name": name, "value": value, **about})
        line = Line(
            current(reader, name, about) or record, holder, about.get(holder, ""), saved=True,
            before=before,
        )  # fmt: skip
    except CloudError as error:
        line.error = texts.say(error.message)
    context = {"line": line, "may_change": True, "may_reset": reader.may("resetConfiguration")}
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
