"""A machine's place in a network."""

from __future__ import annotations

from django.db import models

from accounts.models import Entity
from accounts.querysets import LiveManager, OwnedQuerySet
from compute.models.machines import VirtualMachine
from network.models import GuestAddress, Network


class Nic(Entity):
    """``is_default`` is True or null, so that a constraint allows one default a machine.

    ``hostname`` repeats the machine's: in one network no two guests go by one name.
    """

    OWNER = "machine__account"
    machine = models.ForeignKey(VirtualMachine, on_delete=models.PROTECT, related_name="nics")
    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="nics")
    address = models.OneToOneField(
        GuestAddress, null=True, on_delete=models.PROTECT, related_name="nic"
    )
    device_id = models.PositiveSmallIntegerField()
    is_default = models.BooleanField(null=True)
    hostname = models.CharField(max_length=63)
    rate_mbps = models.PositiveIntegerField(null=True)

    objects = LiveManager.from_queryset(OwnedQuerySet)()
    everything = models.Manager.from_queryset(OwnedQuerySet)()

    class Meta:
        verbose_name = "NIC"
        constraints = [
            models.UniqueConstraint(
                fields=["machine", "device_id", "alive"], name="nic_device_once"
            ),
            models.UniqueConstraint(
                fields=["machine", "network", "alive"], name="machine_once_in_network"
            ),
            models.UniqueConstraint(
                fields=["machine", "is_default", "alive"], name="one_default_nic"
            ),
            models.UniqueConstraint(
                fields=["network", "hostname", "alive"], name="hostname_once_in_network"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.machine} device {self.device_id}"
