"""What is done to networks on hosts."""

from __future__ import annotations

from django.db import transaction

from accounts.services import limits
from core.errors import InUse
from core.steps import Run, Step, plan
from network.models import Network, NetworkState, Router
from network.services import implementing, routers


@plan()
def restart_network(network: Network) -> list[Step]:
    return [Step(apply_router_again, label="apply the router anew")]


def apply_router_again(run: Run, network: Network) -> None:
    router = Router.objects.filter(network=network).first()
    if router is not None and router.host is not None:
        routers.changed(network)
        routers.apply(run, network, router.host)
    Network.objects.filter(pk=network.pk).update(restart_required=False)


@plan(cancellable=False)
def delete_network(network: Network) -> list[Step]:
    return [
        Step(take_router_away, undo=give_network_back, label="remove the router"),
        Step(forget_network, label="forget the network"),
    ]


def take_router_away(run: Run, network: Network) -> None:
    if network.addresses.exists():
        raise InUse(f"A machine was plugged into network {network} meanwhile.")
    routers.remove(run, network)


def give_network_back(network: Network) -> None:
    network.refresh_from_db()
    if network.state == NetworkState.DESTROY and network.removed is None:
        network.apply("DESTROY_FAILED")


def forget_network(network: Network) -> None:
    with transaction.atomic():
        locked = Network.everything.select_for_update().get(pk=network.pk)
        if locked.removed:
            return
        limits.release(locked.account, {limits.Resource.NETWORK: 1})
        implementing.give_back(locked)
        for row in (*locked.ip_ranges.filter(removed=None), *Router.objects.filter(network=locked)):
            row.remove()
        locked.remove()
