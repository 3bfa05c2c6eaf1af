"""Rows that every request looks up by one value: a key's owner, a session's user.

Django spends four times as long on making such a query with its joins as the database on
answering it, so the SQL is made once for each thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db import connections
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators

M = TypeVar("M", bound=Model)

_MARK = "\x00the value"


class Lookup(Generic[M]):
    """``Lookup(lambda: User.objects.select_related("account"), "username")("ada")`` is what
    ``….filter(username="ada").first()`` would be; the field holds a text and is unique."""

    def __init__(self, rows: Callable[[], QuerySet[Any]], field: str) -> None:
        self._rows = rows
        self._field = field
        self._made = threading.local()

    def __call__(self, value: str) -> M | None:
        alias, compiler, sql, params = self._compiled()
        with connections[alias].cursor() as cursor:
            cursor.execute(sql, tuple(value if p == _MARK else p for p in params))
            row = cursor.fetchone()
        return None if row is None else self._model(alias, compiler, row)

    def _compiled(self) -> tuple[str, Any, str, tuple[Any, ...]]:
        found: tuple[str, Any, str, tuple[Any, ...]] | None = getattr(self._made, "query", None)
        if found is None or found[1].connection is not connections[found[0]]:
            rows = self._rows().filter(**{self._field: _MARK}).order_by()
            compiler = rows.query.get_compiler(rows.db)
            sql, params = compiler.as_sql()
            found = self._made.query = (rows.db, compiler, sql, tuple(params))
        return found

    def _model(self, alias: str, compiler: Any, row: Any) -> M:
        """As Django's ModelIterable makes one."""
        (values,) = compiler.results_iter([[row]])
        info = compiler.klass_info
        first, last = info["select_fields"][0], info["select_fields"][-1] + 1
        names = [entry[0].target.attname for entry in compiler.select[first:last]]
        made: M = info["model"].from_db(alias, names, values[first:last])
        for related in get_related_populators(info, compiler.select, alias):
            related.populate(values, made)
        return made
