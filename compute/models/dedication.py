"""Zones, pods, clusters and hosts kept for one domain or account."""

from __future__ import annotations

from django.db import models

from accounts.models import Account, Domain, Entity
from accounts.querysets import AdminQuerySet, LiveManager
from compute.models.groups import AffinityGroup
from infra.models import Cluster, Host, Pod, Zone

Place = Zone | Pod | Cluster | Host


class DedicatedResource(Entity):
    """``zone`` is the place's zone; of ``pod``, ``cluster`` and ``host`` the one that is
    dedicated is set, none of them when it is the zone itself.

    Machines that are to use it are in ``group``; ``account`` None: all of the domain's may be.
    """

    zone = models.ForeignKey(Zone, on_delete=models.PROTECT, related_name="dedications")
    pod = models.ForeignKey(Pod, null=True, on_delete=models.PROTECT, related_name="dedications")
    cluster = models.ForeignKey(
        Cluster, null=True, on_delete=models.PROTECT, related_name="dedications"
    )
    host = models.ForeignKey(Host, null=True, on_delete=models.PROTECT, related_name="dedications")
    # The place by its uuid, whatever it is: each is dedicated once.
    place_uuid = models.UUIDField()
    domain = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="dedications")
    account = models.ForeignKey(
        Account, null=True, on_delete=models.PROTECT, related_name="dedications"
    )
    group = models.ForeignKey(AffinityGroup, on_delete=models.PROTECT, related_name="dedications")

    objects = LiveManager.from_queryset(AdminQuerySet)()
    everything = models.Manager.from_queryset(AdminQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["place_uuid", "alive"], name="place_dedicated_once")
        ]
        verbose_name = "dedication"

    @property
    def place(self) -> Place:
        return self.host or self.cluster or self.pod or self.zone

    @property
    def holder(self) -> str:
        """“account dev of domain ROOT/a” or “domain ROOT/a”."""
        domain = f"domain {self.domain.name_path}"
        return f"account {self.account} of {domain}" if self.account_id else domain

    def __str__(self) -> str:
        return str(self.place)  # jobs and events tell of the place that was dedicated

    def is_for(self, account: Account) -> bool:
        if self.account_id is not None:
            return self.account_id == account.pk
        return account.domain.path.startswith(self.domain.path)

    def covers(self, domain: Domain, account: Account | None) -> bool:
        """Whether all who belong to ``domain`` (or ``account``) belong to the holder."""
        if self.account_id is not None:
            return account is not None and account.pk == self.account_id
        return domain.path.startswith(self.domain.path)
