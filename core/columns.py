"""A queryset's rows as plain columns: what ``values_list`` reads, for a fraction of the work.

Django converts what a database returns cell by cell (texts to UUIDs and dates, numbers to
booleans, JSON). Most columns of a page repeat a few values (zone, offering, state), so here
each value that occurs is converted once. A list of 500 wide rows takes about a third of the
time (bench/README.md, lists).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from django.db import connections
from django.db.models import QuerySet
from django.db.models.sql.constants import MULTI

Column = Sequence[Any]


def columns(
    rows: QuerySet[Any], paths: Sequence[str], order: Sequence[int] | None = None
) -> list[Column]:
    """One column for each ORM path, in the order of the queryset, or in that of the keys
    ``order``, which the first path then has to be.

    Equal cells may be one object (a dict read from JSON): nobody may change them.
    """
    compiler = rows.values_list(*paths).query.get_compiler(rows.db)
    cells = list(chain.from_iterable(compiler.execute_sql(MULTI) or ()))
    if order is not None:
        place = {key: at for at, key in enumerate(order)}
        cells.sort(key=lambda row: place[row[0]])
    found: list[Column] = list(zip(*cells, strict=True))
    if not found:
        return [()] * len(paths)
    expressions = [entry[0] for entry in compiler.select[: compiler.col_count]]
    for at, (converters, expression) in compiler.get_converters(expressions).items():
        found[at] = _converted(found[at], converters, expression, connections[rows.db])
    return found


def _converted(
    column: Column, converters: list[Callable[..., Any]], expression: Any, connection: Any
) -> Column:
    table = dict.fromkeys(column)
    for raw in table:
        value = raw
        for convert in converters:
            value = convert(value, expression, connection)
        table[raw] = value
    return [table[raw] for raw in column]
