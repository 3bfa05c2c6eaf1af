"""Pages of records that are made, not read from a table (tags, settings, capacities)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.errors import InvalidParameter
from core.responses import Cut


def cut(
    records: Sequence[dict[str, Any]],
    *,
    keyword: str = "",
    page: int | None = None,
    pagesize: int | None = None,
    names: Sequence[str] = ("name",),
) -> Cut:
    """The records with ``keyword`` in one of ``names``, and of those the page asked for."""
    if keyword:
        word = keyword.casefold()
        records = [r for r in records if any(word in str(r.get(n, "")).casefold() for n in names)]
    total = len(records)
    if pagesize == -1 and page is None:
        page = pagesize = None
    if (page is None) != (pagesize is None):
        raise InvalidParameter("Parameters page and pagesize go together.")
    if page is None or pagesize is None:
        return Cut(records, total)
    if page < 1 or pagesize < 1:
        raise InvalidParameter("Parameters page and pagesize must be at least 1.")
    first = (page - 1) * pagesize
    return Cut(records[first : first + pagesize], total)
