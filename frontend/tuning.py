"""A setting as a line of a page: its value in force, where that comes from, its rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.config import SETTINGS
from frontend import texts

#: Seconds in what a number may count; longer ones are also told in days, hours, minutes.
_SECONDS = {"milliseconds": 0.001, "seconds": 1.0, "minutes": 60.0, "hours": 3600.0}


def _scope_word(scope: str) -> str:
    words = {
        "Zone": _("Zone"), "Cluster": _("Cluster"), "Domain": _("Domain"),
        "Account": _("Account"), "StoragePool": _("Primary storage"),
        "ImageStore": _("Secondary storage"),
    }  # fmt: skip
    return words.get(scope, scope)


@dataclass
class Line:
    """A setting and its value in force, ready to be edited.

    ``before`` is what was set here before a change just made, for undoing it: None for
    nothing.
    """

    record: dict[str, Any]
    holder: str = ""
    holder_id: str = ""
    error: str = ""
    saved: bool = False
    typed: str | None = None
    before: str | None = None

    @property
    def name(self) -> str:
        return str(self.record["name"])

    @property
    def value(self) -> str:
        return self.typed if self.typed is not None else str(self.record.get("value") or "")

    @property
    def default(self) -> str:
        return str(self.record.get("defaultvalue") or "")

    @property
    def inherited(self) -> str:
        """What a reset brings."""
        return str(self.record.get("inheritedvalue") or "")

    @property
    def is_changed(self) -> bool:
        """Set for the very thing the page is about."""
        return bool(self.record.get("isset"))

    @property
    def source(self) -> str:
        """Where a value comes from that was not set here; empty for one that was."""
        if self.is_changed:
            return ""
        scope = str(self.record.get("setfor") or "")
        if not scope:
            return _("default")
        if scope == "Global":
            return _("from the global settings")
        named = str(self.record.get("setforname") or "")
        return _("from %(kind)s %(name)s") % {"kind": _scope_word(scope).lower(), "name": named}

    @property
    def group(self) -> tuple[str, str]:
        return str(self.record.get("group") or ""), str(self.record.get("subgroup") or "")

    @property
    def help(self) -> str:
        return texts.help_text(self.record.get("description"))

    @property
    def unit(self) -> str:
        return texts.help_text(self.record.get("unit"))

    @property
    def spoken(self) -> str:
        """“1 day” for 86400 seconds; empty where the number says it as well."""
        unit = _SECONDS.get(str(self.record.get("unit") or ""))
        try:
            seconds = float(self.value) * unit if unit else 0.0
        except ValueError:
            return ""
        if seconds < 120 and str(self.record.get("unit")) == "seconds":
            return ""
        return _duration(seconds)

    @property
    def kind(self) -> str:
        setting = SETTINGS.get(self.name)
        if setting is None:
            return "text"
        if setting.secret:
            return "secret"
        kinds = {
            "Boolean": "switch", "Number": "number", "Decimal": "decimal", "Range": "decimal",
            "Select": "select", "CSV": "many",
        }  # fmt: skip
        kind = kinds.get(setting.kind, "text")
        return "text" if kind == "many" and not setting.choices else kind

    @property
    def is_list(self) -> bool:
        setting = SETTINGS.get(self.name)
        return bool(setting and setting.many)

    @property
    def picked(self) -> list[str]:
        return [entry.strip() for entry in self.value.split(",")]

    @property
    def choices(self) -> tuple[str, ...]:
        setting = SETTINGS.get(self.name)
        return setting.choices if setting else ()

    @property
    def minimum(self) -> Any:
        return self.record.get("minimum")

    @property
    def maximum(self) -> Any:
        return self.record.get("maximum")

    @property
    def step(self) -> str:
        return "0.01" if self.record.get("type") == "Range" else "any"

    @property
    def scopes(self) -> list[str]:
        found = str(self.record.get("scope") or "").split(",")
        return [_scope_word(s) for s in found if s != "Global"]

    @property
    def restart(self) -> bool:
        return self.record.get("isdynamic") is False


def _duration(seconds: float) -> str:
    """In the largest unit that goes into it without a rest; empty below a second."""
    for size, words in (
        (86400, lambda n: ngettext("%(n)s day", "%(n)s days", n)),
        (3600, lambda n: ngettext("%(n)s hour", "%(n)s hours", n)),
        (60, lambda n: ngettext("%(n)s minute", "%(n)s minutes", n)),
        (1, lambda n: ngettext("%(n)s second", "%(n)s seconds", n)),
    ):
        if seconds >= size and not seconds % size:
            count = int(seconds // size)
            return words(count) % {"n": f"{count:,}"}
    return ""
