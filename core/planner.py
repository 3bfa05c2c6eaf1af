"""What SQLite's planner cannot know: nearly every row lives.

It takes a condition that an index answers for a rare one, and would rather walk all rows whose
``removed`` is NULL than look up a few by their key. Its table of statistics may be written by
hand (sqlite.org, "Manual Control Of Query Plans Using sqlite_stat Tables"). MariaDB looks into
the index and needs no help.
"""

from __future__ import annotations

from typing import Any

from django.db import connections

_INDEXES = """
    SELECT tables.name, indexes.name,
           (SELECT count(*) FROM pragma_index_info(indexes.name))
    FROM sqlite_schema AS tables, pragma_index_list(tables.name) AS indexes,
         pragma_index_info(indexes.name) AS parts
    WHERE tables.type = 'table' AND parts.seqno = 0 AND parts.name = 'removed'
"""
_MANY, _FEW = 1_000_000, 10


def teach(using: str = "default", **_signal: Any) -> None:
    """Write the statistics of every index that begins with ``removed``; safe to repeat."""
    connection = connections[using]
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute(_INDEXES)
        found = cursor.fetchall()
        cursor.execute("ANALYZE django_migrations")  # makes sqlite_stat1 where there is none
        for table, index, width in found:
            cursor.execute("DELETE FROM sqlite_stat1 WHERE idx = %s", [index])
            numbers = [_MANY, _MANY, *[_FEW] * (width - 1)]
            cursor.execute(
                "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (%s, %s, %s)",
                [table, index, " ".join(map(str, numbers))],
            )
        cursor.execute("ANALYZE sqlite_schema")  # reads them
