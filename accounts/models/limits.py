"""How much an account or a domain may have, and how much it has."""

from __future__ import annotations

from django.db import models

from accounts.models.tenants import Account, Domain


class ResourceLimit(models.Model):
    """A ceiling that was set on purpose; -1 is none. Unset ones come from the settings."""

    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="limits")
    domain = models.ForeignKey(Domain, null=True, on_delete=models.CASCADE, related_name="limits")
    resource = models.PositiveSmallIntegerField()  # CloudStack's resourcetype number
    # Only what offerings with this host or storage tag use; empty: all of it.
    tag = models.CharField(max_length=64, blank=True, default="")
    maximum = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "resource", "tag"], name="one_limit_per_account"
            ),
            models.UniqueConstraint(
                fields=["domain", "resource", "tag"], name="one_limit_per_domain"
            ),
            models.CheckConstraint(
                condition=models.Q(account=None) ^ models.Q(domain=None),
                name="limit_has_one_holder",
            ),
        ]


class ResourceCount(models.Model):
    """What is in use, kept in the same transaction as the thing that uses it."""

    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="counts")
    domain = models.ForeignKey(Domain, null=True, on_delete=models.CASCADE, related_name="counts")
    resource = models.PositiveSmallIntegerField()
    tag = models.CharField(max_length=64, blank=True, default="")
    used = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "resource", "tag"], name="one_count_per_account"
            ),
            models.UniqueConstraint(
                fields=["domain", "resource", "tag"], name="one_count_per_domain"
            ),
            models.CheckConstraint(
                condition=models.Q(account=None) ^ models.Q(domain=None),
                name="count_has_one_holder",
            ),
        ]
