"""Who else may vouch for a person: OAuth and OpenID providers."""

from __future__ import annotations

import uuid as uuids
from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models.users import User
from accounts.querysets import AdminQuerySet, OwnedQuerySet
from core import vault


class OauthProvider(models.Model):
    """``provider`` is google, github, or any word for one that is found by discovery at
    ``issuer`` (OpenID Connect)."""

    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    provider = models.CharField(max_length=64, unique=True)
    description = models.CharField(max_length=255)
    client_id = models.CharField(max_length=255)
    sealed_secret = models.TextField()
    redirect_uri = models.CharField(max_length=1000)
    issuer = models.CharField(max_length=1000, blank=True)
    enabled = models.BooleanField(default=True)
    created = models.DateTimeField(default=timezone.now)

    objects = models.Manager.from_queryset(AdminQuerySet)()

    class Meta:
        verbose_name = "OAuth provider"

    def __str__(self) -> str:
        return self.provider

    @property
    def secret(self) -> str:
        return vault.unseal(self.sealed_secret)


class ExternalIdentity(models.Model):
    """Whom a provider means by a subject: bound at the first sign-in, since an address may
    pass to somebody else."""

    OWNER: ClassVar[str] = "user__account"
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    created = models.DateTimeField(default=timezone.now)

    objects = models.Manager.from_queryset(OwnedQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["issuer", "subject", "user"], name="identity_once_per_user"
            )
        ]


class Voucher(models.Model):
    """A provider's answer to a code, kept for the moment between the two calls of a sign-in
    (verifyOAuthCodeAndGetUser, then oauthlogin); a code is good at the provider only once."""

    code_hash = models.CharField(max_length=64, unique=True)
    provider = models.ForeignKey(OauthProvider, on_delete=models.CASCADE, related_name="+")
    subject = models.CharField(max_length=255)
    email = models.CharField(max_length=255)
    expires = models.DateTimeField(db_index=True)
