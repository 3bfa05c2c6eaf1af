"""Public addresses: a row for each, made with its range."""

from __future__ import annotations

import uuid as uuids
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Account, Domain, OfProject
from accounts.querysets import OwnedQuerySet, owned_by_caller
from network.models.addresses import IpRange
from network.models.networks import Network

FREE, RESERVED, ALLOCATED = "Free", "Reserved", "Allocated"


def _domains_of(caller: Any) -> list[int]:
    return [*caller.domain.ancestor_ids, caller.domain.pk, Domain.root().pk]


class PublicIpQuerySet(OwnedQuerySet):
    def visible_to(self, caller: Any) -> PublicIpQuerySet:
        """One's own, and those that are free for everybody or for one's account or domain."""
        if caller.is_root_admin:
            return self
        free = Q(state=FREE) & (
            Q(ip_range__account=None, ip_range__domain=None, ip_range__for_system_vms=False)
            | Q(ip_range__account=caller.account)
            | Q(ip_range__account=None, ip_range__domain__in=_domains_of(caller))
        )
        return self.filter(free | owned_by_caller(caller, self.model.OWNER))

    def operable_by(self, caller: Any) -> PublicIpQuerySet:
        return self.owned_within(caller)


class PublicIp(models.Model):
    """``account`` has it unless it is Free; ``network`` uses it."""

    OWNER: ClassVar[str] = "account"
    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    ip_range = models.ForeignKey(IpRange, on_delete=models.PROTECT, related_name="public_ips")
    address = models.GenericIPAddressField(protocol="IPv4")
    number = models.PositiveBigIntegerField()
    state = models.CharField(max_length=16, default=FREE)  # Free, Reserved, Allocated
    account = models.ForeignKey(
        Account, null=True, on_delete=models.PROTECT, related_name="public_ips"
    )
    of_project = OfProject()
    network = models.ForeignKey(
        Network, null=True, on_delete=models.PROTECT, related_name="public_ips"
    )
    is_source_nat = models.BooleanField(default=False)
    allocated = models.DateTimeField(null=True)
    display = models.BooleanField(default=True)

    objects = models.Manager.from_queryset(PublicIpQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ip_range", "number"], name="public_ip_once")
        ]
        indexes = [
            models.Index(fields=["state", "ip_range"], name="public_ip_state"),
            models.Index(fields=["of_project", "state"], name="public_ip_listed"),
        ]

    def belong_to(self, account: Account) -> None:
        self.account, self.of_project = account, account.is_project

    def __str__(self) -> str:
        return self.address
