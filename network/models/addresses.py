"""Which addresses a network gives out, and who has them."""

from __future__ import annotations

import ipaddress
import uuid as uuids
from typing import ClassVar

from django.db import models

from accounts.models import Entity
from accounts.querysets import AdminQuerySet, LiveManager, OwnedQuerySet
from network.models.networks import Network


class IpRange(Entity):
    """A piece of a network's subnet that guests get addresses from, ends included."""

    network = models.ForeignKey(Network, on_delete=models.CASCADE, related_name="ip_ranges")
    start_ip = models.GenericIPAddressField(protocol="IPv4", null=True)
    end_ip = models.GenericIPAddressField(protocol="IPv4", null=True)
    first = models.PositiveBigIntegerField(default=0)  # start_ip as a number
    last = models.PositiveBigIntegerField(default=0)
    start_ip6 = models.GenericIPAddressField(protocol="IPv6", null=True)
    end_ip6 = models.GenericIPAddressField(protocol="IPv6", null=True)
    vlan = models.CharField(max_length=32, blank=True)

    objects = LiveManager.from_queryset(AdminQuerySet)()
    everything = models.Manager.from_queryset(AdminQuerySet)()

    def save(self, *args: object, **kwargs: object) -> None:
        if self.start_ip and self.end_ip:
            self.first = int(ipaddress.IPv4Address(self.start_ip))
            self.last = int(ipaddress.IPv4Address(self.end_ip))
        super().save(*args, **kwargs)

    def __str__(self) -> str:
        return f"{self.start_ip or self.start_ip6}–{self.end_ip or self.end_ip6}"


class GuestAddress(models.Model):
    """One NIC's place in a network: hardware address, IP addresses, and what the metadata
    address tells the guest behind it. The row is the reservation; deleting it frees them.

    ``password`` is sealed and handed out by the router once.
    """

    OWNER: ClassVar[str] = "network__account"
    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="addresses")
    mac = models.CharField(max_length=17, unique=True)
    ip4 = models.GenericIPAddressField(protocol="IPv4", null=True)
    ip4_number = models.PositiveBigIntegerField(null=True)
    ip6 = models.GenericIPAddressField(protocol="IPv6", null=True)
    hostname = models.CharField(max_length=63, blank=True)
    metadata = models.JSONField(default=dict)
    user_data = models.TextField(blank=True)  # base64
    sealed_password = models.TextField(blank=True)

    objects = models.Manager.from_queryset(OwnedQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["network", "ip4_number"], name="ip4_once_in_network"),
            models.UniqueConstraint(fields=["network", "ip6"], name="ip6_once_in_network"),
        ]

    def __str__(self) -> str:
        return self.ip4 or self.ip6 or self.mac
