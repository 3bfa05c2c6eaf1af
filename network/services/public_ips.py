"""Public addresses: given to a network as its way out, kept for an account, given back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from accounts.models import Account, Domain, pinned
from accounts.resources import Resource
from accounts.services import limits
from core import live
from core.errors import InsufficientCapacity, InUse, InvalidParameter, NotAllowedInState
from core.locking import locked
from infra.models import Zone
from infra.services import address_book
from network.models import IpRange, Network, PublicIp
from network.models.public import ALLOCATED, FREE, RESERVED

#: A range's addresses are rows: enough for a /16.
MOST_IN_RANGE = 2**16


def make_rows(row: IpRange, first: int, last: int) -> None:
    """A row for each address; those that are there already stay."""
    there = set(row.public_ips.values_list("number", flat=True))
    PublicIp.objects.bulk_create(
        [
            PublicIp(ip_range=row, number=n, address=address_book.text(n))
            for n in range(first, last + 1)
            if n not in there
        ],
        batch_size=1000,
    )


def drop_rows(rows: QuerySet[PublicIp]) -> None:
    """Of addresses that are free."""
    pinned.forget_all(rows, timezone.now())
    rows.delete()


def has_ranges(zone: Zone) -> bool:
    return IpRange.objects.filter(zone=zone, network=None, for_system_vms=False).exists()


def source_nat_of(network: Network) -> PublicIp | None:
    return (
        PublicIp.objects.filter(network=network, is_source_nat=True)
        .select_related("ip_range")
        .first()
    )


@transaction.atomic
def take_source_nat(network: Network) -> PublicIp | None:
    """The address by which a network goes out; None in a zone without public ranges.

    Of the owner's dedicated ranges first, then its domain's, then everybody's. Raises
    InsufficientCapacity when all are taken.
    """
    held = source_nat_of(network)
    if held is not None or not has_ranges(network.zone):
        return held
    for row in _ranges_for(network.zone, network.account):
        taken = _take(locked(row), network)
        if taken is not None:
            limits.reserve(network.account, {Resource.PUBLIC_IP: 1})
            return taken
    raise InsufficientCapacity(
        f"Zone {network.zone} has no free public address for network {network} of account "
        f"{network.account}; add a range with createVlanIpRange."
    )


def _ranges_for(zone: Zone, account: Account) -> Iterable[IpRange]:
    rows = list(
        IpRange.objects.filter(zone=zone, network=None, for_system_vms=False).order_by("pk")
    )
    domains = _domains_of(account)
    yield from (r for r in rows if r.account_id == account.pk)
    yield from (r for r in rows if r.account_id is None and r.domain_id in domains)
    yield from (r for r in rows if r.account_id is None and r.domain_id is None)


def _domains_of(account: Account) -> set[int]:
    """The account's domain and those above it; ROOT is in nobody's list of ancestors."""
    return {*account.domain.ancestor_ids, account.domain_id, Domain.root().pk}


def _take(row: IpRange, network: Network) -> PublicIp | None:
    found = row.public_ips.select_for_update().filter(state=FREE).order_by("number").first()
    if found is None:
        return None
    found.belong_to(network.account)
    found.state, found.network, found.is_source_nat = ALLOCATED, network, True
    found.allocated = timezone.now()
    found.save()
    return found


@transaction.atomic
def give_back_all(network: Network) -> None:
    """What a network had is free again, and no longer counted."""
    rows = list(PublicIp.objects.select_for_update().filter(network=network))
    for row in rows:
        limits.release(row.account, {Resource.PUBLIC_IP: 1})
    _free(PublicIp.objects.filter(pk__in=[r.pk for r in rows]))


def _free(rows: QuerySet[PublicIp]) -> None:
    """What its last owner pinned to an address is not for the next one."""
    pinned.forget_all(rows, timezone.now())
    rows.update(
        state=FREE, account=None, of_project=False, network=None, is_source_nat=False,
        allocated=None, display=True,
    )  # fmt: skip


@transaction.atomic
def reserve(ip: PublicIp, account: Account, *, display: bool = True) -> PublicIp:
    """A free address is kept for an account. Raises InvalidParameter when it cannot have it."""
    row = locked(ip, "ip_range")
    if row.state != FREE:
        raise NotAllowedInState(
            f"Public address {row} is {row.state}; only a free one is reserved."
        )
    _check_may_have(row.ip_range, account)
    limits.reserve(account, {Resource.PUBLIC_IP: 1})
    row.belong_to(account)
    row.state, row.allocated, row.display = RESERVED, timezone.now(), display
    row.save()
    live.changed(row)
    return row


def _check_may_have(row: IpRange, account: Account) -> None:
    if row.for_system_vms:
        raise InvalidParameter(f"Range {row} is kept for system machines.")
    if row.account_id is not None and row.account_id != account.pk:
        raise InvalidParameter(f"Range {row} is kept for account {row.account}.")
    of_domain = row.domain_id is not None and row.account_id is None
    if of_domain and row.domain_id not in _domains_of(account):
        raise InvalidParameter(f"Range {row} is kept for domain {row.domain}.")


@transaction.atomic
def release(ip: PublicIp) -> None:
    """A reserved address is free again. One that a network uses is refused."""
    row = locked(ip, "network", "account")
    if row.state == FREE:
        raise NotAllowedInState(f"Public address {row} is free already.")
    if row.network is not None:
        raise InUse(f"Public address {row} is used by network {row.network}.")
    limits.release(row.account, {Resource.PUBLIC_IP: 1})
    _free(PublicIp.objects.filter(pk=row.pk))
    live.changed(row)


@limits.counter(Resource.PUBLIC_IP)
def count(keys: Sequence[int]) -> Mapping[int, int]:
    rows = PublicIp.objects.filter(account__in=list(keys))
    return dict(rows.values_list("account").annotate(n=Count("pk")))
