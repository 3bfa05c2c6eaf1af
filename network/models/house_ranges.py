"""Addresses the house keeps for itself: storage traffic of pods, and portable addresses."""

from __future__ import annotations

import ipaddress

from django.db import models

from accounts.models import Entity
from accounts.querysets import AdminQuerySet, LiveManager
from infra.models import Pod, Region


class _Range(Entity):
    gateway = models.GenericIPAddressField(protocol="IPv4")
    netmask = models.CharField(max_length=15)
    start_ip = models.GenericIPAddressField(protocol="IPv4")
    end_ip = models.GenericIPAddressField(protocol="IPv4")
    first = models.PositiveBigIntegerField(default=0)
    last = models.PositiveBigIntegerField(default=0)

    class Meta:
        abstract = True

    def save(self, *args: object, **kwargs: object) -> None:
        self.first = int(ipaddress.IPv4Address(self.start_ip))
        self.last = int(ipaddress.IPv4Address(self.end_ip))
        super().save(*args, **kwargs)

    def __str__(self) -> str:
        return f"{self.start_ip}–{self.end_ip}"


class StorageIpRange(_Range):
    """Addresses in a pod's storage network, for system machines."""

    pod = models.ForeignKey(Pod, on_delete=models.PROTECT, related_name="storage_ip_ranges")
    vlan = models.PositiveIntegerField(null=True)

    objects = LiveManager.from_queryset(AdminQuerySet)()
    everything = models.Manager.from_queryset(AdminQuerySet)()


class PortableIpRange(_Range):
    """Public addresses of a region that are bound to no zone."""

    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="portable_ip_ranges")
    vlan = models.CharField(max_length=32, blank=True)

    objects = LiveManager.from_queryset(AdminQuerySet)()
    everything = models.Manager.from_queryset(AdminQuerySet)()
