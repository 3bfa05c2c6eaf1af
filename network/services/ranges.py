"""Ranges of addresses: public ones of a zone, and those that guest networks hand out."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from django.db import transaction

from accounts.models import Account, Domain
from core import live
from core.errors import InUse, InvalidParameter
from core.locking import locked
from infra.models import Pod, Zone
from infra.services import address_book
from infra.services.address_book import Range, Reserved
from network.models import (
    GuestAddress,
    IpRange,
    Network,
    PhysicalNetwork,
    PublicIp,
    StorageIpRange,
)
from network.models.public import FREE
from network.services import physical, public_ips, ranges6, routers, vlans
from network.services.ranges6 import Range6

_SHOWN = 5


@address_book.register_source
def of_zone(zone: Zone) -> Iterator[Reserved]:
    """Public and storage addresses; of guests only in Basic zones, where all share one wire."""
    for row in IpRange.objects.filter(zone=zone).exclude(first=0).select_related("network"):
        if row.is_public:
            words = "the public range"
        elif zone.network_type == "Basic":
            words = f"the range of network {row.network}"
        else:
            continue
        yield Reserved(words, row.first, row.last, address_book.key_of(row))
    for storage in StorageIpRange.objects.filter(pod__zone=zone).select_related("pod"):
        words = f"the storage addresses of pod {storage.pod}"
        yield Reserved(words, storage.first, storage.last, address_book.key_of(storage))


# -- public ----------------------------------------------------------------------------


@transaction.atomic
def add_public(
    zone: Zone,
    wanted: Range,
    *,
    physical_network: PhysicalNetwork | None = None,
    vlan: str = "",
    account: Account | None = None,
    domain: Domain | None = None,
    for_system_vms: bool = False,
) -> IpRange:
    """A range of public addresses, for everybody or for one account or domain.

    The zone is locked: of two who ask for the same addresses, one gets them.
    """
    zone = locked(zone)
    wires = _public_wires(zone, physical_network)
    vlan = vlans.checked(vlan)
    if vlan:
        user = _other_user(zone, int(vlan))
        if user:
            raise InvalidParameter(f"VLAN {vlan} is used by {user} in zone {zone}.")
    if wanted.size > public_ips.MOST_IN_RANGE:
        raise InvalidParameter(
            f"{wanted.size} addresses are too many for one range; "
            f"at most {public_ips.MOST_IN_RANGE} are possible."
        )
    address_book.refuse_overlap(zone, wanted.first, wanted.last)
    _check_same_subnet(zone, wanted, vlan)
    if for_system_vms and account is not None:
        raise InvalidParameter("A range is for system machines or for an account, not for both.")
    row = IpRange.objects.create(
        zone=zone, physical_network=wires, vlan=vlan, account=account,
        domain=account.domain if account else domain, for_system_vms=for_system_vms,
        **wanted.fields(),
    )  # fmt: skip
    public_ips.make_rows(row, row.first, row.last)
    live.changed(row)
    return row


def _public_wires(zone: Zone, asked: PhysicalNetwork | None) -> PhysicalNetwork:
    wires = physical.carrying(zone, "Public")
    if asked is not None and asked.zone_id != zone.pk:
        raise InvalidParameter(f"Physical network {asked} is not in zone {zone}.")
    if wires is None:
        raise InvalidParameter(
            f"No physical network of zone {zone} carries Public traffic; add it with "
            "addTrafficType."
        )
    if asked is not None and asked.pk != wires.pk:
        raise InvalidParameter(
            f"Physical network {asked} carries no Public traffic; {wires} does in zone {zone}."
        )
    return wires


def _other_user(zone: Zone, number: int) -> str:
    user = vlans.user_of(zone, number)
    return "" if user.startswith("the public range") else user


def _check_same_subnet(zone: Zone, wanted: Range, vlan: str) -> None:
    """On one VLAN a subnet has one gateway."""
    mine = address_book.subnet_of(wanted)
    for row in IpRange.objects.filter(zone=zone, network=None, vlan=vlan):
        theirs = row.subnet
        if theirs is None or not theirs.overlaps(mine):
            continue
        if (row.gateway, row.netmask) != (wanted.gateway, wanted.netmask):
            raise InvalidParameter(
                f"The public range {row} on the same VLAN has gateway {row.gateway} and netmask "
                f"{row.netmask}; {mine} overlaps it and must have the same."
            )


# -- guests ----------------------------------------------------------------------------


@transaction.atomic
def add_guest(
    network: Network,
    start_ip: str = "",
    end_ip: str = "",
    *,
    gateway: str = "",
    netmask: str = "",
    pod: Pod | None = None,
    **ip6: str,
) -> IpRange:
    """A range in a guest network's subnet; in a Basic zone also in one of its own.

    The first range of a network without a subnet gives it one. ``ip6`` are start_ip6, end_ip6,
    ip6_cidr and ip6_gateway: of IPv6 beside it, or alone.
    """
    zone = locked(network.zone)
    network = locked(network, "zone", "offering")
    _check_pod(network, pod)
    fields: dict[str, str] = {}
    if any(ip6.values()):
        fields |= _wanted6(network, **ip6).fields()
    if start_ip or not fields:
        fields |= _wanted4(zone, network, start_ip, end_ip, gateway, netmask).fields()
    row = IpRange.objects.create(
        zone=zone, network=network, physical_network=network.physical_network, pod=pod,
        vlan=network.vlan, **fields,
    )  # fmt: skip
    routers.changed(network)
    live.changed(network)
    return row


def _wanted4(
    zone: Zone, network: Network, start_ip: str, end_ip: str, gateway: str, netmask: str
) -> Range:
    gateway = gateway or network.gateway or ""
    netmask = netmask or network.netmask
    if not gateway or not netmask:
        raise InvalidParameter(f"Network {network} has no subnet yet; give gateway and netmask.")
    wanted = address_book.checked(gateway, netmask, start_ip, end_ip)
    _check_subnet(network, wanted)
    _refuse_overlap(network, wanted)
    if zone.network_type == "Basic":
        address_book.refuse_overlap(zone, wanted.first, wanted.last)
    return wanted


def _wanted6(
    network: Network,
    start_ip6: str = "",
    end_ip6: str = "",
    ip6_cidr: str = "",
    ip6_gateway: str = "",
) -> Range6:
    if network.guest_type == "L2":
        raise InvalidParameter(f"Network {network} is an L2 network; it has no addresses.")
    wanted = ranges6.checked(network, start_ip6, end_ip6, cidr=ip6_cidr, gateway=ip6_gateway)
    ranges6.refuse_overlap(network, wanted)
    ranges6.adopt(network, wanted)
    return wanted


def _refuse_overlap(network: Network, wanted: Range, but: IpRange | None = None) -> None:
    rows = IpRange.objects.filter(
        network=network, first__lte=wanted.last, last__gte=wanted.first
    ).exclude(first=0)
    other = rows.exclude(pk=but.pk if but else None).first()
    if other is not None:
        raise InvalidParameter(
            f"{wanted.start_ip}–{wanted.end_ip} overlaps the range {other} of network {network}."
        )


def _check_pod(network: Network, pod: Pod | None) -> None:
    if pod is None:
        return
    if pod.zone_id != network.zone_id:
        raise InvalidParameter(
            f"Pod {pod} is not in zone {network.zone}, where network {network} is."
        )
    if network.zone.network_type != "Basic":
        raise InvalidParameter(
            f"Zone {network.zone} is Advanced: its networks reach all pods; leave podid out."
        )


def _check_subnet(network: Network, wanted: Range) -> None:
    mine = address_book.subnet_of(wanted)
    if not network.cidr:
        network.cidr, network.gateway, network.netmask = str(mine), wanted.gateway, wanted.netmask
        network.save(update_fields=["cidr", "gateway", "netmask"])
        return
    if (wanted.gateway, wanted.netmask) == (network.gateway, network.netmask):
        return
    if network.zone.network_type != "Basic":
        raise InvalidParameter(
            f"Network {network} is {network.cidr} with gateway {network.gateway}; its ranges are "
            "of that subnet."
        )
    others = [ipaddress.IPv4Network(network.cidr)] + [
        row.subnet
        for row in IpRange.objects.filter(network=network).exclude(first=0)
        if row.subnet and (row.gateway, row.netmask) != (wanted.gateway, wanted.netmask)
    ]
    for other in others:
        if other.overlaps(mine):
            raise InvalidParameter(
                f"{mine} overlaps {other}, a subnet of network {network} with another gateway."
            )


def guest_network_of(zone: Zone) -> Network:
    """The one guest network of a Basic zone."""
    found = list(Network.objects.filter(zone=zone, guest_type="Shared").order_by("pk")[:2])
    if not found:
        raise InvalidParameter(f"Zone {zone} has no network yet; create it with createNetwork.")
    if len(found) > 1:
        raise InvalidParameter(f"Zone {zone} has several networks; say which in networkid.")
    return found[0]


# -- changed and gone --------------------------------------------------------------------


@transaction.atomic
def update(
    row: IpRange,
    *,
    for_system_vms: bool | None = None,
    ip6: dict[str, str] | None = None,
    **asked: str,
) -> IpRange:
    """Other ends, or another gateway and netmask. Addresses in use must stay inside."""
    locked(row.zone)
    row = locked(row, "zone", "network")
    wanted6 = _changed6(row, {k: v for k, v in (ip6 or {}).items() if v})
    if not row.start_ip and (any(asked.values()) or not wanted6):
        raise InvalidParameter(f"Range {row} has no IPv4 addresses to change.")
    fields = _changed4(row, for_system_vms, asked) if row.start_ip else {}
    for name, value in {**fields, **wanted6}.items():
        setattr(row, name, value)
    row.save()
    if row.network is not None:
        routers.changed(row.network)
    live.changed(row)
    return row


def _changed4(row: IpRange, for_system_vms: bool | None, asked: dict[str, str]) -> dict[str, str]:
    fields = {"gateway": row.gateway or "", "netmask": row.netmask, "start_ip": row.start_ip,
              "end_ip": row.end_ip or ""}  # fmt: skip
    fields |= {k: v for k, v in asked.items() if v}
    wanted = address_book.checked(**fields)
    moved = (wanted.gateway, wanted.netmask) != (row.gateway, row.netmask)
    if moved:
        _refuse_in_use(row)
    else:
        _refuse_in_use(row, outside=(wanted.first, wanted.last))
    if row.is_public or row.zone.network_type == "Basic":
        address_book.refuse_overlap(row.zone, wanted.first, wanted.last, but=row)
    if row.network is not None:
        _resize_guest(row, wanted, moved=moved)
    else:
        _resize_public(row, wanted, for_system_vms)
    return wanted.fields()


def _changed6(row: IpRange, asked: dict[str, str]) -> dict[str, str]:
    """What is said of IPv6, added to what the range has."""
    if not asked:
        return {}
    if row.network is None:
        raise InvalidParameter(f"Range {row} is of public addresses, which are IPv4.")
    start = asked.get("start_ip6") or row.start_ip6 or ""
    end = asked.get("end_ip6") or ("" if row.start_ip6 is None else row.end_ip6 or "")
    wanted = ranges6.checked(
        row.network, start, end,
        cidr=asked.get("ip6_cidr", ""), gateway=asked.get("ip6_gateway", ""),
    )  # fmt: skip
    ranges6.refuse_overlap(row.network, wanted, but=row)
    _refuse(row, ranges6.users(row, outside=wanted))
    ranges6.adopt(locked(row.network, "zone"), wanted)
    return wanted.fields()


def _resize_guest(row: IpRange, wanted: Range, *, moved: bool) -> None:
    if moved:
        raise InvalidParameter(
            f"Range {row} belongs to network {row.network}; its gateway and netmask stay."
        )
    _refuse_overlap(row.network, wanted, but=row)


def _resize_public(row: IpRange, wanted: Range, for_system_vms: bool | None) -> None:
    if wanted.size > public_ips.MOST_IN_RANGE:
        raise InvalidParameter(f"At most {public_ips.MOST_IN_RANGE} addresses are in one range.")
    if for_system_vms is not None and for_system_vms != row.for_system_vms:
        if row.account_id or row.domain_id:
            raise InvalidParameter(f"Range {row} is dedicated; release it first.")
        refuse_in_use(row)
        row.for_system_vms = for_system_vms
    public_ips.drop_rows(
        row.public_ips.exclude(number__gte=wanted.first, number__lte=wanted.last)
    )
    public_ips.make_rows(row, wanted.first, wanted.last)


@transaction.atomic
def remove(row: IpRange) -> None:
    """Raises InUse saying by what."""
    locked(row.zone)
    row = locked(row, "network")
    refuse_in_use(row)
    public_ips.drop_rows(PublicIp.objects.filter(ip_range=row))
    row.remove()
    if row.network is not None:
        _forget_subnet(row.network)
        routers.changed(row.network)


def _forget_subnet(network: Network) -> None:
    """In a Basic zone ranges gave the network its subnet; with the last one it goes."""
    left = IpRange.objects.filter(network=network).exists() or network.addresses.exists()
    if network.zone.network_type == "Basic" and not left:
        Network.objects.filter(pk=network.pk).update(cidr="", gateway=None, netmask="")


def refuse_in_use(row: IpRange) -> None:
    """Raises InUse naming some of the addresses somebody has, and whose they are."""
    _refuse_in_use(row)
    _refuse(row, ranges6.users(row))


def _refuse_in_use(row: IpRange, outside: tuple[int, int] | None = None) -> None:
    """Of IPv4 alone; with ``outside`` beyond these numbers only."""
    if row.network is not None:
        found = _guests(row, outside)
    else:
        rows: Any = row.public_ips.exclude(state=FREE).select_related("account", "network")
        if outside:
            rows = rows.exclude(number__gte=outside[0], number__lte=outside[1])
        found = [_public_words(r) for r in rows.order_by("number")[: _SHOWN + 1]]
    _refuse(row, found)


def _refuse(row: IpRange, found: list[str]) -> None:
    if found:
        more = " and more" if len(found) > _SHOWN else ""
        raise InUse(f"Range {row} is in use: {', '.join(found[:_SHOWN])}{more}.")


def _guests(row: IpRange, outside: tuple[int, int] | None) -> list[str]:
    rows = GuestAddress.objects.filter(
        network=row.network, ip4_number__gte=row.first, ip4_number__lte=row.last
    )
    if outside:
        rows = rows.exclude(ip4_number__gte=outside[0], ip4_number__lte=outside[1])
    return [
        f"{a.ip4} by machine {a.hostname}" if a.hostname else str(a.ip4)
        for a in rows.order_by("ip4_number")[: _SHOWN + 1]
    ]


def _public_words(row: PublicIp) -> str:
    if row.network is not None:
        return f"{row} by network {row.network} of account {row.account}"
    return f"{row} kept for account {row.account}"


# -- dedication ------------------------------------------------------------------------


@transaction.atomic
def dedicate(row: IpRange, domain: Domain, account: Account | None) -> IpRange:
    """Only this account, or this domain and those below it, get addresses of the range."""
    row = locked(row, "zone", "account", "domain")
    if not row.is_public:
        raise InvalidParameter(f"Range {row} is a guest network's; only public ones are dedicated.")
    if row.account_id or row.domain_id:
        raise InvalidParameter(f"Range {row} is dedicated to {row.account or row.domain} already.")
    if row.for_system_vms:
        raise InvalidParameter(f"Range {row} is kept for system machines.")
    others = row.public_ips.exclude(state=FREE).select_related("account__domain", "network")
    for taken in others:
        if not (taken.account_id == account.pk if account else _is_within(taken.account, domain)):
            raise InUse(f"Range {row} is in use: {_public_words(taken)}.")
    row.account, row.domain = account, domain
    row.save(update_fields=["account", "domain"])
    live.changed(row)
    return row


def _is_within(account: Account, domain: Domain) -> bool:
    return domain.is_root or domain.pk in (account.domain_id, *account.domain.ancestor_ids)


@transaction.atomic
def undedicate(row: IpRange) -> None:
    """For everybody again; who has addresses keeps them."""
    row = locked(row)
    if not row.account_id and not row.domain_id:
        raise InvalidParameter(f"Range {row} is not dedicated.")
    row.account = row.domain = None
    row.save(update_fields=["account", "domain"])
    live.changed(row)
