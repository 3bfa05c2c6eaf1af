"""Networks and addresses of an account that is deleted, and what was kept for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Count, QuerySet

from accounts import cleaning
from accounts.models import Account, Domain
from accounts.resources import Resource
from accounts.services import limits
from core.steps import Run
from jobs import batches
from network.models import DedicatedVlanRange, IpRange, Network, NetworkPermission, PublicIp
from network.services import networks, public_ips


@cleaning.cleaner("networks", Resource.NETWORK, order=50, rows=Network.objects.all)
def remove_networks(accounts: QuerySet[Account], run: Run) -> int:
    mine = Network.objects.filter(account__in=accounts)
    return batches.for_each(
        run, mine, networks.delete, command="deleteNetwork", event_type="NETWORK.DELETE"
    )


@cleaning.cleaner("public addresses", Resource.PUBLIC_IP, order=60, rows=PublicIp.objects.all)
def release_addresses(accounts: QuerySet[Account], run: Run) -> int:
    """Those of networks go with their networks, before."""
    for row in PublicIp.objects.filter(account__in=accounts, network=None):
        public_ips.release(row)
    return PublicIp.objects.filter(account__in=accounts).count()


@cleaning.forgetter
def forget(holder: Account | Domain) -> None:
    """Ranges that were kept for the account, or the domain, are everybody's again."""
    if isinstance(holder, Domain):
        IpRange.objects.filter(domain=holder).update(account=None, domain=None)
        return
    IpRange.objects.filter(account=holder).update(account=None, domain=None)
    for row in DedicatedVlanRange.objects.filter(account=holder):
        row.remove()
    NetworkPermission.objects.filter(account=holder).delete()


@limits.counter(Resource.NETWORK)
def count(keys: Sequence[int]) -> Mapping[int, int]:
    rows = Network.objects.filter(account__in=list(keys))
    return dict(rows.values_list("account").annotate(n=Count("pk")))
