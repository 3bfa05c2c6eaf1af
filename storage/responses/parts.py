"""What several replies have in common."""

from __future__ import annotations

from typing import Any

from core.responses import Field, computed


def filled(name: str, source: str = "", kind: str = "string", **more: Any) -> Field:
    """A field that is left out where there is nothing to say ("" or 0)."""
    return computed(name, (source or name,), lambda value: value or None, kind, **more)


def listed(name: str, source: str) -> Field:
    """A list of words as CloudStack writes it: with commas between."""
    return computed(name, (source,), lambda words: ",".join(words) or None)
