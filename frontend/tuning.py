"""A setting as a line of a page: its value in force, its meaning, its rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.config import SETTINGS
from frontend import texts


@dataclass
class Line:
    """A setting and its value in force, ready to be edited."""

    record: dict[str, Any]
    holder: str = ""
    holder_id: str = ""
    error: str = ""
    saved: bool = False
    typed: str | None = None

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
    def is_changed(self) -> bool:
        return str(self.record.get("value") or "") != self.default

    @property
    def help(self) -> str:
        return texts.help_text(self.record.get("description"))

    @property
    def kind(self) -> str:
        setting = SETTINGS.get(self.name)
        if setting is None:
            return "text"
        if setting.choices:
            return "select"
        by_type = {bool: "switch", int: "number", float: "decimal"}
        return "secret" if setting.secret else by_type.get(type(setting.default), "text")

    @property
    def choices(self) -> tuple[str, ...]:
        setting = SETTINGS.get(self.name)
        return setting.choices if setting else ()

    @property
    def minimum(self) -> Any:
        setting = SETTINGS.get(self.name)
        return setting.minimum if setting else None

    @property
    def maximum(self) -> Any:
        setting = SETTINGS.get(self.name)
        return setting.maximum if setting else None

    @property
    def scopes(self) -> list[str]:
        return [s for s in str(self.record.get("scope") or "").split(",") if s != "Global"]

    @property
    def restart(self) -> bool:
        setting = SETTINGS.get(self.name)
        return bool(setting and setting.restart)
