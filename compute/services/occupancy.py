"""How many machines are on each host."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Count, Q

from compute.models import VirtualMachine
from compute.states import VmState
from core.columns import Keys
from infra.services import loads


@loads.count_guests_with
def on_hosts(keys: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Running and all machines, by their host; one query."""
    rows = (
        VirtualMachine.objects.filter(host__in=Keys(keys))
        .values_list("host")
        .order_by("host")
        .annotate(up=Count("pk", filter=Q(state=VmState.RUNNING)), n=Count("pk"))
    )
    return {host: (up, n) for host, up, n in rows}
