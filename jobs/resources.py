"""Rows about a thing that is named by its uuid, whatever it is."""

from __future__ import annotations

import uuid as uuids

from django.db.models import QuerySet

from core.errors import InvalidParameter


def about(rows: QuerySet, path: str, resource_id: str | None) -> QuerySet:
    if not resource_id:
        return rows
    try:
        return rows.filter(**{path: uuids.UUID(resource_id)})
    except ValueError:
        raise InvalidParameter(
            f"Parameter resourceid must be a uuid, not “{resource_id}”."
        ) from None
