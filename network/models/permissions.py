"""Accounts that may use another account's network."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models import Account
from accounts.querysets import OwnedQuerySet
from network.models.networks import Network


class NetworkPermission(models.Model):
    """``account`` may plug machines into ``network``; it changes nothing about it."""

    OWNER: ClassVar[str] = "network__account"
    network = models.ForeignKey(Network, on_delete=models.CASCADE, related_name="permissions")
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="network_permissions"
    )
    created = models.DateTimeField(default=timezone.now)

    objects = models.Manager.from_queryset(OwnedQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["network", "account"], name="network_permission_once")
        ]

    def __str__(self) -> str:
        return f"{self.account} in {self.network}"
