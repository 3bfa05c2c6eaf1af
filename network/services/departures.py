"""Networks of an account that is deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Count, QuerySet

from accounts import cleaning
from accounts.models import Account
from accounts.resources import Resource
from accounts.services import limits
from core.steps import Run
from jobs import batches
from network.models import Network
from network.services import networks


@cleaning.cleaner("networks", Resource.NETWORK, order=50, rows=Network.objects.all)
def remove_networks(accounts: QuerySet[Account], run: Run) -> int:
    mine = Network.objects.filter(account__in=accounts)
    return batches.for_each(
        run, mine, networks.delete, command="deleteNetwork", event_type="NETWORK.DELETE"
    )


@limits.counter(Resource.NETWORK)
def count(keys: Sequence[int]) -> Mapping[int, int]:
    rows = Network.objects.filter(account__in=list(keys))
    return dict(rows.values_list("account").annotate(n=Count("pk")))
