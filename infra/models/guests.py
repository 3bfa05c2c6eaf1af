"""What a template says runs in it: guest operating systems, by category."""

from __future__ import annotations

from django.db import models

from accounts.models import Entity
from accounts.querysets import LiveManager, SharedQuerySet
from infra.querysets import OsTypeQuerySet


class OsCategory(Entity):
    name = models.CharField(max_length=255)
    is_featured = models.BooleanField(default=False)
    sort_key = models.IntegerField(default=0)

    objects = LiveManager.from_queryset(SharedQuerySet)()
    everything = models.Manager.from_queryset(SharedQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "alive"], name="os_category_name_unique"),
        ]


class OsType(Entity):
    """``display_name`` is what clients show and choose by (CloudStack's *description*)."""

    category = models.ForeignKey(OsCategory, on_delete=models.PROTECT, related_name="types")
    display_name = models.CharField(max_length=255)
    name = models.CharField(max_length=255, blank=True)
    is_user_defined = models.BooleanField(default=False)
    for_display = models.BooleanField(default=True)
    details = models.JSONField(default=dict)

    objects = LiveManager.from_queryset(OsTypeQuerySet)()
    everything = models.Manager.from_queryset(OsTypeQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["display_name", "alive"], name="os_type_name_unique"),
        ]

    def __str__(self) -> str:
        return self.display_name
