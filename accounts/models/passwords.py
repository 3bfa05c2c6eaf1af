"""Passwords of old, and tokens that stand in for a forgotten one."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models.users import User
from accounts.querysets import OwnedQuerySet


class OldPassword(models.Model):
    """The hash of a password a user had, as long as the policy remembers it."""

    OWNER: ClassVar[str] = "user__account"
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="old_passwords")
    password = models.CharField(max_length=255)
    created = models.DateTimeField(default=timezone.now)

    objects = models.Manager.from_queryset(OwnedQuerySet)()


class PasswordReset(models.Model):
    """The one token with which a user may choose a new password; only its hash is kept."""

    OWNER: ClassVar[str] = "user__account"
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="password_reset")
    token_hash = models.CharField(max_length=64, unique=True)
    expires = models.DateTimeField()

    objects = models.Manager.from_queryset(OwnedQuerySet)()
