"""What was measured of volumes in running machines."""

from __future__ import annotations

import uuid as uuids

from django.db import models
from django.utils import timezone

from accounts.querysets import OwnedQuerySet
from storage.models import Volume


class VolumeSample(models.Model):
    """One measurement of a volume in a running machine; counters are since its machine's
    start."""

    OWNER = "volume__account"
    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    volume = models.ForeignKey(Volume, on_delete=models.CASCADE, related_name="samples")
    at = models.DateTimeField(default=timezone.now)
    read_bytes = models.PositiveBigIntegerField(default=0)
    write_bytes = models.PositiveBigIntegerField(default=0)
    read_ops = models.PositiveBigIntegerField(default=0)
    write_ops = models.PositiveBigIntegerField(default=0)

    objects = models.Manager.from_queryset(OwnedQuerySet)()

    class Meta:
        indexes = [
            models.Index(fields=["volume", "at"], name="volume_sample_of"),
            models.Index(fields=["at"], name="volume_sample_at"),
        ]
