"""One row, locked until the transaction ends."""

from __future__ import annotations

from typing import TypeVar, cast

from django.db.models import Model

M = TypeVar("M", bound=Model)


def locked(row: M, *related: str) -> M:
    """The row as it is now, with what ``related`` names, and only the row itself locked.

    Two queries, because MariaDB has no FOR UPDATE OF: a lock on a query with joins would hold
    the joined rows (an account, its domain, its role) against everybody else.
    """
    rows = type(row)._base_manager
    rows.select_for_update().values_list("pk").get(pk=row.pk)
    return cast(M, rows.select_related(*related).get(pk=row.pk))
