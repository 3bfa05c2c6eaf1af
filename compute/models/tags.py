"""Keys and values that tenants pin to their things."""

from __future__ import annotations

import uuid as uuids
from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models import Account
from accounts.querysets import OwnedQuerySet


class ResourceTag(models.Model):
    """Owned by the account that owns the thing; one value a key."""

    OWNER: ClassVar[str] = "account"
    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="tags")
    resource_type = models.CharField(max_length=64)  # CloudStack's: UserVm, Volume, …
    resource_uuid = models.UUIDField()
    key = models.CharField(max_length=255)
    value = models.CharField(max_length=255, blank=True)
    customer = models.CharField(max_length=255, blank=True)
    created = models.DateTimeField(default=timezone.now)

    objects = models.Manager.from_queryset(OwnedQuerySet)()

    class Meta:
        verbose_name = "tag"
        constraints = [
            models.UniqueConstraint(fields=["resource_uuid", "key"], name="tag_key_once")
        ]
        indexes = [
            models.Index(fields=["resource_type", "key", "value"], name="tag_lookup"),
        ]

    def __str__(self) -> str:
        return f"{self.key}={self.value}"
