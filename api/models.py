"""What the API itself remembers: answers to calls that may be sent again."""

from __future__ import annotations

from django.db import models

from accounts.models import User


class KeptReply(models.Model):
    """The answer to a call that carried an idempotency key; empty while the call is running.

    ``digest`` covers the command and its parameters, ``reply`` is sealed JSON (it may hold a key
    that is shown once).
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=128)
    digest = models.CharField(max_length=64)
    begun = models.DateTimeField(auto_now_add=True, db_index=True)
    reply = models.TextField(default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="api_kept_reply_key")]

    def __str__(self) -> str:
        return self.key
