"""Whether there is anything at all: several tables asked in one statement.

What goes takes much along that it hardly ever has (tags, groups, keys). One look at what there
is replaces a deletion for each, and on MariaDB the locks that deletions of nothing take.
"""

from __future__ import annotations

from typing import Any

from django.db import connections, models


def which(model: type[models.Model], *more: type[models.Model], **value: Any) -> set[Any]:
    """Those of the models that have a row with this value: ``which(Tag, Icon, owner_id=7)``."""
    wanted = (model, *more)
    return {m for m, there in zip(wanted, present(*((m, value) for m in wanted)), strict=True)
            if there}  # fmt: skip


def present(*looks: tuple[type[models.Model], dict[str, Any]]) -> list[bool]:
    """For each model and its ``{field: value}``, whether there is such a row."""
    connection = connections[looks[0][0]._base_manager.db]
    parts, values = [], []
    for model, given in looks:
        ((name, value),) = given.items()
        field = model._meta.get_field(name)
        assert isinstance(field, models.Field)
        quote = connection.ops.quote_name
        table, column = quote(model._meta.db_table), quote(field.column)
        parts.append(f"EXISTS (SELECT 1 FROM {table} WHERE {column} = %s)")
        values.append(field.get_db_prep_value(value, connection))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", values)
        return [bool(there) for there in cursor.fetchone()]
