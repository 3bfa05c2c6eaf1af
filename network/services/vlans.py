"""VLAN ids and VNIs: ranges of physical networks, and which network has which number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from django.db import transaction

from accounts.models import Account
from core.errors import InsufficientCapacity, InUse, InvalidParameter
from core.locking import locked
from network.models import DedicatedVlanRange, GuestVlan, IpRange, Network, PhysicalNetwork

Ranges = list[tuple[int, int]]

#: Highest number by isolation method: IEEE 802.1Q has 12 bits (4095 is reserved), RFC 7348 24.
HIGHEST = {"VLAN": 4094, "VXLAN": 2**24 - 1}
_PART = re.compile(r"\s*(\d{1,8})\s*(?:-\s*(\d{1,8})\s*)?")
_WINDOW = 512
_SHOWN = 5


def number_of(vlan: str) -> int | None:
    """The number of ``100``, ``vlan://100`` or ``vxlan://100``; None when untagged."""
    text = vlan.strip().lower()
    for prefix in ("vlan://", "vxlan://"):
        text = text.removeprefix(prefix)
    if text in ("", "untagged"):
        return None
    if not text.isdigit() or len(text) > 8:
        raise InvalidParameter(f"VLAN “{vlan}” is not a number, nor “untagged”.")
    return int(text)


def checked(vlan: str) -> str:
    """A VLAN id a person typed, in its shortest form; "" when untagged."""
    number = number_of(vlan)
    if number is None:
        return ""
    if not 1 <= number <= HIGHEST["VLAN"]:
        raise InvalidParameter(
            f"VLAN “{vlan}” is not a number from 1 to {HIGHEST['VLAN']}, nor “untagged”."
        )
    return str(number)


# -- ranges ----------------------------------------------------------------------------


def parse(text: str, method: str = "VLAN") -> Ranges:
    """``100-200,300`` as sorted pairs; those that touch or overlap become one."""
    highest = HIGHEST[method]
    found = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        match = _PART.fullmatch(part)
        low = int(match[1]) if match else 0
        high = int(match[2] or match[1]) if match else 0
        if not 1 <= low <= high <= highest:
            kind = "VLAN ids" if method == "VLAN" else "VNIs"
            raise InvalidParameter(
                f"“{part}” is not a range of {kind} like 100-200, from 1 to {highest}."
            )
        found.append((low, high))
    return merged(found)


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    out: Ranges = []
    for low, high in sorted(ranges):
        if out and low <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], high))
        else:
            out.append((low, high))
    return out


def written(ranges: Iterable[tuple[int, int]]) -> str:
    return ",".join(f"{low}-{high}" if high > low else f"{low}" for low, high in ranges)


def method_of(physical: PhysicalNetwork) -> str:
    return "VXLAN" if "VXLAN" in physical.isolation_methods else "VLAN"


def of(physical: PhysicalNetwork) -> Ranges:
    return parse(physical.vlan, method_of(physical))


def within(ranges: Ranges, number: int) -> bool:
    return any(low <= number <= high for low, high in ranges)


def without(ranges: Ranges, taken: Iterable[tuple[int, int]]) -> Ranges:
    """``ranges`` less ``taken``."""
    left = list(ranges)
    for low, high in taken:
        left = [
            piece
            for a, b in left
            for piece in ((a, min(b, low - 1)), (max(a, high + 1), b))
            if piece[0] <= piece[1]
        ]
    return left


def size(ranges: Ranges) -> int:
    return sum(high - low + 1 for low, high in ranges)


def check_change(physical: PhysicalNetwork, wanted: Ranges) -> None:
    """Raises InUse when a network, or an account, would lose what it has."""
    gone = without(of(physical), wanted)
    users = [
        row
        for low, high in gone
        for row in GuestVlan.objects.filter(
            physical_network=physical, number__gte=low, number__lte=high
        ).select_related("network")[: _SHOWN + 1]
    ]
    if users:
        shown = ", ".join(f"{u.number} by network {u.network}" for u in users[:_SHOWN])
        more = " and more" if len(users) > _SHOWN else ""
        raise InUse(f"Physical network {physical} cannot lose VLANs that are used: {shown}{more}.")
    for row in DedicatedVlanRange.objects.filter(physical_network=physical):
        if any(low <= row.last and row.first <= high for low, high in gone):
            raise InUse(
                f"VLANs {row} of physical network {physical} are dedicated to account "
                f"{row.account}; release them first."
            )


def check_overlap(physical: PhysicalNetwork, label: str, wanted: Ranges) -> None:
    """Two physical networks on one device must not use one number. Raises InvalidParameter."""
    others = PhysicalNetwork.objects.filter(
        zone=physical.zone_id,
        traffic_types__type="Guest",
        traffic_types__kvm_label=label,
        traffic_types__removed=None,
    ).exclude(pk=physical.pk)
    for other in others:
        if method_of(other) != method_of(physical):
            continue
        shared = without(wanted, without(wanted, of(other)))
        if shared:
            device = f"device {label}" if label else "the same device"
            raise InvalidParameter(
                f"VLANs {written(shared)} are physical network {other}'s already, on {device}."
            )


