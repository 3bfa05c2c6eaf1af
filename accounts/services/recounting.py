"""Counting anew what accounts and domains use, and carrying it where a domain moves."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from django.db import transaction
from django.db.models import Q, Sum

from accounts.models import Account, Domain, ResourceCount
from accounts.querysets import in_subtree
from accounts.resources import FACTS, Resource
from accounts.services import limits
from accounts.services.limits import UNLIMITED, Key

log = logging.getLogger(__name__)

_SOME = 500  # accounts in one transaction

#: What rows say: (account, resource, tag) → amount.
Truth = dict[tuple[int, int, str], int]


def recount(
    domain: Domain,
    account: Account | None = None,
    only: Resource | None = None,
    tag: str | None = None,
) -> None:
    """Set counts to what the rows say: of one account, or of a domain, everything below it
    and the domains above. ``tag`` counts only what has that tag.

    Whoever reserves holds the same locks until its rows are committed, so nothing is
    counted twice or missed.
    """
    resources = [r for r in sorted(limits.COUNTERS) if only in (None, r)]
    accounts = Account.everything.filter(
        Q(pk=account.pk) if account else in_subtree(domain, "domain")
    )
    keys = list(accounts.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(keys), _SOME):
        with transaction.atomic():
            _recount_accounts(keys[start : start + _SOME], resources, tag)
    if account:
        tree = Q(pk__in=domain.ancestor_ids)
    else:
        tree = in_subtree(domain) | Q(pk__in=domain.ancestor_ids)
    for below in Domain.objects.filter(tree, level__gt=0).order_by("pk"):
        with transaction.atomic():
            _recount_domain(below, resources, tag)


def mend() -> int:
    """Look, without a lock, for counts that differ from the rows, and recount those accounts
    and domains. Returns how many there were; something is wrong in a service if any."""
    resources = sorted(limits.COUNTERS)
    accounts = dict(Account.objects.order_by("pk").values_list("pk", "domain__path"))
    keys = list(accounts)
    sums: Truth = {}
    wrong: list[int] = []
    for start in range(0, len(keys), 1000):
        some = keys[start : start + 1000]
        true, kept = _truth(some, resources), _kept(Q(account__in=some, resource__in=resources))
        differ = {key[0] for key in {*true, *kept} if true.get(key, 0) != kept.get(key, 0)}
        wrong += sorted(differ)
        for (key, resource, tag), n in true.items():
            for domain_id in (int(part) for part in accounts[key].split("/") if part):
                place = (domain_id, resource, tag)
                sums[place] = sums.get(place, 0) + n
    for account in Account.objects.select_related("domain").filter(pk__in=wrong):
        recount(account.domain, account)
    return len(wrong) + _mend_domains(sums, resources)


def _mend_domains(sums: Truth, resources: list[Resource]) -> int:
    kept = _kept(Q(account=None, resource__in=resources), "domain")
    wrong = {key[0] for key in {*sums, *kept} if sums.get(key, 0) != kept.get(key, 0)}
    for domain in Domain.objects.filter(pk__in=wrong):
        with transaction.atomic():
            _recount_domain(domain, resources, None)
    return len(wrong)


def _truth(keys: list[int], resources: Iterable[Resource]) -> Truth:
    wanted = set(resources)
    true: Truth = {}
    for resource in wanted:
        for key, n in limits.COUNTERS[resource](keys).items():
            true[key, int(resource), ""] = n
    for count in limits.TAG_COUNTERS:
        true |= {place: n for place, n in count(keys).items() if place[1] in wanted}
    return true


def _kept(condition: Q, holder: str = "account") -> Truth:
    rows = ResourceCount.objects.filter(condition)
    return {(h, r, t): n for h, r, t, n in rows.values_list(holder, "resource", "tag", "used")}


def _recount_accounts(keys: list[int], resources: list[Resource], tag: str | None) -> None:
    """Counts are locked before the rows are read, and those made that rows ask for."""
    places = {(k, int(r), "") for k in keys for r in resources if not tag}
    places |= {p for p in _truth(keys, resources) if tag in (None, p[2])}
    ResourceCount.objects.bulk_create(
        [ResourceCount(account_id=k, resource=r, tag=t) for k, r, t in sorted(places)],
        ignore_conflicts=True,
    )
    of_tag = Q() if tag is None else Q(tag=tag)
    rows = limits.lock(Q(account__in=keys, resource__in=resources) & of_tag)
    true = _truth(keys, resources)
    wrong = [r for r in rows if r.used != true.get((r.account_id, r.resource, r.tag), 0)]
    for row in wrong:
        right = true.get((row.account_id, row.resource, row.tag), 0)
        words = FACTS[Resource(row.resource)].words
        log.warning("account %s: %s were %s, are %s", row.account_id, words, row.used, right)
        row.used = right
    ResourceCount.objects.bulk_update(wrong, ["used"], batch_size=500)


def _recount_domain(domain: Domain, resources: list[Resource], tag: str | None) -> None:
    below = ResourceCount.objects.filter(
        in_subtree(domain, "account__domain"), resource__in=resources, account__isnull=False
    )
    of_tag = Q() if tag is None else Q(tag=tag)
    keys: set[Key] = {(int(r), "") for r in resources if not tag}
    keys |= set(below.filter(of_tag).values_list("resource", "tag").distinct())
    ResourceCount.objects.bulk_create(
        [ResourceCount(domain=domain, resource=r, tag=t) for r, t in sorted(keys)],
        ignore_conflicts=True,
    )
    rows = limits.lock(Q(domain=domain, resource__in=resources) & of_tag)
    found = below.values_list("resource", "tag").annotate(sum=Sum("used"))
    sums = {(r, t): n for r, t, n in found}
    for row in rows:
        row.used = sums.get((row.resource, row.tag), 0)
    ResourceCount.objects.bulk_update(rows, ["used"])


def move_domain(domain: Domain, old: list[int], new: list[int]) -> None:
    """Carry what ``domain`` uses from the domains ``old`` above it to the domains ``new``.

    Raises LimitExceeded when one of the new ones has not that much left.
    """
    amounts: dict[Key, int] = {
        (r, t): n for (_, r, t), n in _kept(Q(domain=domain), "domain").items()
    }
    left, joined = sorted(set(old) - set(new)), sorted(set(new) - set(old))
    ResourceCount.objects.bulk_create(
        [ResourceCount(domain_id=d, resource=r, tag=t) for d in joined for r, t in amounts],
        ignore_conflicts=True,
    )
    ceilings = _ceilings(joined)
    for row in limits.lock(Q(domain__in=[*left, *joined])):
        amount = amounts.get((row.resource, row.tag), 0)
        if not amount:
            continue
        if row.domain_id in joined:
            _check_room(row, amount, ceilings[row.domain_id])
            row.used += amount
        else:
            row.used = max(row.used - amount, 0)
        row.save(update_fields=["used"])


def _ceilings(domains: list[int]) -> dict[int, dict[Key, int]]:
    plain = limits.limits_of_domains(
        Domain.objects.filter(pk__in=domains).values_list("pk", "level")
    )
    tagged = limits.tagged_limits("domain", plain)
    return {d: {**{(int(r), ""): n for r, n in plain[d].items()}, **tagged[d]} for d in plain}


def _check_room(row: ResourceCount, amount: int, ceilings: Mapping[Key, int]) -> None:
    resource = Resource(row.resource)
    maximum = ceilings.get((row.resource, row.tag), UNLIMITED)
    ceiling = maximum * FACTS[resource].unit
    if maximum != UNLIMITED and row.used + amount > ceiling:
        holder = limits.domain_words(row.domain_id)
        raise limits.exceeded(holder, resource, row.tag, ceiling, row.used, amount)
