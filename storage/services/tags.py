"""Storage tags: words that offerings ask for and pools have."""

from __future__ import annotations

from collections.abc import Iterable

from core.errors import InvalidParameter


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Each once, in order. Raises InvalidParameter for one that is too long."""
    found = list(dict.fromkeys(t.strip() for t in tags if t.strip()))
    for tag in found:
        if len(tag) > 255:
            raise InvalidParameter(f"A storage tag has at most 255 characters: “{tag[:40]}…”.")
    return found
