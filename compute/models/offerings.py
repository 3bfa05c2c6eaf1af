"""What a machine may be made of."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import Domain, Entity
from accounts.querysets import LiveManager
from compute.querysets import ServiceOfferingQuerySet
from infra.models import Zone
from storage.models import DiskOffering


class ServiceOffering(Entity):
    """Size, speed and placement of machines. A *customized* one leaves numbers to the tenant:
    without any limits all three (custom unconstrained), else CPUs and memory within limits.

    The root disk is as the offering's own columns say, or as ``disk_offering`` says.
    """

    name = models.CharField(max_length=255)
    display_text = models.CharField(max_length=4096, blank=True)
    state = models.CharField(max_length=16, default="Active")  # Active, Inactive
    sort_key = models.IntegerField(default=0)
    is_system = models.BooleanField(default=False)
    system_vm_type = models.CharField(max_length=32, blank=True)
    default_use = models.BooleanField(default=False)

    is_customized = models.BooleanField(default=False)
    cpu_number = models.PositiveIntegerField(null=True)
    cpu_speed_mhz = models.PositiveIntegerField(null=True)
    memory_mb = models.PositiveIntegerField(null=True)
    min_cpu_number = models.PositiveIntegerField(null=True)
    max_cpu_number = models.PositiveIntegerField(null=True)
    min_memory_mb = models.PositiveIntegerField(null=True)
    max_memory_mb = models.PositiveIntegerField(null=True)
    limit_cpu_use = models.BooleanField(default=False)
    offer_ha = models.BooleanField(default=False)
    is_volatile = models.BooleanField(default=False)
    dynamic_scaling = models.BooleanField(default=True)
    network_rate_mbps = models.PositiveIntegerField(null=True)
    deployment_planner = models.CharField(max_length=255, blank=True)
    host_tags = models.JSONField(default=list)

    storage_type = models.CharField(max_length=16, default="shared")  # shared, local
    storage_tags = models.JSONField(default=list)
    provisioning = models.CharField(max_length=16, default="thin")  # thin, sparse, fat
    cache_mode = models.CharField(max_length=32, default="none")
    root_disk_size_bytes = models.PositiveBigIntegerField(null=True)
    disk_offering = models.ForeignKey(
        DiskOffering, null=True, on_delete=models.PROTECT, related_name="service_offerings"
    )
    disk_offering_strict = models.BooleanField(default=False)
    read_bps = models.PositiveBigIntegerField(null=True)
    write_bps = models.PositiveBigIntegerField(null=True)
    read_iops = models.PositiveBigIntegerField(null=True)
    write_iops = models.PositiveBigIntegerField(null=True)
    min_iops = models.PositiveBigIntegerField(null=True)
    max_iops = models.PositiveBigIntegerField(null=True)
    is_customized_iops = models.BooleanField(default=False)
    details = models.JSONField(default=dict)

    domains = models.ManyToManyField(Domain, related_name="service_offerings")
    zones = models.ManyToManyField(Zone, related_name="service_offerings")

    objects = LiveManager.from_queryset(ServiceOfferingQuerySet)()
    everything = models.Manager.from_queryset(ServiceOfferingQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(is_customized=True)
                | Q(cpu_number__gt=0, memory_mb__gt=0, cpu_speed_mhz__isnull=False),
                name="fixed_offering_has_its_numbers",
            ),
            models.CheckConstraint(
                condition=Q(max_cpu_number__isnull=True)
                | Q(max_cpu_number__gte=models.F("min_cpu_number")),
                name="offering_cpu_limits_in_order",
            ),
            models.CheckConstraint(
                condition=Q(max_memory_mb__isnull=True)
                | Q(max_memory_mb__gte=models.F("min_memory_mb")),
                name="offering_memory_limits_in_order",
            ),
        ]

    @property
    def is_constrained(self) -> bool:
        return self.is_customized and self.max_cpu_number is not None

    @property
    def uses_local_storage(self) -> bool:
        return self.storage_type == "local"
