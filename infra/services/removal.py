"""Taking a host out of the cloud; its row stays for history, its name and machine are free."""

from __future__ import annotations

from django.db import transaction

from infra import agents
from infra.models import Host, HostCapacity, HostCredential, HostSample, HostTrend
from infra.states import STATUS


def take_away(host: Host, reason: str = "") -> None:
    """Connecting hosts give up first; the status machine knows no way from there to Removed."""
    if host.status == "Connecting":
        host.move("AgentDisconnected", reason)
    if STATUS.can(host, "Remove"):
        host.move("Remove", reason)
    HostCapacity.objects.filter(host=host).delete()
    HostSample.objects.filter(host=host).delete()
    HostTrend.objects.filter(host=host).delete()
    HostCredential.objects.filter(host=host).delete()
    host.remove(machine=None)
    transaction.on_commit(lambda: agents.drop_link(host))
