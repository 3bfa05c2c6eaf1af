"""How machines elsewhere become hosts: a one-time token, then a credential of their own."""

from __future__ import annotations

import hashlib
import secrets

from django.db import models
from django.utils import timezone

from accounts.models import Account, Entity
from accounts.querysets import AdminQuerySet, LiveManager
from infra.models.hosts import Host
from infra.models.places import Cluster


def digest(secret: str) -> str:
    """Tokens are 256 random bits, so a plain hash is enough to keep them unreadable."""
    return hashlib.sha256(secret.encode()).hexdigest()


class HostEnrolment(Entity):
    """Leave for one machine to join a cluster. The token is shown once and used once."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="enrolments")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=255, blank=True)  # else the machine's own
    tags = models.JSONField(default=list)
    token_hash = models.CharField(max_length=64, unique=True)
    expires = models.DateTimeField()
    used = models.DateTimeField(null=True)
    host = models.ForeignKey(Host, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = LiveManager.from_queryset(AdminQuerySet)()
    everything = models.Manager.from_queryset(AdminQuerySet)()

    def __str__(self) -> str:
        return self.name or f"for {self.cluster}"


class HostCredential(models.Model):
    """What an enrolled host signs in with from then on; only its hash is kept."""

    host = models.OneToOneField(Host, on_delete=models.CASCADE, related_name="credential")
    secret_hash = models.CharField(max_length=64)
    created = models.DateTimeField(default=timezone.now)

    objects = models.Manager.from_queryset(AdminQuerySet)()

    @staticmethod
    def new_secret() -> str:
        return secrets.token_urlsafe(32)
