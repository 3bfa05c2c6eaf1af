"""What SQLite's planner cannot know: nearly every row lives, and many are in one state.

It takes a condition that an index answers for a rare one, and would rather walk all rows whose
``removed`` is NULL than look up a few by their key. Its table of statistics may be written by
hand (sqlite.org, "Manual Control Of Query Plans Using sqlite_stat Tables"). MariaDB looks into
the index and needs no help.
"""

from __future__ import annotations

from typing import Any

from django.db import connections

_INDEXES = """
    SELECT tables.name, indexes.name, parts.name
    FROM sqlite_schema AS tables, pragma_index_list(tables.name) AS indexes,
         pragma_index_info(indexes.name) AS parts
    WHERE tables.type = 'table' AND parts.name IS NOT NULL
    ORDER BY tables.name, indexes.name, parts.seqno
"""
_ROWS = 1_000_000
#: Of a million rows, how many have the commonest value of these columns; of others, ten.
_SHARE = {
    "removed": _ROWS, "archived": _ROWS, "of_project": _ROWS, "state": _ROWS // 2,
    "status": _ROWS // 2, "zone_id": _ROWS // 10,
}  # fmt: skip


def teach(using: str = "default", **_signal: Any) -> None:
    """Write the statistics of every index that begins with such a column; safe to repeat."""
    connection = connections[using]
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE django_migrations")  # makes sqlite_stat1 where there is none
        cursor.execute(_INDEXES)
        indexes: dict[tuple[str, str], list[str]] = {}
        for table, index, column in cursor.fetchall():
            indexes.setdefault((table, index), []).append(column)
        for (table, index), names in indexes.items():
            if names[0] in _SHARE:
                cursor.execute("DELETE FROM sqlite_stat1 WHERE idx = %s", [index])
                cursor.execute(
                    "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (%s, %s, %s)",
                    [table, index, _statistics(names)],
                )
        cursor.execute("ANALYZE sqlite_schema")  # reads them


def _statistics(columns: list[str]) -> str:
    """``1000000 500000 10``: rows in all, and those that agree in the first, two, … columns."""
    numbers = [_ROWS]
    for name in columns:
        numbers.append(min(numbers[-1], _SHARE.get(name, 10)))
    return " ".join(map(str, numbers))
