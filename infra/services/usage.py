"""Is it still used? The foreign keys that point at a row say so, whoever declared them.

Rows are taken out of sight, not deleted, so the database's own PROTECT does not fire; this
asks the same question of the living rows, without infra knowing what lies above it.
"""

from __future__ import annotations

from typing import Any

from django.db import models

from core.errors import InUse

_SHOWN = 5


def users_of(row: models.Model) -> list[models.Model]:
    """Some of the living rows whose protected foreign key points at ``row``."""
    found: list[models.Model] = []
    for relation in row._meta.related_objects:
        if relation.on_delete is not models.PROTECT:
            continue
        rows: Any = relation.related_model._base_manager.filter(**{relation.field.name: row})
        names = {f.name for f in relation.related_model._meta.get_fields()}
        if "removed" in names:
            rows = rows.filter(removed=None)
        found += rows[: _SHOWN + 1 - len(found)]
        if len(found) > _SHOWN:
            break
    return found


def refuse_if_used(row: models.Model) -> None:
    """Raises InUse naming what uses the row."""
    users = users_of(row)
    if not users:
        return
    shown = ", ".join(f"{u._meta.verbose_name} {u}" for u in users[:_SHOWN])
    more = " and more" if len(users) > _SHOWN else ""
    kind = str(row._meta.verbose_name).capitalize()
    raise InUse(f"{kind} {row} is in use by {shown}{more}; remove these first.")
