"""What an operator set: values of the global settings, at one scope each, and their history."""

from __future__ import annotations

import uuid as uuids

from django.db import models
from django.utils import timezone

from accounts.models import Account, User
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


class ConfigurationChange(models.Model):
    """Who set what, when: ``before`` and ``after`` as texts, empty for “not set there”.

    A secret's are only whether it was set. ``holder_name`` and ``holder_uuid`` outlive what
    they name.
    """

    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=255)
    scope = models.CharField(max_length=16)
    holder = models.BigIntegerField(default=0)
    holder_uuid = models.UUIDField(null=True)
    holder_name = models.CharField(max_length=255, blank=True)
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)
    is_reset = models.BooleanField(default=False)
    account = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    objects = models.Manager.from_queryset(AdminQuerySet)()

    class Meta:
        verbose_name = "change of a setting"
        indexes = [
            models.Index(fields=["name", "at"], name="setting_change_by_name"),
            models.Index(fields=["scope", "holder", "at"], name="setting_change_by_holder"),
        ]
