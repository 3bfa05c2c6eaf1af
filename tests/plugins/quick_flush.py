"""Empties the tables behind tests with real transactions by deleting what is in them.

Django truncates every table, which MariaDB does by making each file anew: a second for each
test. Nearly all tables are empty, and one query tells which.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection


def _filled(tables: list[str]) -> list[str]:
    quote = connection.ops.quote_name
    one = " UNION ALL ".join(
        f"SELECT '{t}' WHERE EXISTS (SELECT 1 FROM {quote(t)})" for t in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(one)
        return [row[0] for row in cursor.fetchall()]


def _sql_flush(style: Any, tables: list[str], **_: Any) -> list[str]:
    quote = connection.ops.quote_name
    deletes = [f"DELETE FROM {quote(t)}" for t in _filled(list(tables))]
    if connection.vendor != "mysql":
        return deletes
    return ["SET FOREIGN_KEY_CHECKS = 0", *deletes, "SET FOREIGN_KEY_CHECKS = 1"]


@pytest.fixture(scope="session", autouse=True)
def _quick_flush() -> None:
    connection.ops.sql_flush = _sql_flush
