"""Who provides services on a physical network, and the elements that do the work."""

from __future__ import annotations

from django.db import models

from accounts.models import Entity
from accounts.querysets import AdminQuerySet, LiveManager
from network.models.physical import PhysicalNetwork

ENABLED, DISABLED, SHUTDOWN = "Enabled", "Disabled", "Shutdown"
INTERNAL_LB = "InternalLbVm"


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
    def routers(self) -> ElementQuerySet:
        """Without the elements of internal load balancers."""
        return self.exclude(provider__name=INTERNAL_LB)


class ProviderElement(Entity):
    """What a provider works with: it is enabled before its provider can be."""

    provider = models.ForeignKey(
        NetworkServiceProvider, on_delete=models.CASCADE, related_name="elements"
    )
    enabled = models.BooleanField(default=False)

    objects = LiveManager.from_queryset(ElementQuerySet)()
    everything = models.Manager.from_queryset(ElementQuerySet)()

    def __str__(self) -> str:
        return str(self.provider.name)


class _Balancers(LiveManager.from_queryset(ElementQuerySet)):  # type: ignore[misc]
    def get_queryset(self) -> models.QuerySet:
        return super().get_queryset().filter(provider__name=INTERNAL_LB)


class _AllBalancers(models.Manager.from_queryset(ElementQuerySet)):  # type: ignore[misc]
    def get_queryset(self) -> models.QuerySet:
        return super().get_queryset().filter(provider__name=INTERNAL_LB)


class InternalLbElement(ProviderElement):
    """The same rows, as the commands for internal load balancers know them."""

    objects = _Balancers()
    everything = _AllBalancers()

    class Meta:
        proxy = True
