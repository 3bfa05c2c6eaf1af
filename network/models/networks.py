"""Networks tenants plug machines into, and the offerings that say what each provides."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Account, Domain, Entity, Owned
from accounts.querysets import (
    LiveManager,
    OwnedQuerySet,
    SharedQuerySet,
    owned_by_caller,
)
from core.states import Stateful
from infra.models import Zone
from network.models.physical import PhysicalNetwork


class NetworkOffering(Entity):
    """What a network of this kind provides. ``services`` maps a service to its providers:
    ``{"Dhcp": ["VirtualRouter"], "SourceNat": ["VirtualRouter"]}``."""

    name = models.CharField(max_length=255)
    display_text = models.TextField(blank=True)
    guest_type = models.CharField(max_length=16)  # Shared, Isolated, L2
    traffic_type = models.CharField(max_length=16, default="Guest")
    availability = models.CharField(max_length=16, default="Optional")
    state = models.CharField(max_length=16, default="Disabled")
    services = models.JSONField(default=dict)
    specify_vlan = models.BooleanField(default=False)
    specify_ip_ranges = models.BooleanField(default=False)
    conserve_mode = models.BooleanField(default=True)
    is_persistent = models.BooleanField(default=False)
    is_default = models.BooleanField(default=False)
    egress_default_allow = models.BooleanField(default=True)
    network_rate = models.PositiveIntegerField(null=True)  # Mbit/s
    max_connections = models.PositiveIntegerField(null=True)
    tags = models.JSONField(default=list)
    internet_protocol = models.CharField(max_length=16, default="ipv4")

    objects = LiveManager.from_queryset(SharedQuerySet)()
    everything = models.Manager.from_queryset(SharedQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "alive"], name="network_offering_name")
        ]

    def provides(self, service: str) -> bool:
        return service in self.services


class NetworkQuerySet(OwnedQuerySet):
    """A shared network is there for all (``acl_type`` Domain with ROOT), for a domain with or
    without its subdomains, or for one account and those it has let in."""

    def visible_to(self, caller: Any) -> NetworkQuerySet:
        if caller.is_root_admin:
            return self
        above = [*caller.domain.ancestor_ids, *_root_ids(caller)]
        owned = owned_by_caller(caller, self.model.OWNER)
        shared = Q(acl_type="Domain", shared_with=caller.domain) | Q(
            acl_type="Domain", shared_with__in=above, subdomain_access=True
        )
        let_in = NetworkPermission.objects.filter(account__in=_accounts_of(caller))
        granted = Q(pk__in=let_in.values("network"))
        return self.filter(Q(acl_type="Account") & (owned | granted) | shared)

    def operable_by(self, caller: Any) -> NetworkQuerySet:
        """Shared ones belong to the house, whoever may use them."""
        rows = self.owned_within(caller)
        return rows if caller.is_root_admin else rows.exclude(guest_type="Shared")


def _root_ids(caller: Any) -> list[int]:
    """ROOT's path is ``/``, so it is in nobody's list of ancestors."""
    return list(Domain.objects.filter(level=0).values_list("pk", flat=True))


def _accounts_of(caller: Any) -> list[int]:
    """Accounts in which the caller acts: its own, and those of its projects."""
    return [caller.account.pk, *caller.memberships]


class NetworkState(models.TextChoices):
    ALLOCATED = "Allocated"
    SETUP = "Setup"
    IMPLEMENTING = "Implementing"
    IMPLEMENTED = "Implemented"
    SHUTDOWN = "Shutdown"
    DESTROY = "Destroy"


_S = NetworkState


class Network(Stateful, Owned):
    """A layer-2 segment with addresses. ``cidr`` is what guests live in; ``gateway`` is where
    the router answers (or, without one, where an outside router does)."""

    KIND = "Network"
    TRANSITIONS = {
        (_S.ALLOCATED, "IMPLEMENT"): _S.IMPLEMENTING,
        (_S.ALLOCATED, "IMPLEMENTED"): _S.IMPLEMENTED,
        (_S.SHUTDOWN, "IMPLEMENTED"): _S.IMPLEMENTED,
        (_S.IMPLEMENTING, "IMPLEMENTED"): _S.IMPLEMENTED,
        (_S.IMPLEMENTING, "FAILED"): _S.SHUTDOWN,
        (_S.SHUTDOWN, "IMPLEMENT"): _S.IMPLEMENTING,
        (_S.IMPLEMENTED, "SHUT_DOWN"): _S.SHUTDOWN,
        (_S.SHUTDOWN, "EMPTIED"): _S.ALLOCATED,
        (_S.ALLOCATED, "DESTROY"): _S.DESTROY,
        (_S.IMPLEMENTED, "DESTROY"): _S.DESTROY,
        (_S.SHUTDOWN, "DESTROY"): _S.DESTROY,
        (_S.SETUP, "DESTROY"): _S.DESTROY,
        (_S.DESTROY, "DESTROY_FAILED"): _S.SHUTDOWN,
    }

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="networks")
    name = models.CharField(max_length=255)
    display_text = models.CharField(max_length=255, blank=True)
    zone = models.ForeignKey(Zone, on_delete=models.PROTECT, related_name="networks")
    physical_network = models.ForeignKey(
        PhysicalNetwork, null=True, on_delete=models.PROTECT, related_name="networks"
    )
    offering = models.ForeignKey(
        NetworkOffering, on_delete=models.PROTECT, related_name="networks"
    )
    guest_type = models.CharField(max_length=16)  # the offering's, for constraints and queries
    acl_type = models.CharField(max_length=16, default="Account")  # Account, Domain
    shared_with = models.ForeignKey(
        Domain, null=True, on_delete=models.PROTECT, related_name="shared_networks"
    )
    subdomain_access = models.BooleanField(default=True)
    state = models.CharField(max_length=16, choices=NetworkState, default=NetworkState.ALLOCATED)
    cidr = models.CharField(max_length=43, blank=True)
    gateway = models.GenericIPAddressField(protocol="IPv4", null=True)
    netmask = models.CharField(max_length=15, blank=True)
    ip6_cidr = models.CharField(max_length=43, blank=True)
    ip6_gateway = models.GenericIPAddressField(protocol="IPv6", null=True)
    dns1 = models.CharField(max_length=45, blank=True)
    dns2 = models.CharField(max_length=45, blank=True)
    ip6_dns1 = models.CharField(max_length=45, blank=True)
    ip6_dns2 = models.CharField(max_length=45, blank=True)
    network_domain = models.CharField(max_length=255, blank=True)
    vlan = models.CharField(max_length=32, blank=True)
    private_mtu = models.PositiveIntegerField(null=True)
    display_network = models.BooleanField(default=True)
    restart_required = models.BooleanField(default=False)
    # Where the search for the next free address begins; moves on, so that an address that was
    # given back rests before it is given out again.
    cursor = models.PositiveBigIntegerField(default=0)

    objects = LiveManager.from_queryset(NetworkQuerySet)()
    everything = models.Manager.from_queryset(NetworkQuerySet)()

    class Meta:
        indexes = [models.Index(fields=["zone", "guest_type"], name="network_zone_type")]

    @property
    def can_use_for_deploy(self) -> bool:
        return self.state != NetworkState.DESTROY and self.removed is None

    @property
    def has_router(self) -> bool:
        return any("VirtualRouter" in p for p in self.offering.services.values())

    @property
    def is_private_segment(self) -> bool:
        """No device of the host is in its bridge: the router is the only way out."""
        return not self.vlan or self.vlan == "untagged"


class NetworkPermission(models.Model):
    """``account`` may plug machines into ``network``; it changes nothing about it."""

    OWNER: ClassVar[str] = "network__account"
    network = models.ForeignKey(Network, on_delete=models.CASCADE, related_name="permissions")
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="network_permissions"
    )
    created = models.DateTimeField(default=timezone.now)

    objects = models.Manager.from_queryset(OwnedQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["network", "account"], name="network_permission_once")
        ]

    def __str__(self) -> str:
        return f"{self.account} in {self.network}"
