"""Settings an operator changes at run time, each declared beside the code that reads it.

Names, types, scopes and defaults are CloudStack's global configuration. The values live in
the database (``infra``), which plugs itself in as the store; without one a setting answers
with its default.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from core.errors import InvalidParameter

T = TypeVar("T", bool, int, float, str)

_KINDS: dict[type, str] = {bool: "Boolean", int: "Number", float: "Decimal", str: "String"}
_UNITS = re.compile(
    r"\b(milliseconds|seconds|minutes|hours|days|bytes|KiB|MiB|MB|GiB|GB|Mbit/s)\b", re.IGNORECASE
)
_SPELLED = {"kib": "KiB", "mib": "MiB", "mb": "MB", "gib": "GiB", "gb": "GB", "mbit/s": "Mbit/s"}


class Scope(enum.StrEnum):
    """Where a value may be set; a narrower one wins over a wider."""

    GLOBAL = "Global"
    ZONE = "Zone"
    CLUSTER = "Cluster"
    STORAGE_POOL = "StoragePool"
    IMAGE_STORE = "ImageStore"
    DOMAIN = "Domain"
    ACCOUNT = "Account"


#: (setting name, scope holder or None) → the stored text, or None when nothing is stored.
Store = Callable[[str, Any], str | None]

_store: Store | None = None
SETTINGS: dict[str, Setting[Any]] = {}


def use_store(store: Store) -> None:
    global _store
    _store = store


@dataclass(frozen=True)
class Setting(Generic[T]):
    """One named value. ``choices`` lists the texts allowed, ``minimum``/``maximum`` numbers."""

    name: str
    default: T
    help: str
    scopes: tuple[Scope, ...] = (Scope.GLOBAL,)
    category: str = "Advanced"
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    secret: bool = False
    restart: bool = False  # takes effect at the next start only
    house: bool = False  # at every scope, root administrators alone set it
    many: bool = False  # a list with commas between; ``choices`` are those of each entry
    check: Callable[[str], object] | None = None  # of a new text; raises InvalidParameter

    def __post_init__(self) -> None:
        if self.name in SETTINGS:
            raise ValueError(f"setting {self.name} is declared twice")
        SETTINGS[self.name] = self

    def get(self, holder: Any = None) -> T:
        """The value in force for ``holder`` (a zone, cluster, account, … or nothing)."""
        text = _store(self.name, holder) if _store else None
        return self.default if text is None else self.parse(text)

    def parse(self, text: str) -> T:
        """Text as the setting's type; InvalidParameter says what would be right."""
        value: bool | int | float | str
        kind = type(self.default)
        try:
            if kind is bool:
                if text.lower() not in ("true", "false"):
                    raise ValueError
                value = text.lower() == "true"
            else:
                value = kind(text.strip())
        except ValueError:
            wanted = {bool: "true or false", int: "a whole number", float: "a number"}[kind]
            raise InvalidParameter(f"{self.name} must be {wanted}, not “{text}”.") from None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            self._check_range(value)
        given = [entry.strip() for entry in text.split(",") if entry.strip()]
        for one in given if self.many else [value]:
            if self.choices and one not in self.choices:
                raise InvalidParameter(f"{self.name} must be one of {', '.join(self.choices)}.")
        return value

    def accept(self, text: str) -> None:
        """Whether ``text`` may become the value. Raises InvalidParameter."""
        self.parse(text)
        if self.check is not None:
            self.check(text)

    @property
    def kind(self) -> str:
        """CloudStack's type of it: what its field on a page looks like."""
        if self.many:
            return "CSV"
        if self.choices:
            return "Select"
        if isinstance(self.default, float) and (self.minimum, self.maximum) == (0, 1):
            return "Range"
        return _KINDS[type(self.default)]

    @property
    def unit(self) -> str:
        """What a number counts, as its help says: ``seconds``, ``GB``; empty for others."""
        if isinstance(self.default, bool) or not isinstance(self.default, (int, float)):
            return ""
        found = _UNITS.search(self.help)
        return _SPELLED.get(found[0].lower(), found[0].lower()) if found else ""

    def _check_range(self, value: float) -> None:
        if self.minimum is not None and value < self.minimum:
            raise InvalidParameter(f"{self.name} must be at least {self.minimum:g}.")
        if self.maximum is not None and value > self.maximum:
            raise InvalidParameter(f"{self.name} must be at most {self.maximum:g}.")
