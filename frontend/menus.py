"""What can be done to one thing, and why not when it cannot be now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from django.utils.translation import gettext as _

from frontend.reader import Reader
from frontend.sections.base import Action, Record, Section
from frontend.states import look

_UUID = 36  # characters


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
    mine = operable(reader, section, [str(record.get("id", ""))])
    items = []
    for action in sorted(section.actions, key=lambda a: a.danger):
        if action.hidden or not reader.may(action.command):
            continue
        if action.admin and not reader.is_admin:
            continue
        if action.param == "id" and not action.url and str(record.get("id")) not in mine:
            continue
        made = item(action, section, record)
        why = made.why or reader.barred(action.command, record)
        items.append(replace(made, why=str(why)))
    return items


def item(action: Action, section: Section, record: Record) -> Item:
    return Item(action, address(action, section, record), why_not(action, section, record),
                params_of(action, record))  # fmt: skip


def operable(reader: Reader, section: Section, uuids: list[str]) -> set[str]:
    """Which of these things the reader may act on; a public template is seen, not changed."""
    model = section.model
    if model is None:
        return set(uuids)
    proper = [u for u in uuids if len(u) == _UUID]
    rows = model._default_manager.all().operable_by(reader.caller).filter(uuid__in=proper)
    found = {str(u) for u in rows.values_list("uuid", flat=True)}
    # A region is known by its number; who may act on it is for the command to say.
    return found | (set(uuids) - set(proper))


def may_operate(reader: Reader, section: Section, record: Record) -> bool:
    return bool(operable(reader, section, [str(record.get("id", ""))]))


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
