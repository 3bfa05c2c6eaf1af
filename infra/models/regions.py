"""Regions: this cloud and those beside it, for clients that know several."""

from __future__ import annotations

from django.db import models

from accounts.models import Entity
from accounts.querysets import LiveManager, SharedQuerySet

LOCAL = 1


class Region(Entity):
    """``number`` is the region's id on the wire; this cloud itself is number 1."""

    number = models.PositiveIntegerField()
    name = models.CharField(max_length=255)
    endpoint = models.URLField(max_length=2048, blank=True)
    portable_ips_enabled = models.BooleanField(default=False)

    objects = LiveManager.from_queryset(SharedQuerySet)()
    everything = models.Manager.from_queryset(SharedQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["number", "alive"], name="region_number_unique"),
            models.UniqueConstraint(fields=["name", "alive"], name="region_name_unique"),
        ]
