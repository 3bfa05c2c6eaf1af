"""Numbers that keep tenants' networks apart: VLAN ids, or VNIs of VXLAN."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models import Account, Entity
from accounts.querysets import AdminQuerySet, LiveManager
from network.models.networks import Network
from network.models.physical import PhysicalNetwork


class GuestVlan(models.Model):
    """A number of a physical network's ranges that a network has. The row is the reservation."""

    physical_network = models.ForeignKey(
        PhysicalNetwork, on_delete=models.PROTECT, related_name="guest_vlans"
    )
    number = models.PositiveIntegerField()
    network = models.OneToOneField(Network, on_delete=models.CASCADE, related_name="guest_vlan")
    taken = models.DateTimeField(default=timezone.now)

    objects = models.Manager.from_queryset(AdminQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["physical_network", "number"], name="guest_vlan_once")
        ]

    def __str__(self) -> str:
        return str(self.number)


class DedicatedVlanRange(Entity):
    """Numbers ``first`` to ``last`` that only networks of ``account`` get."""

    OWNER = "account"
    physical_network = models.ForeignKey(
        PhysicalNetwork, on_delete=models.PROTECT, related_name="dedicated_vlans"
    )
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="dedicated_vlan_ranges"
    )
    first = models.PositiveIntegerField()
    last = models.PositiveIntegerField()

    objects = LiveManager.from_queryset(AdminQuerySet)()
    everything = models.Manager.from_queryset(AdminQuerySet)()

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"
