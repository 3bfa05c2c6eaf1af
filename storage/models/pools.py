"""Primary storage: where the disks of machines lie."""

from __future__ import annotations

from django.db import models

from accounts.models import Entity
from accounts.querysets import AdminQuerySet, LiveManager
from core.states import Stateful
from storage import states


class StoragePoolQuerySet(AdminQuerySet):
    def reachable_from(self, host):
        """Pools whose scope includes this host."""
        return self.filter(
            models.Q(host=host)
            | models.Q(host=None, cluster=host.cluster_id)
            | models.Q(host=None, cluster=None, zone=host.zone_id)
        )


class StoragePool(Stateful, Entity):
    """A folder on one host (scope HOST) or one that all hosts of a cluster or zone share.

    ``allocated_bytes`` is what has been promised to volumes and templates; ``used_bytes`` and
    ``capacity_bytes`` are what a host last measured. A pool in use cannot be removed: volumes
    and templates on it point at it with PROTECT, and let go when they are expunged.
    """

    TRANSITIONS = states.POOL
    KIND = "Storage pool"

    name = models.CharField(max_length=255)
    zone = models.ForeignKey("infra.Zone", on_delete=models.PROTECT, related_name="pools")
    pod = models.ForeignKey("infra.Pod", null=True, on_delete=models.PROTECT, related_name="pools")
    cluster = models.ForeignKey(
        "infra.Cluster", null=True, on_delete=models.PROTECT, related_name="pools"
    )
    host = models.ForeignKey(
        "infra.Host", null=True, on_delete=models.PROTECT, related_name="pools"
    )
    type = models.CharField(max_length=32, default="Filesystem")  # CloudStack's StoragePoolType
    path = models.CharField(max_length=255)
    # Where the path is: "host:<uuid>:/path", so that one folder is not two pools.
    location = models.CharField(max_length=320)
    scope = models.CharField(max_length=8, default="HOST")  # HOST, CLUSTER, ZONE
    state = models.CharField(max_length=24, default=states.Pools.CREATING.value)
    hypervisor = models.CharField(max_length=32, blank=True)
    provider = models.CharField(max_length=64, default="DefaultPrimary")
    tags = models.JSONField(default=list)
    details = models.JSONField(default=dict)
    capacity_bytes = models.BigIntegerField(default=0)
    used_bytes = models.BigIntegerField(default=0)
    allocated_bytes = models.BigIntegerField(default=0)
    measured = models.DateTimeField(null=True)

    objects = LiveManager.from_queryset(StoragePoolQuerySet)()
    everything = models.Manager.from_queryset(StoragePoolQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["location", "alive"], name="pool_location_unique"),
            models.CheckConstraint(
                condition=models.Q(allocated_bytes__gte=0), name="pool_allocated_not_negative"
            ),
        ]

    @property
    def is_local(self) -> bool:
        return self.scope == "HOST"
