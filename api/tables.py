"""Records as a table for a terminal, as wide as it is; names in any script keep columns even."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from api.renderers import wire_date

_FIRST = ("id", "name", "displayname", "username", "description", "type", "state", "status",
          "account", "domain", "zonename", "ipaddress", "created")  # fmt: skip


def table(records: Sequence[dict[str, Any]], columns: Sequence[str] = ()) -> str:
    """``columns`` names those to show; without, the telling ones as far as they fit."""
    if not records:
        return "(nothing)"
    names = list(columns) or _telling(records)
    lines = [names, *([_cell(r.get(n)) for n in names] for r in records)]
    widths = [max(_width(line[i]) for line in lines) for i in range(len(names))]
    if not columns:
        names = _fitting(names, widths)
        lines = [line[: len(names)] for line in lines]
    rule = ["─" * w for w in widths[: len(names)]]
    return "\n".join(_line(line, widths) for line in (lines[0], rule, *lines[1:]))


def pairs(record: dict[str, Any]) -> str:
    """One record, a field a line."""
    width = max((len(name) for name in record), default=0)
    return "\n".join(f"{name:<{width}}  {_cell(value)}" for name, value in record.items())


def _telling(records: Sequence[dict[str, Any]]) -> list[str]:
    plain = {n for r in records for n, v in r.items() if not isinstance(v, (dict, list))}
    first = [n for n in _FIRST if n in plain]
    return first + [n for n in records[0] if n in plain and n not in first]


def _fitting(names: list[str], widths: list[int]) -> list[str]:
    room = shutil.get_terminal_size((120, 24)).columns
    used = 0
    for i, width in enumerate(widths[: len(names)]):
        used += width + 2
        if used - 2 > room and i:
            return names[:i]
    return names


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (c + " " * (w - _width(c)) for c, w in zip(cells, widths, strict=False))
    return "  ".join(padded).rstrip()


def _width(text: str) -> int:
    """Columns on the screen: Chinese characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return wire_date(value)
    if isinstance(value, dict):
        return ", ".join(f"{k}={_cell(v)}" for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return "; ".join(_cell(v) for v in value)
    # What a guest or a tenant named must not move the cursor.
    return "".join(c if c.isprintable() else " " for c in str(value))
