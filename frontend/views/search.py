"""Ctrl-K: objects, pages and verbs by a few letters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.db.models.expressions import Combinable
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from frontend import htmx
from frontend.nav import pages_for
from frontend.reader import Reader
from frontend.sections import SECTIONS
from frontend.sections.base import Action, Section
from frontend.views.gate import signed_in

EACH = 5
MOST = 24
#: What people look for by name, most wanted first.
_SOUGHT = (
    "instances", "volumes", "networks", "templates", "isos", "snapshots", "accounts", "users",
    "domains", "hosts", "clusters", "pods", "zones", "storagepools", "serviceofferings",
    "diskofferings", "sshkeys",
)  # fmt: skip
#: Of which there can be one of the same name in each domain: how that is reached.
_IN_DOMAIN = {"accounts": "domain__name", "users": "account__domain__name"}
#: Where one model is listed in two sections: which rows are this one's.
_OWN_ROWS = {"templates": {"kind": "TEMPLATE"}, "isos": {"kind": "ISO"}}


@dataclass(frozen=True)
class Hit:
    text: str
    kind: Any
    icon: str
    url: str
    drawer: bool = False  # opens in the drawer instead of going there


@require_GET
@signed_in
def search(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "").strip()
    hits = list(_hits(request.reader, text))[:MOST]
    return htmx.render(
        request, "frontend/search.html", {"hits": hits, "q": text},
        fragment="frontend/parts/hits.html",
    )  # fmt: skip


def _hits(reader: Reader, text: str) -> Iterator[Hit]:
    yield from _pages(reader, text)
    yield from _makes(reader, text)
    if len(text) < 2:
        return
    verbs = list(_verbs(reader, text))
    yield from verbs
    if verbs:  # a sentence, not a name
        return
    for key in _SOUGHT:
        section = SECTIONS[key]
        if reader.sees(section) and section.has_detail:
            for uuid, name, where in _found(reader, section, text):
                kind = f"{section.one} · {where}" if where else section.one
                yield Hit(name, kind, section.icon, f"/{key}/{uuid}")


def _pages(reader: Reader, text: str) -> Iterator[Hit]:
    wanted = text.casefold()
    for link in pages_for(reader):
        if not wanted or wanted in str(link.title).casefold() or wanted in link.key:
            yield Hit(str(link.title), _("Page"), link.icon, link.url)


def _makes(reader: Reader, text: str) -> Iterator[Hit]:
    """“New instance” and such; what is made inside another thing is made on its page."""
    wanted = text.casefold()
    for link in pages_for(reader):
        section = SECTIONS.get(link.key)
        for action in section.create if section else ():
            if wanted and wanted in str(action.label).casefold() and reader.may(action.command):
                url = action.url or f"/do/{action.command}?from={section.key}"
                yield Hit(str(action.label), section.title, action.icon, url, not action.url)


def _verbs(reader: Reader, text: str) -> Iterator[Hit]:
    """“stop web”: an action's word, and things with the rest in their name."""
    first, _space, rest = text.partition(" ")
    if not rest.strip():
        return
    for key in _SOUGHT[:6]:
        section = SECTIONS[key]
        actions = [
            a
            for a in section.actions
            if _begins(a, first) and reader.may(a.command) and not (a.hidden or a.key)
        ]
        if not actions or not reader.sees(section):
            continue
        possible = actions[0].allowed_states
        for uuid, name, _where in _found(reader, section, rest.strip(), possible):
            for action in actions[:2]:
                url = (
                    action.url.replace("{id}", uuid)
                    if action.url
                    else (f"/do/{action.command}?from={key}&of={uuid}&as={action.key}")
                )
                yield Hit(f"{action.label} {name}", section.one, action.icon, url, not action.url)


def _begins(action: Action, word: str) -> bool:
    return str(action.label).casefold().startswith(word.casefold()) or (
        action.command.lower().startswith(word.lower())
    )


def _found(
    reader: Reader, section: Section, text: str, states: tuple[str, ...] = ()
) -> list[tuple[str, str, str]]:
    """(uuid, name, domain where names are its own) of a few visible things; one query, without
    the count that a list has."""
    spec, model = section.spec, section.model
    if spec is None or model is None or spec.listing is None:
        return []
    paths = list(spec.listing.keyword)
    if not paths:
        return []
    wanted = spec.listing.having(text)
    if _is_uuid(text):
        wanted |= Q(uuid=text)
    rows = model._default_manager.all().visible_to(reader.caller).filter(wanted)
    rows = rows.filter(**_OWN_ROWS.get(section.key, {}))
    if states and hasattr(model, "state"):
        rows = rows.filter(state__in=states)
    named = _name_paths(section, paths)
    where = _IN_DOMAIN.get(section.key)
    found = rows.order_by("pk").values_list("uuid", where or "pk", *named)[:EACH]
    return [
        (str(uuid), next((str(v) for v in names if v), str(uuid)), str(domain) if where else "")
        for uuid, domain, *names in found
    ]


def _name_paths(section: Section, otherwise: list[str | Combinable]) -> list[str | Combinable]:
    """Columns that hold the name, the section's own first."""
    fields = {f.name: f.source for f in section.spec.response.fields if f.source}
    own = [fields[n] for n in (section.name_field, "name") if n in fields]
    return list(dict.fromkeys([*own, *otherwise]))


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return len(text) == 36


@require_GET
@signed_in
def scopes(request: HttpRequest) -> HttpResponse:
    """Where one may choose to act: domains, accounts and projects with ``q`` in their name."""
    reader = request.reader
    text = request.GET.get("q", "").strip()
    domains = [] if not reader.rules else _scope_records(reader, "domains", text)
    accounts = [] if not reader.rules else _scope_records(reader, "accounts", text)
    projects = _scope_records(reader, "projects", text)
    context = {"domains": domains, "accounts": accounts, "projects": projects, "q": text}
    return htmx.render(
        request, "frontend/scopes.html", context, fragment="frontend/parts/scopes.html"
    )


def _scope_records(reader: Reader, key: str, text: str) -> list[dict[str, Any]]:
    section = SECTIONS[key]
    if not reader.sees(section):
        return []
    wanted = {"keyword": text, "page": "1", "pagesize": "20"}
    return reader.list(section, wanted, scoped=False, groups=frozenset()).records or []
