"""References that come inside a map parameter, where the dispatcher does not see them."""

from __future__ import annotations

import uuid as uuids
from typing import Any, TypeVar

from django.db import models

from core.commands import Access
from core.errors import NoSuchObject

Row = TypeVar("Row", bound=models.Model)


def find(
    caller: Any, model: type[Row], text: str, *, command: str, parameter: str,
    access: Access = Access.USE,
) -> Row:  # fmt: skip
    """The row with this uuid among those the caller may have; a foreign one looks missing."""
    try:
        uuid = uuids.UUID(text)
    except ValueError:
        raise NoSuchObject(command, parameter, text) from None
    rows: Any = model._default_manager.all()
    found: Row | None = getattr(rows, access.value)(caller).filter(uuid=uuid).first()
    if found is None:
        raise NoSuchObject(command, parameter, text)
    return found
