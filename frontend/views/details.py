"""One thing: header, tabs, and what its pages read again when it changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET

from core.errors import CloudError
from frontend import (
    activity,
    cards,
    cells,
    equivalents,
    htmx,
    lists,
    menus,
    pinning,
    texts,
    working,
)
from frontend.reader import Reader
from frontend.sections import SECTIONS
from frontend.sections.base import Record, Related, Section, Tab
from frontend.views.gate import record_for, section_for, signed_in


@dataclass(frozen=True)
class Shown:
    """A tab in the bar."""

    key: str
    label: Any
    url: str
    active: bool


@require_GET
@signed_in
def detail(request: HttpRequest, key: str, uuid: str, tab: str = "") -> HttpResponse:
    section = section_for(request, key)
    if not section.has_detail:
        raise Http404
    record = record_for(request, section, uuid)
    reader = request.reader
    items = menus.of(reader, section, record)
    context = {
        "section": section,
        "record": record,
        "name": section.name_of(record),
        "state": state_of(section, record),
        "progress": working.of(reader.caller, [str(record["id"])]).get(str(record["id"])),
        "primary": next((i for i in items if i.action.primary), None),
        "items": items,
        "tabs": bar(reader, section, record, tab),
        "tab": tab,
        "live": f"{section.kind}:{record['id']}",
        **pinning.icon(reader, section, record),
        **body(request, section, record, tab),
    }
    return htmx.render(
        request, "frontend/detail.html", context, fragment="frontend/parts/detail.html"
    )


def state_of(section: Section, record: Record) -> Any:
    """The state as the list's first state column shows it."""
    if not section.state_field:
        return ""
    for column in section.columns:
        if column.field == section.state_field and column.kind == "state":
            return column.value(record)
    return record.get(section.state_field, "")


#: What happened has no activity of its own to show.
OF_WHAT_HAPPENED = ("events", "jobs")


def bar(reader: Reader, section: Section, record: Record, active: str) -> list[Shown]:
    base = f"/{section.key}/{record['id']}"
    shown = [Shown("", pgettext("tab", "Overview"), base, active == "")]
    for tab in section.tabs:
        if visible(reader, section, tab, record):
            shown.append(Shown(tab_key(tab), tab_label(tab), f"{base}/{tab_key(tab)}",
                               active == tab_key(tab)))  # fmt: skip
    for title_key, title in pinning.tabs(reader, section, record):
        url = f"{base}/{title_key}"
        shown.append(Shown(title_key, title, url, active == title_key))
    if section.key not in OF_WHAT_HAPPENED and reader.may("listEvents"):
        shown.append(Shown("activity", _("Activity"), f"{base}/activity", active == "activity"))
    shown.append(Shown("api", _("API"), f"{base}/api", active == "api"))
    return shown


def tab_key(tab: Related | Tab) -> str:
    return tab.key or (tab.section if isinstance(tab, Related) else "")


def tab_label(tab: Related | Tab) -> Any:
    if isinstance(tab, Related):
        return tab.label or SECTIONS[tab.section].title
    return tab.label


def visible(reader: Reader, section: Section, tab: Related | Tab, record: Record) -> bool:
    if isinstance(tab, Related):
        listed = SECTIONS[tab.section]
        spec = listed.spec
        known = spec is not None and tab.param in spec.by_name
        return reader.sees(listed) and known and (tab.when is None or tab.when(record))
    if (tab.needs and not reader.may(tab.needs)) or (tab.when and not tab.when(record)):
        return False
    return not tab.operates or reader.operates(section, record)


def body(request: HttpRequest, section: Section, record: Record, key: str) -> dict[str, Any]:
    """The context of the chosen tab, with the template that draws it."""
    if key == "":
        return {
            "template": "frontend/tabs/overview.html",
            **overview(request.reader, section, record),
        }
    if key == "activity" and request.reader.may("listEvents"):
        entries = activity.of(request.reader, section, record)
        return {"template": "frontend/tabs/activity.html", "entries": entries}
    if key == "api":
        return {"template": "frontend/tabs/api.html", **as_api(section, record)}
    pinned = pinning.body(request.reader, section, record, key)
    if pinned is not None:
        return dict(pinned)
    for tab in section.tabs:
        if tab_key(tab) == key and visible(request.reader, section, tab, record):
            return (
                related(request, section, tab, record)
                if isinstance(tab, Related)
                else own(request.reader, section, tab, record)
            )
    raise Http404


def overview(reader: Reader, section: Section, record: Record) -> dict[str, Any]:
    groups = []
    for facts in section.facts:
        told = [
            c for c in section.known(facts.lines, of_root=reader.is_admin)
            if c.field != "id" and c.value(record) not in (None, "", [], {})
        ]  # fmt: skip
        lines = [(c.label, cells.draw(c, record, section, reader.reaches)) for c in told]
        if lines:
            groups.append((facts.title, lines))
    may_change = reader.operates(section, record)
    return {
        "groups": groups,
        "card": section.card,
        **cards.load(section.card, reader, record),
        "tags": record.get("tags") if isinstance(record.get("tags"), list) else [],
        "may_change": may_change,
        "may_tag": may_change and section.resource_type and reader.may("createTags"),
    }


def own(reader: Reader, section: Section, tab: Tab, record: Record) -> dict[str, Any]:
    try:
        loaded = tab.load(reader, section, record) if tab.load else {}
    except CloudError as error:
        return {"template": "frontend/tabs/refused.html", "message": texts.say(error.message)}
    return {"template": tab.template, **loaded}


def related(request: HttpRequest, of: Section, tab: Related, record: Record) -> dict[str, Any]:
    section = SECTIONS[tab.section]
    closed = tab.closed or (tab.operates and not request.reader.operates(of, record))
    given = {tab.param: str(record.get(tab.field, ""))}
    given |= {param: str(record.get(name, "")) for param, name in tab.also.items()}
    view = lists.build(request.reader, section, request.GET, request.path, given)
    preset = {param: str(record.get(name, "")) for param, name in tab.preset.items()}
    return {"template": "frontend/tabs/related.html", "view": view, "preset": preset,
            "related": section, "closed": closed}  # fmt: skip


def as_api(section: Section, record: Record) -> dict[str, Any]:
    call = {section.id_param: str(record["id"]), **section.base, **section.detail}
    text = json.dumps(plain(record), indent=2, ensure_ascii=False)
    return {"json": text, "calls": equivalents.of(section.list, call)}


def plain(value: Any) -> Any:
    """As the API writes it: texts, numbers and booleans."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if hasattr(value, "strftime"):
        return value.strftime("%Y-%m-%dT%H:%M:%S%z")
    return str(value)
