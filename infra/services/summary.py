"""How many of everything there are: the dashboard's and listInfrastructure's numbers."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import Sum

from infra.models import Alert, Cluster, Host, Pod, Zone
from jobs.models import Worker

Counter = Callable[[], int]
_counters: dict[str, Counter] = {}


def register_counter(name: str, counter: Counter) -> None:
    """For things above infra: storagepools, imagestores, routers, …"""
    _counters[name] = counter


def counts() -> dict[str, int]:
    hosts = Host.objects.all()
    return {
        "zones": Zone.objects.count(),
        "pods": Pod.objects.count(),
        "clusters": Cluster.objects.count(),
        "hosts": hosts.count(),
        "cpusockets": hosts.aggregate(n=Sum("cpu_sockets"))["n"] or 0,
        "alerts": Alert.objects.filter(archived=False, resolved=None).count(),
        "managementservers": Worker.objects.count(),
        "ilbvms": 0,
        **{name: counter() for name, counter in sorted(_counters.items())},
    }
