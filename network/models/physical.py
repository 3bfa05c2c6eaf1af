"""What the wires are: physical networks of a zone, and the traffic each carries."""

from __future__ import annotations

from django.db import models

from accounts.models import Entity
from accounts.querysets import AdminQuerySet, LiveManager
from infra.models import Zone


class PhysicalNetwork(Entity):
    """A set of links and switches that the hosts of a zone share.

    ``vlan`` are the ranges tenants' networks take their VLAN ids (or, with the isolation method
    VXLAN, their VNIs) from, e.g. ``100-200,300-310``.
    """

    zone = models.ForeignKey(Zone, on_delete=models.PROTECT, related_name="physical_networks")
    name = models.CharField(max_length=255)
    state = models.CharField(max_length=16, default="Enabled")
    isolation_methods = models.JSONField(default=list)
    vlan = models.CharField(max_length=255, blank=True)
    broadcast_domain_range = models.CharField(max_length=16, default="ZONE")
    network_speed = models.CharField(max_length=32, blank=True)
    tags = models.JSONField(default=list)

    objects = LiveManager.from_queryset(AdminQuerySet)()
    everything = models.Manager.from_queryset(AdminQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["zone", "name", "alive"], name="physnet_name_in_zone")
        ]


class TrafficType(Entity):
    """One kind of traffic (Guest, Management, Public, Storage) and, per hypervisor, the host
    device it leaves by."""

    physical_network = models.ForeignKey(
        PhysicalNetwork, on_delete=models.CASCADE, related_name="traffic_types"
    )
    type = models.CharField(max_length=16)
    kvm_label = models.CharField(max_length=64, blank=True)
    vlan = models.CharField(max_length=32, blank=True)

    objects = LiveManager.from_queryset(AdminQuerySet)()
    everything = models.Manager.from_queryset(AdminQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["physical_network", "type", "alive"], name="traffic_type_once"
            )
        ]

    def __str__(self) -> str:
        return self.type
