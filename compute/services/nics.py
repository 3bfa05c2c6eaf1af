"""Machines in networks: plugged in, pulled out, and what DHCP and DNS call them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from django.db import transaction

from accounts.caller import Caller
from accounts.models import Account
from compute import guestdata
from compute.models import Nic, VirtualMachine
from compute.services import filtering
from core.errors import InvalidParameter, NotAllowedInState
from infra.models import Zone
from network.models import Network
from network.services import addresses


@dataclass(frozen=True)
class NicWish:
    """A network, and the addresses wished for in it (empty: any)."""

    network: Network
    ip4: str = ""
    ip6: str = ""
    mac: str = ""


def check_usable(network: Network, owner: Account, zone: Zone) -> None:
    """Raises InvalidParameter unless machines of ``owner`` in ``zone`` may be plugged in."""
    if network.zone_id != zone.pk:
        raise InvalidParameter(f"Network {network} is not in zone {zone}.")
    network.zone = zone  # not to be read once more
    usable = Network.objects.all().usable_by(Caller(owner))
    if not usable.filter(pk=network.pk).exists():
        raise InvalidParameter(f"Account {owner} may not use network {network}.")
    if not network.can_use_for_deploy:
        raise NotAllowedInState(
            f"Network {network} is {network.state}; machines cannot be plugged into it now."
        )


def default_wishes(owner: Account, zone: Zone) -> list[NicWish]:
    """Where a machine goes whose creator named no network: the account's only own network,
    else the only shared one it may use. Raises InvalidParameter when there is a choice."""
    usable = Network.objects.all().usable_by(Caller(owner)).filter(zone=zone)
    usable = usable.exclude(state="Destroy").exclude(guest_type="L2").order_by("pk")
    for found in (
        list(usable.filter(account=owner, acl_type="Account")[:2]),
        list(usable.filter(guest_type="Shared")[:2]),
    ):
        if len(found) == 1:
            return [NicWish(found[0])]
        if found:
            raise InvalidParameter(
                f"Account {owner} has several networks in zone {zone}; say which in networkids."
            )
    raise InvalidParameter(
        f"Account {owner} has no network in zone {zone}; create one and name it in networkids."
    )


def full_pods(wishes: Sequence[NicWish], zone: Zone) -> frozenset[int]:
    """Pods of a Basic zone where a new machine would get no address, or not the one it wants."""
    if zone.network_type != "Basic":
        return frozenset()
    return frozenset().union(*(addresses.full_pods(w.network, w.ip4) for w in wishes))


def plug(vm: VirtualMachine, wishes: Sequence[NicWish], *, is_new: bool = False) -> list[Nic]:
    """NICs with addresses, the first being the default one if the machine has none yet.

    In the caller's transaction. Raises InvalidParameter for what is taken, and
    InsufficientCapacity when a network has no address left.
    """
    there = [] if is_new else list(Nic.objects.filter(machine=vm).order_by("device_id"))
    _check_wishes(vm, there, wishes)
    free = _free_devices(there, len(wishes))
    has_default = any(n.is_default for n in there)
    placed = []
    for index, wish in sorted(enumerate(wishes), key=lambda pair: pair[1].network.pk):
        address = addresses.allocate(
            wish.network, hostname=vm.hostname, ip4=wish.ip4, ip6=wish.ip6, mac=wish.mac,
            pod=vm.host.pod if vm.host and vm.zone.network_type == "Basic" else None,
            about=partial(guestdata.entries, vm), user_data=vm.user_data,
        )  # fmt: skip
        placed.append(
            Nic.objects.create(
                machine=vm,
                network=wish.network,
                address=address,
                device_id=free[index],
                is_default=True if index == 0 and not has_default else None,
                hostname=vm.hostname,
                rate_mbps=vm.service_offering.network_rate_mbps
                or wish.network.offering.network_rate,
            )
        )
    if any(wish.network.offering.provides("SecurityGroup") for wish in wishes):
        filtering.addresses_changed(vm.pk)
    return sorted(placed, key=lambda n: n.device_id)


def _free_devices(there: Sequence[Nic], wanted: int) -> list[int]:
    taken = {n.device_id for n in there}
    return [n for n in range(len(taken) + wanted) if n not in taken][:wanted]


def _check_wishes(vm: VirtualMachine, there: Sequence[Nic], wishes: Sequence[NicWish]) -> None:
    seen = {n.network_id for n in there}
    for wish in wishes:
        if wish.network.pk in seen:
            raise InvalidParameter(
                f"Virtual machine {vm} would be in network {wish.network} twice."
            )
        seen.add(wish.network.pk)
        refuse_taken_hostname(wish.network, vm.hostname)


def refuse_taken_hostname(network: Network, hostname: str, *, but: VirtualMachine | None = None):
    taken = Nic.objects.filter(network=network, hostname=hostname)
    if but is not None:
        taken = taken.exclude(machine=but)
    if taken.exists():
        raise InvalidParameter(
            f"Network {network} has a machine known as {hostname} already; choose another name."
        )


def unplug(nic: Nic) -> None:
    """The NIC is gone and its addresses are free. Harmless when repeated."""
    with transaction.atomic():
        held = Nic.everything.select_for_update().filter(pk=nic.pk, removed=None).first()
        if held is None:
            return
        address = held.address
        filtering.addresses_changed(held.machine_id)
        held.remove(address=None)
        if address is not None:
            addresses.release(address)


def unplug_all(vm: VirtualMachine) -> None:
    for nic in Nic.objects.filter(machine=vm).order_by("network"):
        unplug(nic)


def rename(vm: VirtualMachine, hostname: str) -> None:
    """The guest's new name in every network it is in; it learns it at its next lease."""
    rows = list(Nic.objects.filter(machine=vm).select_related("network", "address"))
    for nic in rows:
        refuse_taken_hostname(nic.network, hostname, but=vm)
        Nic.objects.filter(pk=nic.pk).update(hostname=hostname)
        if nic.address is not None:
            addresses.rename(nic.address, hostname)


def make_default(vm: VirtualMachine, nic: Nic) -> None:
    with transaction.atomic():
        Nic.objects.filter(machine=vm, is_default=True).exclude(pk=nic.pk).update(is_default=None)
        Nic.objects.filter(pk=nic.pk).update(is_default=True)
