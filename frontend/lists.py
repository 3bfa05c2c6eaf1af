"""A list as it is to be drawn: rows, columns, tokens, pages, what can be done with many."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.translation import gettext as _

from core.errors import CloudError
from frontend import cells, texts, working
from frontend.reader import Reader
from frontend.sections import SECTIONS
from frontend.sections.base import Action, Column, Filter, Record, Section

PAGE_SIZES = (20, 50, 100, 500)
PAGE_SIZE = 50
#: Characters of a value, and of a name, that is not broken over lines.
ONE_LINE, NAME_LINE = 22, 36


@dataclass
class Token:
    """One filter in force, and the address of the list without it."""

    filter: Filter
    value: str
    text: str
    without: str


@dataclass
class Row:
    record: Record
    id: str
    cells: list[tuple[Column, Any, bool]]  # what, as drawn, whether it stays on one line
    progress: working.Progress | None = None


@dataclass
class ListView:
    section: Section
    reader: Reader
    params: dict[str, str]
    path: str
    given: Mapping[str, str] = field(default_factory=dict)  # fixed by the page it is on
    rows: list[Row] = field(default_factory=list)
    count: int = 0
    page: int = 1
    size: int = PAGE_SIZE
    sort: str = ""
    columns: list[Column] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    error: str = ""

    @property
    def pages(self) -> int:
        return max(1, math.ceil(self.count / self.size))

    @property
    def first(self) -> int:
        return (self.page - 1) * self.size + 1 if self.count else 0

    @property
    def last(self) -> int:
        return min(self.page * self.size, self.count)

    @property
    def groups(self) -> frozenset[str]:
        return self.section.groups_for(self.columns)

    @property
    def keyword(self) -> str:
        return self.params.get("keyword", "")

    @property
    def filtered(self) -> bool:
        return bool(self.tokens or self.params.get("keyword"))

    def url(self, **changes: Any) -> str:
        """The list's address with some parameters changed (None drops one)."""
        wanted = {**self.params, **changes}
        kept = {k: str(v) for k, v in wanted.items() if v not in (None, "")}
        return f"{self.path}?{urlencode(kept)}" if kept else self.path

    @property
    def address(self) -> str:
        return self.url()

    @property
    def previous_url(self) -> str:
        return self.url(page=self.page - 1 if self.page > 2 else None) if self.page > 1 else ""

    @property
    def next_url(self) -> str:
        return self.url(page=self.page + 1) if self.page < self.pages else ""

    @property
    def csv_url(self) -> str:
        wanted = {**self.params, **self.given}
        wanted.pop("page", None)
        query = urlencode({k: v for k, v in wanted.items() if v})
        return f"/{self.section.key}.csv?{query}"

    def sort_url(self, column: Column) -> str:
        falling = self.sort == column.field
        return self.url(sort=f"-{column.field}" if falling else column.field, page=None)

    @property
    def headers(self) -> list[dict[str, Any]]:
        sortable = self.section.sortable_fields()
        out = []
        for column in self.columns:
            order = ""
            if self.sort.lstrip("-") == column.field:
                order = "descending" if self.sort.startswith("-") else "ascending"
            out.append(
                {
                    "column": column,
                    "order": order,
                    "url": self.sort_url(column) if column.field in sortable else "",
                }
            )
        return out

    @property
    def bulk(self) -> list[Action]:
        return [a for a in self.section.actions if a.bulk and self.reader.may(a.command)]

    @property
    def create(self) -> list[Action]:
        return [a for a in self.section.create if self.reader.may(a.command)]

    @property
    def filters(self) -> list[Filter]:
        spec = self.section.spec
        known = spec.by_name if spec else {}
        return [
            f for f in self.section.filters
            if f.param in known and f.param not in self.given
            and (self.reader.is_admin or not known[f.param].admin_only)
            and (not f.section or self.reader.sees_key(f.section))
        ]  # fmt: skip

    @property
    def all_columns(self) -> list[tuple[Column, bool]]:
        chosen = {c.field for c in self.columns}
        return [(c, c.field in chosen) for c in known_columns(self.reader, self.section)]

    @property
    def views(self) -> list[dict[str, str]]:
        return self.reader.prefers(f"views:{self.section.key}", [])


def build(
    reader: Reader,
    section: Section,
    query: QueryDict,
    path: str,
    given: Mapping[str, str] | None = None,
) -> ListView:
    """Read the page of the list that ``query`` asks for. A refusal becomes its ``error``."""
    fixed = dict(given or {})
    view = ListView(section, reader, _params(section, query), path, fixed)
    view.sort = view.params.get("sort", section.sort)
    if view.sort.lstrip("-") not in section.sortable_fields():
        view.sort = ""
    view.size = _size(query.get("size", ""))
    view.page = max(1, int(query["page"])) if query.get("page", "").isdigit() else 1
    view.columns = _columns(reader, section, query.get("columns", ""))
    view.tokens = [t for f in view.filters if (t := _token(view, f))]
    try:
        _read(view)
    except CloudError as error:
        view.error = texts.say(error.message)
    return view


