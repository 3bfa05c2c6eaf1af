"""Who provides services on a physical network, and the elements that do the work."""

from __future__ import annotations

from django.db import models

from accounts.models import Entity
from accounts.querysets import AdminQuerySet, LiveManager
from network.models.physical import PhysicalNetwork

ENABLED, DISABLED, SHUTDOWN = "Enabled", "Disabled", "Shutdown"


class NetworkServiceProvider(Entity):
    """``services`` are those it gives on this physical network (a choice of what it can)."""

    physical_network = models.ForeignKey(
        PhysicalNetwork, on_delete=models.CASCADE, related_name="providers"
    )
    name = models.CharField(max_length=64)
    state = models.CharField(max_length=16, default=DISABLED)  # Disabled, Enabled, Shutdown
    services = models.JSONField(default=list)

    objects = LiveManager.from_queryset(AdminQuerySet)()
    everything = models.Manager.from_queryset(AdminQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["physical_network", "name", "alive"], name="provider_once"
            )
        ]


class ElementQuerySet(AdminQuerySet):
    """Elements of virtual routers, and those of internal load balancers, are told apart."""

    def routers(self) -> ElementQuerySet:
        return self.exclude(provider__name="InternalLbVm")

    def balancers(self) -> ElementQuerySet:
        return self.filter(provider__name="InternalLbVm")


class ProviderElement(Entity):
    """What a provider works with: it is enabled before its provider can be."""

    provider = models.ForeignKey(
        NetworkServiceProvider, on_delete=models.CASCADE, related_name="elements"
    )
    enabled = models.BooleanField(default=False)

    objects = LiveManager.from_queryset(ElementQuerySet)()
    everything = models.Manager.from_queryset(ElementQuerySet)()

    def __str__(self) -> str:
        return f"element of {self.provider.name}"
