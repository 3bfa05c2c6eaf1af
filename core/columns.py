"""Rows of a page as plain columns: what ``values_list`` reads, for a fraction of the work.

Django spends its time on a page of wide rows in three places, and each is avoided here. It
converts what a database returns cell by cell (texts to UUIDs and dates, numbers to booleans,
JSON), though most columns repeat a few values: each value that occurs is converted once. It
prepares every key of an ``IN`` list by itself: ``Keys`` write themselves. And it makes the
same SQL anew for each page: that of the rows with given keys is made once per shape of reply.
A list of 500 virtual machines takes less than half the time (bench/README.md, lists).
"""

from __future__ import annotations

import functools
import uuid as uuids
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import Expression, Model, QuerySet
from django.db.models.sql.constants import MULTI

Column = Sequence[Any]
Converters = dict[int, tuple[list[Callable[..., Any]], Any]]


class Keys(Expression, Sequence[int]):
    """Primary keys, to be used as a list of them is: ``filter(machine__in=keys)``.

    They are whole numbers, so they stand in the SQL as they are. ``columns`` are those that
    were read with the keys, by their paths.
    """

    def __init__(self, keys: Iterable[int], columns: Mapping[str, Column] | None = None) -> None:
        super().__init__()
        self._keys = [int(key) for key in keys]
        self.columns = columns or {}

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, at: Any) -> Any:
        return self._keys[at]

    def __iter__(self) -> Iterator[int]:
        return iter(self._keys)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._keys == list(other)

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"Keys({self._keys!r})"

    def resolve_expression(self, *_args: Any, **_more: Any) -> Keys:
        return self

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[()]]:
        if not self._keys:
            raise EmptyResultSet  # as Django's own lists do: nothing is in it, all is outside
        return f"({','.join(map(str, self._keys))})", ()


class Uuids(Expression):
    """The same for a comparison with UUIDs: ``filter(resource_uuid__in=Uuids(found))``."""

    def __init__(self, uuids: Iterable[uuids.UUID]) -> None:
        super().__init__()
        self._hex = [uuid.hex for uuid in uuids]

    def resolve_expression(self, *_args: Any, **_more: Any) -> Uuids:
        return self

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[()]]:
        if not self._hex:
            raise EmptyResultSet
        # Hexadecimal digits only; MariaDB reads them with and without hyphens.
        return "('{}')".format("','".join(self._hex)), ()


def uuids_of(model: type[Model], keys: Sequence[int]) -> dict[uuids.UUID, int]:
    """Rows' uuids and their keys, without a query when they were read with the keys."""
    if isinstance(keys, Keys) and "uuid" in keys.columns:
        return dict(zip(keys.columns["uuid"], keys, strict=True))
    read, found = columns_of(model, keys, ("pk", "uuid"))
    return dict(zip(found, read, strict=True))


def columns(rows: QuerySet[Any], paths: Sequence[str]) -> list[Column]:
    """One column for each ORM path, in the order of the queryset.

    Equal cells may be one object (a dict read from JSON): nobody may change them.
    """
    compiler = rows.values_list(*paths).query.get_compiler(rows.db)
    cells = list(chain.from_iterable(compiler.execute_sql(MULTI) or ()))
    expressions = [entry[0] for entry in compiler.select[: compiler.col_count or 0]]
    return _columns(cells, len(paths), compiler.get_converters(expressions), rows.db)


def columns_of(model: type[Model], keys: Sequence[int], paths: Sequence[str]) -> list[Column]:
    """The same for the rows of ``model`` with these keys, in the order of the keys. The first
    path is the primary key."""
    if not keys:
        return [()] * len(paths)
    page = _page(model, tuple(paths), model._base_manager.all().db)  # type: ignore[arg-type]
    sql = page.sql.replace(_MARK, ",".join(map(str, map(int, keys))))
    with connections[page.alias].cursor() as cursor:
        cursor.execute(sql, page.params)
        cells = list(cursor.fetchall())
    place = {key: at for at, key in enumerate(keys)}
    cells.sort(key=lambda row: place[row[0]])
    # Converters belong to a connection, and each thread has its own.
    converters = page.query.get_compiler(page.alias).get_converters(page.expressions)
    return _columns(cells, len(paths), converters, page.alias)


_MARK = "-9007199254740993"  # stands for the keys in SQL that waits for them


@dataclass(frozen=True)
class _Page:
    alias: str
    query: Any
    sql: str
    params: tuple[Any, ...]
    expressions: list[Any]


@functools.cache
def _page(model: type[Model], paths: tuple[str, ...], alias: str) -> _Page:
    """One for each model, shape of reply and database: as many as there are declared."""
    rows = model._base_manager.using(alias).filter(pk__in=Keys([int(_MARK)])).order_by()
    query = rows.values_list(*paths).query
    compiler = query.get_compiler(alias)
    sql, params = compiler.as_sql()
    expressions = [entry[0] for entry in compiler.select[: compiler.col_count or 0]]
    sql = keys_first(sql, connections[alias].vendor)
    return _Page(alias, query, sql, tuple(params), expressions)


def keys_first(sql: str, vendor: str) -> str:
    """MariaDB would begin with a small table that is joined, and come from four zones through all
    their networks to twenty routers. Django names the table whose keys are given first."""
    return sql.replace("SELECT ", "SELECT STRAIGHT_JOIN ", 1) if vendor == "mysql" else sql


def _columns(
    cells: list[Sequence[Any]], width: int, converters: Converters, alias: str
) -> list[Column]:
    if not cells:
        return [()] * width
    found: list[Column] = list(zip(*cells, strict=True))
    for at, (steps, expression) in converters.items():
        found[at] = _converted(found[at], steps, expression, connections[alias])
    return found


def _converted(
    column: Column, converters: list[Callable[..., Any]], expression: Any, connection: Any
) -> Column:
    names = [getattr(convert, "__name__", "") for convert in converters]
    if names == ["convert_uuidfield_value"]:
        table = {raw: raw if raw is None else _uuid(raw) for raw in set(column)}
        return [table[raw] for raw in column]
    table = dict.fromkeys(column)
    for raw in table:
        value = raw
        for convert in converters:
            value = convert(value, expression, connection)
        table[raw] = value
    return [table[raw] for raw in column]


def _uuid(text: str | uuids.UUID) -> uuids.UUID:
    """What ``UUID(text)`` makes of 32 hex digits, with or without hyphens, in half the time."""
    if isinstance(text, uuids.UUID):
        return text
    made = _new(uuids.UUID)
    _set(made, "int", int(text.replace("-", ""), 16))
    _set(made, "is_safe", _UNKNOWN)
    return made


_new, _set, _UNKNOWN = object.__new__, object.__setattr__, uuids.SafeUUID.unknown
