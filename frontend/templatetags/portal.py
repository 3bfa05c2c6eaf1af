"""Icons, pills, times and figures in templates."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from frontend import cells, figures, tabs, texts
from frontend.states import look

register = template.Library()


@register.simple_tag
def icon(name: str, label: str = "", classes: str = "") -> SafeString:
    return cells.icon(name, label, classes)


@register.filter
def pill(state: Any) -> SafeString:
    return cells.pill(state)


@register.filter
def state_word(state: Any) -> str:
    return str(look(state).word)


@register.filter
def when(value: Any, form: str = "relative") -> SafeString:
    return cells.when(value, form)


@register.filter
def said(value: Any) -> str:
    return texts.say(str(value or ""))


@register.filter
def happened(event: Any) -> str:
    return tabs.event_text(event)


@register.filter
def explained(value: Any) -> str:
    return texts.help_text(value)


@register.filter
def size(value: Any) -> str:
    return figures.size(value)


@register.filter
def percent(value: Any) -> str:
    return figures.percent(value)


@register.filter
def memory(value: Any) -> str:
    return figures.memory(value)


@register.filter
def frequency(value: Any) -> str:
    return figures.frequency(value)


@register.filter
def copyable(value: Any) -> SafeString:
    return cells.copyable(value)


@register.simple_tag
def bar(percent: Any, text: str = "", tone: str = "") -> SafeString:
    return cells.bar(float(percent or 0), text, tone)


@register.simple_tag
def draw(column: Any, record: Any, section: Any = None) -> Any:
    return cells.draw(column, record, section)


@register.filter
def full_name(person: Any) -> str:
    """“Ann Lee”, and “李雷”: a Chinese name has the family first and no space."""
    first, last = person.firstname, person.lastname
    if any("\u4e00" <= c <= "\u9fff" for c in first + last):
        return f"{last}{first}"
    return f"{first} {last}"


@register.filter
def item(mapping: Any, key: str) -> Any:
    return mapping.get(key, "") if mapping else ""


@register.simple_tag
def count_of(verb: Any, count: int, things: Any) -> str:
    """“Delete 3 volumes”: what a button will do, to how many of what."""
    return texts.spaced(_("%(verb)s %(count)s %(things)s") % {
        "verb": verb, "count": count, "things": lowered(things),
    })  # fmt: skip


@register.filter
def spaced(text: Any) -> str:
    return texts.spaced(text)


@register.simple_tag
def titled(head: Any, tail: Any) -> str:
    return texts.titled(head, tail)


@register.filter
def lowered(words: Any) -> str:
    """“Volumes” → “volumes” inside a sentence; “ISOs” and “SSH keys” stay."""
    text = str(words)
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
