"""Management addresses of pods: the ranges reserved, and those that somebody has."""

from __future__ import annotations

import ipaddress

from django.db import models
from django.utils import timezone

from accounts.models import Entity
from accounts.querysets import AdminQuerySet, LiveManager
from infra.models.places import Pod


class PodIpRange(Entity):
    """A piece of a pod's management network, ends included, that nothing else may use.

    ``first`` and ``last`` are the ends as numbers; ``vlan`` is empty when untagged.
    """

    pod = models.ForeignKey(Pod, on_delete=models.CASCADE, related_name="ip_ranges")
    gateway = models.GenericIPAddressField(protocol="IPv4")
    netmask = models.CharField(max_length=15)
    start_ip = models.GenericIPAddressField(protocol="IPv4")
    end_ip = models.GenericIPAddressField(protocol="IPv4")
    first = models.PositiveBigIntegerField(default=0)
    last = models.PositiveBigIntegerField(default=0)
    vlan = models.CharField(max_length=32, blank=True)
    for_system_vms = models.BooleanField(default=False)

    objects = LiveManager.from_queryset(AdminQuerySet)()
    everything = models.Manager.from_queryset(AdminQuerySet)()

    def save(self, *args: object, **kwargs: object) -> None:
        self.first = int(ipaddress.IPv4Address(self.start_ip))
        self.last = int(ipaddress.IPv4Address(self.end_ip))
        super().save(*args, **kwargs)

    def __str__(self) -> str:
        return f"{self.start_ip}–{self.end_ip}"

    @property
    def cidr(self) -> str:
        return str(ipaddress.IPv4Network(f"{self.gateway}/{self.netmask}", strict=False))


class PodAddress(models.Model):
    """A management address that is taken. The row is the reservation; deleting it frees it.

    ``holder`` says whose it is, for people (a system machine's name, ``API`` for one that was
    asked for by ``acquirePodIpAddress``).
    """

    ip_range = models.ForeignKey(PodIpRange, on_delete=models.PROTECT, related_name="addresses")
    pod = models.ForeignKey(Pod, on_delete=models.PROTECT, related_name="addresses")
    address = models.GenericIPAddressField(protocol="IPv4")
    number = models.PositiveBigIntegerField()
    holder = models.CharField(max_length=255, blank=True)
    taken = models.DateTimeField(default=timezone.now)

    objects = models.Manager.from_queryset(AdminQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pod", "number"], name="pod_address_once"),
        ]

    def __str__(self) -> str:
        return self.address
