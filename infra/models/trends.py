"""How full places were, and how busy hosts: few rows, so that charts and forecasts are cheap."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.querysets import AdminQuerySet
from infra.models.hosts import Host


class CapacityPoint(models.Model):
    """One kind of capacity of one place at one hour. ``holder`` is the key of the zone, pod,
    cluster or pool that ``scope`` says; old points are thinned."""

    scope = models.CharField(max_length=8)  # zone, pod, cluster, pool
    holder = models.BigIntegerField()
    type = models.PositiveSmallIntegerField()  # CloudStack's capacity type
    at = models.DateTimeField()
    total = models.BigIntegerField(default=0)
    used = models.BigIntegerField(default=0)

    objects = models.Manager.from_queryset(AdminQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["scope", "holder", "type", "at"], name="capacity_point_once"
            )
        ]
        indexes = [models.Index(fields=["at"], name="capacity_point_at")]


class HostTrend(models.Model):
    """How a host came to be used, oldest first: ``points`` are [Unix time, CPU %, memory MB,
    load] of the last day, one for each ten minutes; ``given`` are [Unix time, MHz there are,
    MHz given away, MB there are, MB given away, cores there are, cores given away] of the last
    two weeks, one for each six hours. One row a host, so that it never grows."""

    host = models.OneToOneField(Host, on_delete=models.CASCADE, related_name="trend")
    at = models.DateTimeField(default=timezone.now)
    points = models.JSONField(default=list)
    given = models.JSONField(default=list)

    objects = models.Manager.from_queryset(AdminQuerySet)()
