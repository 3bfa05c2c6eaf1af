"""How many addresses of the shared networks there are, and how many guests have one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db.models import Count, F, Sum

from infra.services import capacities, summary
from infra.services.capacities import Amount
from network.models import GuestAddress, IpRange, Router

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


summary.register_counter("routers", lambda: Router.objects.count())
