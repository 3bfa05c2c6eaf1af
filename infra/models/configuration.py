"""What an operator set: values of the global settings, at one scope each."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.querysets import AdminQuerySet


class ConfigurationValue(models.Model):
    """``holder`` is the key of the zone, cluster, account, … ; 0 at Global scope. Values of
    secret settings are sealed."""

    name = models.CharField(max_length=255)
    scope = models.CharField(max_length=16)
    holder = models.BigIntegerField(default=0)
    value = models.TextField()
    updated = models.DateTimeField(default=timezone.now)

    objects = models.Manager.from_queryset(AdminQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "scope", "holder"], name="value_once")
        ]