# -- one number for a network ------------------------------------------------------------


@transaction.atomic
def take(network: Network) -> str:
    """The next free number for a network, of its account's dedicated ranges first.

    Answers "" where the physical network has no ranges: there each network is a segment of its
    own on its host. Raises InsufficientCapacity when all are taken.
    """
    if network.physical_network is None or not network.physical_network.vlan:
        return ""
    physical = locked(network.physical_network)
    held = GuestVlan.objects.filter(network=network).first()
    if held is not None:
        return str(held.number)
    for ranges in _choices(physical, network.account):
        number = _first_free(physical, ranges)
        if number is not None:
            GuestVlan.objects.create(physical_network=physical, number=number, network=network)
            return str(number)
    raise InsufficientCapacity(
        f"Physical network {physical} has no free VLAN left for network {network} of account "
        f"{network.account}: {_held_by(physical)}."
    )


def _choices(physical: PhysicalNetwork, account: Account) -> Iterator[Ranges]:
    dedicated = list(DedicatedVlanRange.objects.filter(physical_network=physical))
    yield [(d.first, d.last) for d in dedicated if d.account_id == account.pk]
    yield without(of(physical), [(d.first, d.last) for d in dedicated])


def _first_free(physical: PhysicalNetwork, ranges: Ranges) -> int | None:
    for low, high in ranges:
        while low <= high:
            top = min(low + _WINDOW, high + 1)
            taken = set(
                GuestVlan.objects.filter(
                    physical_network=physical, number__gte=low, number__lt=top
                ).values_list("number", flat=True)
            )
            for number in range(low, top):
                if number not in taken:
                    return number
            low = top
    return None


def _held_by(physical: PhysicalNetwork) -> str:
    used = GuestVlan.objects.filter(physical_network=physical).count()
    parts = [f"{used} of {size(of(physical))} in use"]
    for row in DedicatedVlanRange.objects.filter(physical_network=physical).select_related(
        "account"
    )[:_SHOWN]:
        parts.append(f"{row} kept for account {row.account}")
    return ", ".join(parts)


@transaction.atomic
def choose(network: Network, number: int) -> None:
    """A number that the network's creator named. One of the ranges is taken out of them."""
    physical = network.physical_network
    if physical is None or not within(of(physical), number):
        return
    physical = locked(physical)
    keeper = DedicatedVlanRange.objects.filter(
        physical_network=physical, first__lte=number, last__gte=number
    ).first()
    if keeper is not None and keeper.account_id != network.account_id:
        raise InvalidParameter(f"VLAN {number} is kept for account {keeper.account}.")
    GuestVlan.objects.create(physical_network=physical, number=number, network=network)


def give_back(network: Network) -> None:
    GuestVlan.objects.filter(network=network).delete()


def user_of(zone: object, number: int) -> str:
    """Who uses VLAN ``number`` in a zone, in words; "" when nobody does."""
    texts = (str(number), f"vlan://{number}")
    network = Network.objects.filter(zone=zone, vlan__in=texts).first()
    if network is not None:
        return f"network {network}"
    row = IpRange.objects.filter(zone=zone, vlan__in=texts, network=None).first()
    if row is not None:
        return f"the public range {row}"
    for physical in PhysicalNetwork.objects.filter(zone=zone).exclude(vlan=""):
        if within(of(physical), number):
            return f"the guest VLANs {physical.vlan} of physical network {physical}"
    return ""


# -- dedication ------------------------------------------------------------------------


@transaction.atomic
def dedicate(physical: PhysicalNetwork, account: Account, text: str) -> DedicatedVlanRange:
    """``text`` is one range that lies in the physical network's."""
    physical = locked(physical, "zone")
    wanted = parse(text, method_of(physical))
    if len(wanted) != 1:
        raise InvalidParameter(f"“{text}” is not one range of VLAN ids like 100-110.")
    first, last = wanted[0]
    if without(wanted, of(physical)):
        raise InvalidParameter(
            f"VLANs {written(wanted)} are not all in {physical.vlan or 'the (empty) range'}, "
            f"those of physical network {physical}."
        )
    other = DedicatedVlanRange.objects.filter(
        physical_network=physical, first__lte=last, last__gte=first
    ).first()
    if other is not None:
        raise InvalidParameter(f"VLANs {other} are dedicated to account {other.account} already.")
    user = (
        GuestVlan.objects.filter(physical_network=physical, number__gte=first, number__lte=last)
        .exclude(network__account=account)
        .select_related("network__account")
        .first()
    )
    if user is not None:
        raise InUse(
            f"VLAN {user.number} is used by network {user.network} of account "
            f"{user.network.account}; it cannot be dedicated to account {account}."
        )
    return DedicatedVlanRange.objects.create(
        physical_network=physical, account=account, first=first, last=last
    )
