"""What a row says by itself so that a list need not ask another table."""

from __future__ import annotations

from typing import Any

from django.db import models


class OfProject(models.BooleanField):
    """Whether the row belongs to a project, copied from its owner when it is made, so that a
    list without the things of projects reads an index instead of an account for each row.

    Whoever gives the row to another account sets it as well.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"default": False, "editable": False, **options})

    def pre_save(self, row: models.Model, add: bool) -> bool:
        if add:
            owner: Any = row
            for name in row.OWNER.split("__"):  # type: ignore[attr-defined]
                owner = getattr(owner, name)
            setattr(row, self.attname, owner is not None and owner.is_project)
        return super().pre_save(row, add)
