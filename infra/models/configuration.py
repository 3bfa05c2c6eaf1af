"""What an operator set: values of the global settings, at one scope each, and their history."""

from __future__ import annotations

import uuid as uuids

from django.db import models
from django.utils import timezone

from accounts.models import Account, Domain, User
from accounts.querysets import AdminQuerySet, ScopedQuerySet
from core.config import Scope


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


class ChangeQuerySet(ScopedQuerySet):
    def visible_to(self, caller):
        """Root administrators see all; those of domains what concerns their branch."""
        if caller.is_root_admin:
            return self
        if not caller.is_domain_admin:
            return self.none()
        domains = Domain.objects.within(caller.domain).values("pk")
        accounts = Account.objects.filter(domain__in=domains).values("pk")
        return self.filter(
            models.Q(scope=Scope.DOMAIN, holder__in=domains)
            | models.Q(scope=Scope.ACCOUNT, holder__in=accounts)
        )


class ConfigurationChange(models.Model):
    """Who set what, when: ``before`` and ``after`` as texts, None for “not set there”.

    A secret's are only whether it was set. ``holder_name`` and ``holder_uuid`` outlive what
    they name.
    """

    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=255)
    scope = models.CharField(max_length=16)
    holder = models.BigIntegerField(default=0)
    holder_uuid = models.UUIDField(null=True)
    holder_name = models.CharField(max_length=255, blank=True)
    before = models.TextField(null=True)
    after = models.TextField(null=True)
    account = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    objects = models.Manager.from_queryset(ChangeQuerySet)()

    class Meta:
        verbose_name = "change of a setting"
        indexes = [
            models.Index(fields=["name", "at"], name="setting_change_by_name"),
            models.Index(fields=["scope", "holder", "at"], name="setting_change_by_holder"),
        ]
