"""How many addresses and VLANs of zones there are, and how many are taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db.models import Count, F, Q, Sum

from infra.services import capacities, summary
from infra.services.capacities import Amount
from network.models import GuestAddress, GuestVlan, IpRange, PhysicalNetwork, PublicIp, Router
from network.models.public import FREE
from network.services import vlans

DIRECT_ATTACHED_PUBLIC_IP = 8
_TYPE = "Shared"


@capacities.register_provider
def addresses(level: str, where: dict[str, Any]) -> Iterable[Amount]:
    """Networks reach a whole zone, so there is nothing to say of pods and clusters."""
    if level != "zone" or set(where) - {"zone", "zone__in"}:
        return
    network = {f"network__{path}": value for path, value in where.items()}
    ranges = (
        IpRange.objects.filter(network__guest_type=_TYPE, network__removed=None, **network)
        .exclude(first=0)
        .values("network__zone_id")
        .annotate(n=Sum(F("last") - F("first") + 1))
        .order_by("network__zone_id")
        .values_list("network__zone_id", "n")
    )
    used = Counter(
        dict(
            GuestAddress.objects.filter(network__guest_type=_TYPE, **network)
            .exclude(ip4=None)
            .values("network__zone_id")
            .annotate(n=Count("pk"))
            .order_by("network__zone_id")
            .values_list("network__zone_id", "n")
        )
    )
    for zone_id, total in ranges:
        yield Amount(
            DIRECT_ATTACHED_PUBLIC_IP,
            zone_id,
            total=int(total),
            used=used[zone_id],
            allocated=used[zone_id],
        )


@capacities.register_provider
def public_addresses(level: str, where: dict[str, Any]) -> Iterable[Amount]:
    if level != "zone" or set(where) - {"zone", "zone__in"}:
        return
    rows = (
        PublicIp.objects.filter(**{f"ip_range__{path}": value for path, value in where.items()})
        .values("ip_range__zone_id")
        .annotate(total=Count("pk"), free=Count("pk", filter=Q(state=FREE)))
        .order_by("ip_range__zone_id")
        .values_list("ip_range__zone_id", "total", "free")
    )
    for zone_id, total, free in rows:
        used = total - free
        yield Amount(capacities.PUBLIC_IP, zone_id, total=total, used=used, allocated=used)


@capacities.register_provider
def guest_vlans(level: str, where: dict[str, Any]) -> Iterable[Amount]:
    if level != "zone" or set(where) - {"zone", "zone__in"}:
        return
    totals: Counter[int] = Counter()
    for physical in PhysicalNetwork.objects.filter(**where).exclude(vlan="").order_by("zone"):
        totals[physical.zone_id] += vlans.size(vlans.of(physical))
    if not totals:
        return
    held = GuestVlan.objects.filter(physical_network__zone__in=list(totals))
    used = dict(held.values_list("physical_network__zone").annotate(n=Count("pk")))
    for zone_id, total in totals.items():
        n = used.get(zone_id, 0)
        yield Amount(capacities.VLAN, zone_id, total=total, used=n, allocated=n)


summary.register_counter("routers", lambda: Router.objects.count())
