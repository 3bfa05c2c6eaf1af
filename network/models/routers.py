"""The router of a network: the wanted state is a number here, the rest is computed."""

from __future__ import annotations

import ipaddress
import re

from django.db import models
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat

from accounts.models import Entity, OfProject
from accounts.querysets import LiveManager, OwnedQuerySet
from infra.models import Host
from network.models.networks import Network

_LINKS = ipaddress.ip_network("100.64.0.0/10")  # RFC 6598: never routed on the internet


#: How routers are called, for the database to look in.
NAME = Concat(Value("r-"), Cast("pk", CharField()), Value("-VM"))


class RouterQuerySet(OwnedQuerySet):
    def called(self, name: str) -> RouterQuerySet:
        """Names are made of keys: ``r-1-VM``."""
        found = re.fullmatch(r"r-(\d{1,18})-vm", name.strip().lower())
        return self.filter(pk=int(found[1])) if found else self.none()


class Router(Entity):
    """A network namespace on ``host`` that serves one network.

    ``version`` grows with every change of what is wanted, in the transaction of the change;
    ``applied_version`` is the newest a host has confirmed.
    """

    OWNER = "network__account"
    network = models.OneToOneField(Network, on_delete=models.PROTECT, related_name="router")
    of_project = OfProject()
    host = models.ForeignKey(Host, null=True, on_delete=models.PROTECT, related_name="routers")
    state = models.CharField(max_length=16, default="Stopped")  # Starting Running Stopping …
    # A person stopped it: it stays off until it is started, or a machine of its network is.
    rests = models.BooleanField(default=False)
    version = models.PositiveBigIntegerField(default=1)
    applied_version = models.PositiveBigIntegerField(default=0)
    applied_at = models.DateTimeField(null=True)
    problems = models.JSONField(default=list)

    objects = LiveManager.from_queryset(RouterQuerySet)()
    everything = models.Manager.from_queryset(RouterQuerySet)()

    class Meta:
        indexes = [models.Index(fields=["removed", "of_project"], name="router_listed")]

    @property
    def name(self) -> str:
        return f"r-{self.pk}-VM"

    @property
    def link(self) -> tuple[str, str]:
        """The two ends of the link to the host: (router's, host's), each ``address/30``."""
        room = _LINKS.num_addresses // 4
        base = _LINKS.network_address + 4 * (self.pk % room)
        return f"{base + 2}/30", f"{base + 1}/30"
