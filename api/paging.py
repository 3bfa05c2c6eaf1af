"""Pages of a list: the exact total and the keys of one page, quick however deep it lies.

A page costs its keys, read from an index, and a count. What is narrowed to few rows is read
as keys once, without an order that would lead the database to another index, and counted and
cut here. Of many rows a deep page is read from whichever end of the order is nearer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from api import positions
from api.scopes import Chosen
from core.columns import Keys
from core.commands import Command
from core.config import Setting
from core.errors import InvalidParameter

PAGE_SIZE = Setting("default.page.size", 500, "Rows in a list when nobody asks for pages.",
                    minimum=1, maximum=5000)  # fmt: skip


@dataclass(frozen=True)
class Page:
    offset: int
    size: int | None  # None: no limit


def page_of(given: Mapping[str, Any]) -> Page:
    page, size = str(given.get("page") or "").strip(), str(given.get("pagesize") or "").strip()
    largest = PAGE_SIZE.get()
    if not page and not size:
        return Page(0, largest)
    if size == "-1" and not page:
        return Page(0, None)
    if not page or not size:
        raise InvalidParameter("Parameters page and pagesize go together.")
    number, rows = _whole("page", page), _whole("pagesize", size)
    if rows > largest:
        raise InvalidParameter(f"Parameter pagesize is {rows}; at most {largest} are allowed.")
    return Page((number - 1) * rows, rows)


def _whole(name: str, text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number < 2**31:
        raise InvalidParameter(
            f"Parameter {name} must be a whole number from 1, not “{text[:30]}”."
        )
    return number


#: So many keys are quicker read than counted.
FEW = 2000


@dataclass(frozen=True)
class Slice:
    """A page: how many rows there are in all, and the keys of those on it, in order. Without a
    limit both are unknown and ``rows`` are all there is."""

    rows: QuerySet
    count: int = 0
    keys: list[int] | None = None


def cut(
    command: Command, chosen: Chosen, page: Page, sort: str = "", *, narrowed: bool = True
) -> Slice:
    """``narrowed`` says that the rows are probably a small part of their table."""
    rows = chosen.shown
    order = _order(command, sort)
    ordered = rows.order_by(*order)
    if page.size is None:
        return Slice(ordered)
    if narrowed:
        few = _few(rows, order)
        if few is not None:
            return Slice(ordered, len(few), few[page.offset : page.offset + page.size])
    elif (standing := positions.of(rows)) is not None:
        return Slice(ordered, standing.count, _keys_of(standing, ordered, order, page))
    first = None if page.offset else _first(ordered, page.size + 1)
    if first is not None and len(first) <= page.size:
        return Slice(ordered, len(first), first)
    count = chosen.count()
    positions.learn(rows, count)
    keys = _keys(ordered, order, page, count) if first is None else first[: page.size]
    return Slice(ordered, count, keys)


def _keys_of(
    standing: positions.Standing, ordered: QuerySet, order: tuple[str, ...], page: Page
) -> list[int]:
    if order == ("pk",):
        return standing.keys(page.offset, page.size)
    if order == ("-pk",):
        end = max(standing.count - page.offset, 0)
        begin = max(end - page.size, 0)
        return standing.keys(begin, end - begin)[::-1]
    return _keys(ordered, order, page, standing.count)


def _first(ordered: QuerySet, number: int) -> list[int]:
    return list(ordered.values_list("pk", flat=True)[:number])


def _few(rows: QuerySet, order: tuple[str, ...]) -> list[int] | None:
    """All keys in order, if they are few."""
    keys = _first(rows.order_by(), FEW + 1)
    if len(keys) > FEW:
        return None
    if order[0] in ("pk", "-pk"):
        return sorted(keys, reverse=order[0] == "-pk")
    found = rows.model._base_manager.filter(pk__in=Keys(keys)).order_by(*order)
    return list(found.values_list("pk", flat=True))


def _keys(rows: QuerySet, order: tuple[str, ...], page: Page, count: int) -> list[int]:
    """Keys of a page, counted from whichever end of the order is nearer."""
    size = min(page.size, max(count - page.offset, 0))
    if not size:
        return []
    keys = rows.values_list("pk", flat=True)
    if page.offset <= count // 2:
        return list(keys[page.offset : page.offset + size])
    from_end = count - page.offset - size
    turned = keys.order_by(*(_turned(path) for path in order))
    return list(turned[from_end : from_end + size])[::-1]


def _turned(path: str) -> str:
    return path[1:] if path.startswith("-") else f"-{path}"


def _order(command: Command, sort: str) -> tuple[str, ...]:
    """``sort`` names a response field with a plain column; ties go by key."""
    if not sort:
        order = command.listing.order
        # Without a tie-break rows of one name would change places between two pages.
        return order if order[-1] in ("pk", "-pk") else (*order, "pk")
    falling, name = sort.startswith("-"), sort.lstrip("-")
    for item in command.response.fields:
        if item.name == name and item.source:
            sign = "-" if falling else ""
            return (f"{sign}{item.source}", f"{sign}pk")
    raise InvalidParameter(f"The list cannot be sorted by {name}.")
