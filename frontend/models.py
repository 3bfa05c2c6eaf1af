"""What the pages remember of a person: columns, saved views, theme, language."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from accounts.caller import Caller
from accounts.models import User
from accounts.querysets import OwnedQuerySet
from frontend.zones.models import ZoneDraft

__all__ = ["Preference", "PreferenceQuerySet", "ZoneDraft"]


class PreferenceQuerySet(OwnedQuerySet):
    def visible_to(self, caller: Caller) -> PreferenceQuerySet:
        """Nobody else's business: not an administrator's either."""
        return self.filter(user=caller.user)


class Preference(models.Model):
    """One remembered thing. ``key`` is ``columns:<section>``, ``views:<section>``, ``theme`` …"""

    OWNER: ClassVar[str] = "user__account"
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="preferences")
    key = models.CharField(max_length=100)
    value = models.JSONField()

    objects = models.Manager.from_queryset(PreferenceQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="preference_once_per_user")
        ]

    @classmethod
    def keep(cls, user: User, key: str, value: Any) -> None:
        cls.objects.update_or_create(user=user, key=key, defaults={"value": value})
