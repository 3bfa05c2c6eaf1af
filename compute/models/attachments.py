"""Which disk is in which machine."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.querysets import OwnedQuerySet
from compute.models.machines import VirtualMachine
from storage.models import Volume


class VolumeAttachment(models.Model):
    """The row is the claim: a volume has one at most, and so has a device of a machine.

    Device 0 is the root disk, 3 the CD drive's.
    """

    OWNER = "machine__account"
    volume = models.OneToOneField(Volume, on_delete=models.PROTECT, related_name="attachment")
    machine = models.ForeignKey(
        VirtualMachine, on_delete=models.PROTECT, related_name="attachments"
    )
    device_id = models.PositiveSmallIntegerField()
    attached = models.DateTimeField(default=timezone.now)

    objects = models.Manager.from_queryset(OwnedQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["machine", "device_id"], name="disk_device_once")
        ]

    def __str__(self) -> str:
        return f"{self.volume} in {self.machine}"
