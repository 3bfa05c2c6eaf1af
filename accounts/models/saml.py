"""SAML: our own key, the identity providers we know, who may come in by them."""

from __future__ import annotations

import uuid as uuids
from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models.users import User
from accounts.querysets import ScopedQuerySet


class SamlKey(models.Model):
    """The pair with which requests are signed; made when first needed."""

    sealed_key = models.TextField()
    certificate = models.TextField()
    created = models.DateTimeField(default=timezone.now)


class SamlProvider(models.Model):
    """An identity provider, as the metadata described it when last read."""

    entity_id = models.CharField(max_length=255, unique=True)
    name = models.CharField(max_length=255, blank=True)
    address = models.CharField(max_length=1000, blank=True)  # its organisation's, for people
    metadata = models.TextField()  # the document it was found in
    read = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "identity provider"

    def __str__(self) -> str:
        return self.name or self.entity_id


class SamlAuthorizationQuerySet(ScopedQuerySet):
    def visible_to(self, caller):
        return self.filter(user__in=User.objects.all().visible_to(caller).values("pk"))


class SamlAuthorization(models.Model):
    """A user may sign in by an identity provider; ``entity_id`` empty: by any that is known."""

    OWNER: ClassVar[str] = "user__account"
    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="saml")
    entity_id = models.CharField(max_length=255, blank=True)
    enabled = models.BooleanField(default=True)

    objects = models.Manager.from_queryset(SamlAuthorizationQuerySet)()

    class Meta:
        verbose_name = "SAML authorisation"

    def __str__(self) -> str:
        return str(self.user)


class SamlMark(models.Model):
    """An assertion that was taken, until it would be too old anyway: none is taken twice."""

    assertion_hash = models.CharField(max_length=64, unique=True)
    expires = models.DateTimeField(db_index=True)
