"""Where things are: zones hold pods, pods hold clusters, clusters hold hosts."""

from __future__ import annotations

from django.db import models

from accounts.models import Domain, Entity
from accounts.querysets import AdminQuerySet, LiveManager
from infra.querysets import ZoneQuerySet

ENABLED, DISABLED = "Enabled", "Disabled"


class Zone(Entity):
    """``domain`` set: the zone is dedicated to that branch of the tenant tree."""

    name = models.CharField(max_length=255)
    network_type = models.CharField(max_length=16)  # Basic, Advanced
    type = models.CharField(max_length=16, default="Core")  # Core, Edge
    dns1 = models.CharField(max_length=64)
    dns2 = models.CharField(max_length=64, blank=True)
    ip6_dns1 = models.CharField(max_length=64, blank=True)
    ip6_dns2 = models.CharField(max_length=64, blank=True)
    internal_dns1 = models.CharField(max_length=64)
    internal_dns2 = models.CharField(max_length=64, blank=True)
    guest_cidr = models.CharField(max_length=64, blank=True)
    network_domain = models.CharField(max_length=255, blank=True)
    allocation_state = models.CharField(max_length=16, default=ENABLED)
    local_storage_enabled = models.BooleanField(default=False)
    security_groups_enabled = models.BooleanField(default=False)
    domain = models.ForeignKey(Domain, null=True, on_delete=models.PROTECT, related_name="zones")
    dhcp_provider = models.CharField(max_length=64, default="VirtualRouter")
    details = models.JSONField(default=dict)
    sort_key = models.IntegerField(default=0)

    objects = LiveManager.from_queryset(ZoneQuerySet)()
    everything = models.Manager.from_queryset(ZoneQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "alive"], name="zone_name_unique"),
        ]


class Pod(Entity):
    """A rack. Its management addresses are ``PodIpRange`` rows of the subnet of ``gateway``."""

    zone = models.ForeignKey(Zone, on_delete=models.PROTECT, related_name="pods")
    name = models.CharField(max_length=255)
    gateway = models.CharField(max_length=64, blank=True)
    netmask = models.CharField(max_length=64, blank=True)
    allocation_state = models.CharField(max_length=16, default=ENABLED)

    objects = LiveManager.from_queryset(AdminQuerySet)()
    everything = models.Manager.from_queryset(AdminQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["zone", "name", "alive"], name="pod_name_unique"),
        ]


class Cluster(Entity):
    """Hosts of one hypervisor that share primary storage."""

    zone = models.ForeignKey(Zone, on_delete=models.PROTECT, related_name="clusters")
    pod = models.ForeignKey(Pod, on_delete=models.PROTECT, related_name="clusters")
    name = models.CharField(max_length=255)
    hypervisor = models.CharField(max_length=32)  # KVM, Simulator, …
    cluster_type = models.CharField(max_length=32, default="CloudManaged")
    allocation_state = models.CharField(max_length=16, default=ENABLED)
    managed_state = models.CharField(max_length=32, default="Managed")
    arch = models.CharField(max_length=16, default="x86_64")

    objects = LiveManager.from_queryset(AdminQuerySet)()
    everything = models.Manager.from_queryset(AdminQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pod", "name", "alive"], name="cluster_name_unique"),
        ]
