"""Volumes: the disks of machines, attached or not."""

from __future__ import annotations

from django.db import models

from accounts.models import Account, Owned
from accounts.querysets import LiveManager, OwnedQuerySet
from core.states import Stateful
from storage import states
from storage.models.images import PoolTemplate, Snapshot, Template
from storage.models.offerings import DiskOffering
from storage.models.pools import StoragePool
from storage.models.quota import Counted


class VolumeQuerySet(OwnedQuerySet):
    def ready(self):
        return self.filter(state=states.Volumes.READY)


class Volume(Stateful, Counted, Owned):
    """A disk. ``pool`` is where its file lies or will lie, ``path`` the file's name there.

    ``base`` is the template file on the pool that an overlay builds on. An expunged volume
    lets go of both, and ``pool_name`` remembers where it was. ``reserved_bytes`` is its part
    of the pool's ``allocated_bytes``.
    """

    TRANSITIONS = states.VOLUME
    KIND = "Volume"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="volumes")
    name = models.CharField(max_length=255)
    type = models.CharField(max_length=8, default="DATADISK")  # ROOT, DATADISK
    state = models.CharField(max_length=24, default=states.Volumes.ALLOCATED.value)
    zone = models.ForeignKey("infra.Zone", on_delete=models.PROTECT, related_name="volumes")
    size_bytes = models.BigIntegerField()
    physical_bytes = models.BigIntegerField(default=0)
    pool = models.ForeignKey(
        StoragePool, null=True, on_delete=models.PROTECT, related_name="volumes"
    )
    base = models.ForeignKey(
        PoolTemplate, null=True, on_delete=models.PROTECT, related_name="overlays"
    )
    reserved_bytes = models.BigIntegerField(default=0, editable=False)
    pool_name = models.CharField(max_length=255, blank=True)
    path = models.CharField(max_length=64, blank=True)  # a uuid of ours
    format = models.CharField(max_length=8, default="qcow2")
    disk_offering = models.ForeignKey(
        DiskOffering, null=True, on_delete=models.PROTECT, related_name="volumes"
    )
    # What it was made from. Both may be removed while the volume lives on.
    template = models.ForeignKey(
        Template, null=True, on_delete=models.DO_NOTHING, related_name="volumes"
    )
    snapshot = models.ForeignKey(
        Snapshot, null=True, on_delete=models.DO_NOTHING, related_name="made_volumes"
    )
    provisioning = models.CharField(max_length=8, default="thin")
    min_iops = models.BigIntegerField(null=True)
    max_iops = models.BigIntegerField(null=True)
    display = models.BooleanField(default=True)
    delete_protection = models.BooleanField(default=False)
    chain_info = models.TextField(blank=True)
    external_uuid = models.CharField(max_length=255, blank=True)
    # A destroyed volume is expunged from then on; each failed try moves it further away.
    expunge_due = models.DateTimeField(null=True)
    # Storage tags it counts under, as limits.tag_words writes them; empty while it counts none.
    counted_tags = models.CharField(max_length=1024, blank=True, default="", editable=False)
    expunge_attempts = models.PositiveIntegerField(default=0)

    objects = LiveManager.from_queryset(VolumeQuerySet)()
    everything = models.Manager.from_queryset(VolumeQuerySet)()

    class Meta:
        indexes = [
            models.Index(fields=["account", "removed"], name="volume_by_account"),
            models.Index(fields=["state", "expunge_due"], name="volume_by_state"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(reserved_bytes=0) | models.Q(pool__isnull=False),
                name="volume_reserves_on_a_pool",
            ),
        ]
