"""What several replies have in common."""

from __future__ import annotations

from typing import Any

from core.responses import Field, computed, text


def owner(path: str = "account") -> tuple[Field, ...]:
    """Account and domain of the owner, as nearly every reply has them."""
    return (
        text("account", f"{path}__name"),
        text("domainid", f"{path}__domain__uuid"),
        text("domain", f"{path}__domain__name"),
        text("domainpath", f"{path}__domain__name_path"),
    )


def filled(name: str, source: str = "", kind: str = "string", **more: Any) -> Field:
    """A field that is left out where there is nothing to say ("" or 0)."""
    return computed(name, (source or name,), lambda value: value or None, kind, **more)


def listed(name: str, source: str) -> Field:
    """A list of words as CloudStack writes it: with commas between."""
    return computed(name, (source,), lambda words: ",".join(words) or None)
