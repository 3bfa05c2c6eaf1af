"""What tenants hand to their guests: SSH keys and user data, kept under a name."""

from __future__ import annotations

from django.db import models

from accounts.models import Account, Owned
from accounts.querysets import LiveManager, OwnedQuerySet


class SshKeyPair(Owned):
    """The public half; a private one is shown once, when it is made, and never kept."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="key_pairs")
    name = models.CharField(max_length=255)
    public_key = models.TextField()
    fingerprint = models.CharField(max_length=64)  # MD5 in hex pairs, as CloudStack shows it

    objects = LiveManager.from_queryset(OwnedQuerySet)()
    everything = models.Manager.from_queryset(OwnedQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "name", "alive"], name="key_pair_name_in_account"
            ),
            models.UniqueConstraint(
                fields=["account", "fingerprint", "alive"], name="key_pair_once_in_account"
            ),
        ]


class UserData(Owned):
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="user_data")
    name = models.CharField(max_length=255)
    content = models.TextField()  # base64
    params = models.CharField(max_length=4096, blank=True)  # names, comma-separated

    objects = LiveManager.from_queryset(OwnedQuerySet)()
    everything = models.Manager.from_queryset(OwnedQuerySet)()

    class Meta:
        verbose_name = "user data"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "name", "alive"], name="user_data_name_in_account"
            )
        ]
