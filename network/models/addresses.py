"""Which addresses a network gives out, and who has them."""

from __future__ import annotations

import ipaddress
import uuid as uuids
from typing import ClassVar

from django.db import models

from accounts.models import Account, Domain, Entity
from accounts.querysets import AdminQuerySet, LiveManager, OwnedQuerySet
from infra.models import Pod, Zone
from network.models.networks import Network
from network.models.physical import PhysicalNetwork


class IpRange(Entity):
    """Addresses to give out, ends included: public ones of a zone, or those of a guest network.

    ``first`` and ``last`` are the ends as numbers (0 when there is IPv6 only). ``pod`` is set
    where only machines of that pod get them; ``account`` or ``domain`` where only theirs do.
    """

    zone = models.ForeignKey(Zone, on_delete=models.PROTECT, related_name="ip_ranges")
    physical_network = models.ForeignKey(
        PhysicalNetwork, null=True, on_delete=models.PROTECT, related_name="ip_ranges"
    )
    network = models.ForeignKey(
        Network, null=True, on_delete=models.CASCADE, related_name="ip_ranges"
    )
    pod = models.ForeignKey(Pod, null=True, on_delete=models.PROTECT, related_name="guest_ranges")
    account = models.ForeignKey(
        Account, null=True, on_delete=models.PROTECT, related_name="public_ip_ranges"
    )
    domain = models.ForeignKey(
        Domain, null=True, on_delete=models.PROTECT, related_name="public_ip_ranges"
    )
    gateway = models.GenericIPAddressField(protocol="IPv4", null=True)
    netmask = models.CharField(max_length=15, blank=True)
    start_ip = models.GenericIPAddressField(protocol="IPv4", null=True)
    end_ip = models.GenericIPAddressField(protocol="IPv4", null=True)
    first = models.PositiveBigIntegerField(default=0)  # start_ip as a number
    last = models.PositiveBigIntegerField(default=0)
    start_ip6 = models.GenericIPAddressField(protocol="IPv6", null=True)
    end_ip6 = models.GenericIPAddressField(protocol="IPv6", null=True)
    ip6_gateway = models.GenericIPAddressField(protocol="IPv6", null=True)
    ip6_cidr = models.CharField(max_length=43, blank=True)
    vlan = models.CharField(max_length=32, blank=True)
    for_system_vms = models.BooleanField(default=False)

    objects = LiveManager.from_queryset(AdminQuerySet)()
    everything = models.Manager.from_queryset(AdminQuerySet)()

    def save(self, *args: object, **kwargs: object) -> None:
        if self.network is not None and self.zone_id is None:
            self.zone_id = self.network.zone_id
        if self.start_ip and self.end_ip:
            self.first = int(ipaddress.IPv4Address(self.start_ip))
            self.last = int(ipaddress.IPv4Address(self.end_ip))
        super().save(*args, **kwargs)

    def __str__(self) -> str:
        return f"{self.start_ip or self.start_ip6}–{self.end_ip or self.end_ip6}"

    @property
    def is_public(self) -> bool:
        return self.network_id is None

    @property
    def subnet(self) -> ipaddress.IPv4Network | None:
        if not self.gateway:
            return None
        return ipaddress.IPv4Network(f"{self.gateway}/{self.netmask}", strict=False)


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
    # Of its subnet, where that is not the network's own (a pod's in a Basic zone).
    gateway = models.GenericIPAddressField(protocol="IPv4", null=True)
    netmask = models.CharField(max_length=15, blank=True)
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
