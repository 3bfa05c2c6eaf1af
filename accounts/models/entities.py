"""What every row that clients know has in common."""

from __future__ import annotations

import uuid as uuids
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from accounts.models import pinned
from core import live


class Entity(models.Model):
    """A row clients know by its uuid. ``removed`` rows stay for history and old links.

    ``alive`` is True, or NULL once removed, so that a unique constraint over a name and
    ``alive`` binds living rows only (MariaDB has no conditional indexes).
    """

    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    created = models.DateTimeField(default=timezone.now, editable=False)
    # Lists count and page over the rows that live: an index that holds just that, by key.
    removed = models.DateTimeField(null=True, blank=True, editable=False, db_index=True)
    alive = models.BooleanField(null=True, default=True, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(getattr(self, "name", None) or self.uuid)

    def remove(self, **also: Any) -> None:
        """Take the row out of sight; its name is free again."""
        self.removed, self.alive = timezone.now(), None
        for name, value in also.items():
            setattr(self, name, value)
        self.save(update_fields=["removed", "alive", *also])
        pinned.forget(self.uuid, self.removed)
        live.changed(self)


class Owned(Entity):
    """An entity of an account. ``OWNER`` is the ORM path to that account."""

    OWNER: ClassVar[str] = "account"

    class Meta:
        abstract = True
