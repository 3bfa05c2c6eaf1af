"""What an account prefers among the places there are."""

from __future__ import annotations

from django.db import models

from accounts.models import Account
from accounts.querysets import OwnedQuerySet
from infra.models.places import Zone


class DefaultZone(models.Model):
    """The zone that an account's new things go to when nobody names another."""

    OWNER = "account"
    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="default_zone")
    zone = models.ForeignKey(Zone, on_delete=models.CASCADE, related_name="+")

    objects = models.Manager.from_queryset(OwnedQuerySet)()
