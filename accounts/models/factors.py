"""The second factor of a user, and the codes that stand in for it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models.users import User
from accounts.querysets import OwnedQuerySet
from core import vault


class SecondFactor(models.Model):
    """What a user proves beside the password. Until ``verified`` it was only set up, and
    nobody is asked for it.

    ``last_step`` is the newest thirty-second step whose code was taken: none is taken twice.
    """

    OWNER: ClassVar[str] = "user__account"
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="second_factor")
    provider = models.CharField(max_length=16)  # totp, staticpin
    sealed_secret = models.TextField()
    verified = models.DateTimeField(null=True)
    last_step = models.BigIntegerField(default=0)
    created = models.DateTimeField(default=timezone.now)

    objects = models.Manager.from_queryset(OwnedQuerySet)()

    @property
    def secret(self) -> str:
        return vault.unseal(self.sealed_secret)


class RecoveryCode(models.Model):
    """A way in when the second factor is lost. Random and long, so its plain hash will do;
    the row goes when the code is used."""

    OWNER: ClassVar[str] = "user__account"
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    code_hash = models.CharField(max_length=64, unique=True)
    created = models.DateTimeField(default=timezone.now)

    objects = models.Manager.from_queryset(OwnedQuerySet)()