def asked(view: ListView) -> dict[str, str]:
    """What the list command is asked for: tokens, keyword and what the page fixes."""
    filters = {f.param: view.params.get(f.param, "") for f in view.filters}
    return {**filters, "keyword": view.params.get("keyword", ""), **view.given}


def _read(view: ListView) -> None:
    wanted = {**asked(view), "page": str(view.page), "pagesize": str(view.size)}
    scoped = not view.given
    outcome = view.reader.list(
        view.section, wanted, scoped=scoped, sort=view.sort, groups=view.groups
    )
    if outcome.command.listing is None:  # a command that fills its own list has no pages
        records = outcome.records or []
        view.count = len(records)
        begin = (view.page - 1) * view.size
        view.rows = draw(view, records[begin : begin + view.size])
        return
    view.count = outcome.count
    if view.page > view.pages:  # the last rows went away meanwhile
        view.page = view.pages
        wanted["page"] = str(view.page)
        outcome = view.reader.list(
            view.section, wanted, scoped=scoped, sort=view.sort, groups=view.groups
        )
    view.rows = draw(view, outcome.records or [])


def draw(view: ListView, records: list[dict[str, Any]]) -> list[Row]:
    at_work = working.of(view.reader.caller, [str(r["id"]) for r in records if r.get("id")])
    return [
        Row(
            record,
            str(record.get("id", "")),
            [
                (c, cells.draw(c, record, view.section, view.reader.reaches), _is_short(c, record))
                for c in view.columns
            ],
            at_work.get(str(record.get("id", ""))),
        )
        for record in records
    ]


def _is_short(column: Column, record: dict[str, Any]) -> bool:
    """Whether the value stays on one line beside longer ones; a hyphen would be taken for a
    place to break it."""
    most = NAME_LINE if column.kind == "name" else ONE_LINE
    return len(str(column.value(record) or "")) <= most


def _params(section: Section, query: QueryDict) -> dict[str, str]:
    names = {"keyword", "sort", "page", "size", "columns", *(f.param for f in section.filters)}
    return {k: query[k] for k in query if k in names and query[k] != ""}


def _size(text: str) -> int:
    return int(text) if text.isdigit() and int(text) in PAGE_SIZES else PAGE_SIZE


def known_columns(reader: Reader, section: Section) -> list[Column]:
    return section.known(section.columns, of_root=reader.is_admin)


def _columns(reader: Reader, section: Section, asked_for: str) -> list[Column]:
    known = known_columns(reader, section)
    names = asked_for.split(",") if asked_for else reader.prefers(f"columns:{section.key}")
    chosen = [c for c in known if c.field in names] if names else []
    return chosen or [c for c in known if c.shown]


def _token(view: ListView, wanted: Filter) -> Token | None:
    value = view.params.get(wanted.param, "")
    if not value:
        return None
    text = str(dict(wanted.choices).get(value, value))
    if wanted.section:
        text = _name_of(view.reader, wanted.section, value) or value
    return Token(wanted, value, text, view.url(**{wanted.param: None, "page": None}))


def _name_of(reader: Reader, key: str, uuid: str) -> str:
    from_section = SECTIONS.get(key)
    record = reader.one(from_section, uuid) if from_section else None
    return from_section.name_of(record) if from_section and record else ""


def understand(view: ListView, text: str) -> tuple[dict[str, str], str]:
    """``state:running zone:bj1 web`` → filters and the rest as keyword; "" or what is wrong."""
    found: dict[str, str] = {}
    rest: list[str] = []
    for word in text.split():
        head, colon, value = word.partition(":")
        wanted = _filter_called(view, head) if colon and value else None
        if wanted is None:
            rest.append(word)
            continue
        chosen = _value_called(view.reader, wanted, value)
        if not chosen:
            return {}, _("There is no %(what)s called “%(name)s”.") % {
                "what": wanted.label, "name": value,
            }  # fmt: skip
        found[wanted.param] = chosen
    if rest:
        found["keyword"] = " ".join(rest)
    return found, ""


def _filter_called(view: ListView, name: str) -> Filter | None:
    wanted = name.lower()
    for f in view.filters:
        if wanted in {f.param, f.param.removesuffix("id"), str(f.label).lower()}:
            return f
    return None


def _value_called(reader: Reader, wanted: Filter, text: str) -> str:
    for value, label in wanted.choices:
        if text.lower() in {value.lower(), str(label).lower()}:
            return value
    section = SECTIONS.get(wanted.section) if wanted.section else None
    if section is None:
        return "" if wanted.choices else text
    records = reader.list(section, {"keyword": text, "page": "1", "pagesize": "20"}).records or []
    exact = [r for r in records if section.name_of(r).lower() == text.lower()]
    return str((exact or records)[0]["id"]) if records else ""
