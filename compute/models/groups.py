"""Groups of machines: to find them by (instance groups), and to place them by (affinity)."""

from __future__ import annotations

from django.db import models

from accounts.models import Account, Domain, Owned
from accounts.querysets import LiveManager, OwnedQuerySet
from compute.querysets import AffinityGroupQuerySet

#: Machines that use what is dedicated to their account or domain. Made with the dedication.
DEDICATED = "ExplicitDedication"

#: CloudStack's types: together or apart, as a must or as a wish; or on dedicated resources.
AFFINITY_TYPES = (
    "host affinity",
    "host anti-affinity",
    "non-strict host affinity",
    "non-strict host anti-affinity",
    DEDICATED,
)


class InstanceGroup(Owned):
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="instance_groups")
    name = models.CharField(max_length=255)

    objects = LiveManager.from_queryset(OwnedQuerySet)()
    everything = models.Manager.from_queryset(OwnedQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "name", "alive"], name="instance_group_name_in_account"
            )
        ]


class AffinityGroup(Owned):
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="affinity_groups")
    name = models.CharField(max_length=255)
    description = models.CharField(max_length=4096, blank=True)
    type = models.CharField(max_length=32, choices=[(t, t) for t in AFFINITY_TYPES])
    # Set: machines of this whole branch may join; the group itself is the system's.
    domain = models.ForeignKey(
        Domain, null=True, on_delete=models.PROTECT, related_name="affinity_groups"
    )

    objects = LiveManager.from_queryset(AffinityGroupQuerySet)()
    everything = models.Manager.from_queryset(AffinityGroupQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "name", "alive"], name="affinity_group_name_in_account"
            )
        ]

    @property
    def is_dedicated(self) -> bool:
        return self.type == DEDICATED

    @property
    def is_strict(self) -> bool:
        return not self.type.startswith("non-strict")

    @property
    def keeps_apart(self) -> bool:
        return self.type.endswith("anti-affinity")
