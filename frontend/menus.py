"""What can be done to one thing, and why not when it cannot be now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from django.utils.translation import gettext as _

from frontend.reader import Reader
from frontend.sections.base import Action, Record, Section
from frontend.states import look


@dataclass(frozen=True)
class Item:
    """A button. ``why`` is the reason it is greyed out, or ""."""

    action: Action
    url: str
    why: str
    params: dict[str, str]

    @property
    def is_link(self) -> bool:
        """A page of its own."""
        return bool(self.action.url)

    @property
    def at_once(self) -> bool:
        """No question first: the click does it."""
        return not (self.action.asks or self.action.url)


def of(reader: Reader, section: Section, record: Record) -> list[Item]:
    """The section's actions for this record: what one may not do at all is left out, and
    the dangerous come last."""
    mine = reader.operates(section, record)
    items = []
    for action in sorted(section.actions, key=lambda a: a.danger):
        if action.hidden or not reader.may(action.command):
            continue
        if action.admin and not reader.is_admin:
            continue
        if (action.operates or (action.param == "id" and not action.url)) and not mine:
            continue
        made = item(action, section, record)
        why = made.why or reader.barred(action.command, record)
        items.append(replace(made, why=str(why)))
    return items


def item(action: Action, section: Section, record: Record) -> Item:
    return Item(action, address(action, section, record), why_not(action, section, record),
                params_of(action, record))  # fmt: skip


def params_of(action: Action, record: Record) -> dict[str, str]:
    """What the command gets of the record: its id, and what goes with it."""
    given = {} if action.source == "-" else {action.param: str(record.get(action.source, ""))}
    for param, field in action.sends.items():
        if record.get(field) is not None:
            given[param] = str(record[field])
    return given


def address(action: Action, section: Section, record: Record) -> str:
    if action.url:
        return action.url.format_map(_Quoted(record))
    query = urlencode({"from": section.key, "of": str(record.get("id", "")), "as": action.key})
    return f"/do/{action.command}?{query}"


class _Quoted(dict):
    def __missing__(self, key: str) -> str:
        return ""

    def __getitem__(self, key: str) -> Any:
        return quote(str(self.get(key, "")), safe="")


def why_not(action: Action, section: Section, record: Record) -> str:
    """A sentence, or "" when it can be done now."""
    if action.unless is not None:
        reason = action.unless(record)
        if reason:
            return str(reason)
    states = action.allowed_states
    state = str(record.get(section.state_field) or "")
    if not states or not state or state in states:
        return ""
    wanted = _(" or ").join(str(look(s).word) for s in dict.fromkeys(states))
    return _("It is %(state)s; this can be done when it is %(wanted)s.") % {
        "state": look(state).word, "wanted": wanted,
    }  # fmt: skip
