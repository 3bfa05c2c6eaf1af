"""What an operator should know."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models import Entity
from accounts.querysets import LiveManager
from infra.models.places import Cluster, Pod, Zone
from infra.querysets import AlertQuerySet


class Alert(Entity):
    """One per problem and thing until it is resolved; seen again, ``sent`` and ``count`` move.

    ``type`` is CloudStack's alert number; the thing's uuid and name are copied.
    """

    type = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=255)
    description = models.TextField()
    zone = models.ForeignKey(Zone, null=True, on_delete=models.SET_NULL, related_name="+")
    pod = models.ForeignKey(Pod, null=True, on_delete=models.SET_NULL, related_name="+")
    cluster = models.ForeignKey(Cluster, null=True, on_delete=models.SET_NULL, related_name="+")
    resource_type = models.CharField(max_length=64, blank=True)
    resource_uuid = models.UUIDField(null=True, db_index=True)
    resource_name = models.CharField(max_length=255, blank=True)
    sent = models.DateTimeField(default=timezone.now)
    count = models.PositiveIntegerField(default=1)
    resolved = models.DateTimeField(null=True)
    archived = models.BooleanField(default=False)
    acknowledged = models.DateTimeField(null=True)  # somebody has taken it on
    acknowledged_by = models.CharField(max_length=255, blank=True)
    mailed = models.DateTimeField(null=True)  # once for a problem, however often it is seen

    objects = LiveManager.from_queryset(AlertQuerySet)()
    everything = models.Manager.from_queryset(AlertQuerySet)()

    class Meta:
        indexes = [models.Index(fields=["removed", "archived", "sent"], name="alert_newest")]

    def __str__(self) -> str:
        return self.name
