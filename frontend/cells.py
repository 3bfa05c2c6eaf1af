"""One value, drawn: the same in a row of a list and in the facts of a detail page.

Plain functions instead of template fragments: a list of 500 rows has thousands of cells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from frontend import figures, icons, states, texts
from frontend.sections.base import Column, Record, Section

NONE = mark_safe('<span class="none">–</span>')


def icon(name: str, label: str = "", classes: str = "") -> SafeString:
    """An icon beside a word is decoration; alone, it carries ``label`` for who cannot see it."""
    if name not in icons.NAMES and name not in icons.FILLED:
        raise KeyError(f"icon {name} is not in frontend.icons")
    href = f"{reverse('frontend:icons')}?v={icons.version()}#{name}"
    extra = (
        format_html('role="img" aria-label="{}"', label)
        if label
        else mark_safe('aria-hidden="true"')
    )
    return format_html('<svg class="icon {}" {}><use href="{}"/></svg>', classes, extra, href)


def pill(state: Any) -> SafeString:
    """A state: tone, icon and word."""
    look = states.look(state)
    return format_html(
        '<span class="pill {}">{}<span>{}</span></span>', look.tone, icon(look.icon), look.word
    )


def when(value: Any, form: str = "relative") -> SafeString:
    """A moment: the reader's script turns it into its zone and words; this is UTC without."""
    if not isinstance(value, datetime):
        value = parse_datetime(str(value)) if value else None
    if value is None:
        return NONE
    return format_html(
        '<time datetime="{}" data-time="{}">{}</time>',
        value.isoformat(), form, value.strftime("%Y-%m-%d %H:%M UTC"),
    )  # fmt: skip


def link(section: str, uuid: Any, text: Any) -> SafeString:
    url = reverse("frontend:detail", args=[section, uuid])
    return format_html('<a href="{}">{}</a>', url, text)


def yes_no(value: Any) -> SafeString:
    truth = value is True or str(value).lower() == "true"
    return format_html(
        '<span class="{}">{}</span>', "yes" if truth else "no", _("Yes") if truth else _("No")
    )


def mono(value: Any) -> SafeString:
    return format_html('<code class="mono">{}</code>', value)


def copyable(value: Any) -> SafeString:
    """An id or address with a button that copies it."""
    return format_html(
        '<span class="copyable"><code class="mono">{}</code>'
        '<button type="button" class="ghost tiny" data-copy="{}" aria-label="{}">{}</button>'
        "</span>",
        value, value, _("Copy"), icon("copy"),
    )  # fmt: skip


def pairs(value: Any) -> SafeString:
    """A map or a list of key/value entries, as tags."""
    if isinstance(value, Mapping):
        entries = [(k, v) for k, v in value.items()]
    else:
        entries = [(e.get("key", ""), e.get("value", "")) for e in value]
    return format_html(
        '<span class="tags">{}</span>',
        format_html_join("", '<span class="tag"><b>{}</b> {}</span>', entries),
    )


def words(value: Any) -> SafeString:
    parts = value.split(",") if isinstance(value, str) else list(value)
    names = [p.get("name") or p.get("id") if isinstance(p, Mapping) else p for p in parts]
    return format_html(
        '<span class="tags">{}</span>',
        format_html_join("", '<span class="tag">{}</span>', [(n,) for n in names if n]),
    )


def meter(value: Any) -> SafeString:
    """A share in percent as a bar with its figure. SVG: inline styles are against the policy."""
    percent = max(0.0, min(100.0, float(str(value).rstrip("%") or 0)))
    return bar(percent, f"{percent:.0f} %")


def bar(percent: float, text: str, tone: str = "") -> SafeString:
    tone = tone or ("bad" if percent >= 95 else "warn" if percent >= 80 else "")
    shown = min(100.0, max(percent, 1.0 if percent > 0 else 0.0))
    return format_html(
        '<span class="meter {}"><svg aria-hidden="true" preserveAspectRatio="none" '
        'viewBox="0 0 100 6"><rect class="track" width="100" height="6" rx="1"/>'
        '<rect class="fill" width="{}" height="6" rx="1"/></svg>'
        '<span class="figure">{}</span></span>',
        tone, f"{shown:.1f}", text,
    )  # fmt: skip


def number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else figures.trimmed(float(value), 2)


def said(value: Any) -> str:
    """A sentence from the server, in the reader's language where we know it."""
    return texts.say(str(value))


def interval(value: Any) -> str:
    return ngettext("every %(n)s second", "every %(n)s seconds", int(value)) % {"n": value}


DRAW: dict[str, Callable[[Any], Any]] = {
    "text": lambda v: v,
    "state": pill,
    "time": when,
    "date": lambda v: when(v, "full"),
    "bytes": figures.size,
    "memory": figures.memory,
    "gib": figures.gib,
    "frequency": figures.frequency,
    "flag": yes_no,
    "mono": mono,
    "copy": copyable,
    "pairs": pairs,
    "words": words,
    "percent": meter,
    "share": figures.percent,
    "reworded": figures.reworded,
    "number": number,
    "limit": figures.limit,
    "said": said,
    "seconds": figures.duration,
    "interval": interval,
    "word": states.word,
}


def draw(
    column: Column,
    record: Record,
    section: Section | None = None,
    reaches: Callable[[Column, Record], bool] = lambda column, record: True,
) -> Any:
    """The cell of ``column`` in ``record``; a dash where there is nothing. What the reader has
    no page for (``reaches``) is named without a link."""
    value = column.value(record)
    if column.kind == "name" and section is not None:
        return name(section, record, value)
    if value is None or value == "" or value == [] or value == {}:
        return NONE
    drawn = DRAW.get(column.kind, DRAW["text"])(value)
    uuid = record.get(column.id_field) if column.to and reaches(column, record) else None
    return link(column.to, uuid, drawn) if uuid else drawn


def name(section: Section, record: Record, value: Any) -> SafeString:
    """The name opens the thing; a nameless one shows the start of its id."""
    shown = value or section.name_of(record) or str(record.get("id", ""))[:8]
    if not section.has_detail or not record.get("id"):
        return format_html("<b>{}</b>", shown)
    url = reverse("frontend:detail", args=[section.key, record["id"]])
    return format_html('<a class="name" href="{}">{}</a>', url, shown)
