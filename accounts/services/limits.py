"""Quotas: reserved in the transaction that makes the thing, under row locks (rule R10).

Locks are taken in one order, the account's counts before those of its domains, so two
callers can wait for each other but never in a circle. ROOT has no limit and no count of its
own: every reservation in the cloud would meet at its row.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from django.db import models, transaction
from django.db.models import Case, F, Q, Sum, Value, When
from django.db.models.functions import Greatest

from accounts.models import Account, Domain, ResourceCount, ResourceLimit
from accounts.querysets import in_subtree
from accounts.resources import FACTS, Resource
from core.commands import RoleType
from core.errors import LimitExceeded

log = logging.getLogger(__name__)

UNLIMITED = -1
Amounts = Mapping[Resource, int]

#: (account keys) → what each really has; an account that is left out has none.
Counter = Callable[[Sequence[int]], Mapping[int, int]]
COUNTERS: dict[Resource, Counter] = {}


def counter(resource: Resource) -> Callable[[Counter], Counter]:
    """Registers how a context counts what its rows use, for recounts and before deletions."""

    def register(function: Counter) -> Counter:
        COUNTERS[resource] = function
        return function

    return register


def reserve(account: Account, amounts: Amounts) -> None:
    """Take ``amounts`` (bytes for storage, MiB for memory) from the account and its domains.

    Raises LimitExceeded, with nothing taken, when one of them has not that much left. Must
    run in the transaction that makes what is counted.
    """
    _change(account, {r: n for r, n in amounts.items() if n}, check=True)


def release(account: Account, amounts: Amounts) -> None:
    """Give ``amounts`` back, in the transaction that removes what was counted."""
    _change(account, {r: -n for r, n in amounts.items() if n}, check=False)


def _change(account: Account, amounts: Amounts, *, check: bool) -> None:
    if not amounts:
        return
    domain_ids = account.domain.ancestor_ids
    rows = _locked(account.pk, domain_ids, amounts)
    if check:
        _check(account, rows, amounts)
    steps = [When(resource=r, then=Value(n)) for r, n in amounts.items()]
    grown = F("used") + Case(*steps, output_field=models.BigIntegerField())
    ResourceCount.objects.filter(pk__in=[r.pk for r in rows]).update(used=Greatest(grown, 0))


def _locked(account_id: int, domain_ids: list[int], resources: Iterable[int]) -> list:
    """The counts of the account and of its domains, locked in that order; made if missing."""
    wanted = sorted(resources)
    of_account = Q(account=account_id, resource__in=wanted)
    of_domains = Q(domain__in=domain_ids, resource__in=wanted)
    found = _lock(of_account) + _lock(of_domains)
    if len(found) < len(wanted) * (1 + len(domain_ids)):
        _make_missing(account_id, domain_ids, wanted)
        found = _lock(of_account) + _lock(of_domains)
    return found


def _make_missing(account_id: int, domain_ids: list[int], resources: list[Resource]) -> None:
    """Holders are locked first: of two that insert the same row at once, both would wait
    with a shared lock for the other's exclusive one."""
    list(Account.everything.select_for_update().filter(pk=account_id).values_list("pk"))
    list(Domain.everything.select_for_update().filter(pk__in=domain_ids).order_by("pk"))
    ResourceCount.objects.bulk_create(
        [ResourceCount(account_id=account_id, resource=r) for r in resources]
        + [ResourceCount(domain_id=d, resource=r) for d in domain_ids for r in resources],
        ignore_conflicts=True,
    )


def _lock(condition: Q) -> list[ResourceCount]:
    rows = ResourceCount.objects.select_for_update().filter(condition)
    return list(rows.order_by("domain", "account", "resource"))


def _check(account: Account, rows: list[ResourceCount], amounts: Amounts) -> None:
    maxima = _maxima(account, amounts)
    for row in rows:
        resource, asked = Resource(row.resource), amounts[Resource(row.resource)]
        maximum = maxima[(row.domain_id, resource)]
        ceiling = maximum * FACTS[resource].unit
        if asked > 0 and maximum != UNLIMITED and row.used + asked > ceiling:
            holder = _domain_words(row.domain_id) if row.domain_id else f"Account {account.name}"
            raise _exceeded(holder, resource, ceiling, row.used, asked)


def _exceeded(holder: str, resource: Resource, ceiling: int, used: int, asked: int):
    facts = FACTS[resource]
    words = facts.words.removeprefix("GiB of ").removeprefix("MiB of ")
    return LimitExceeded(
        f"{holder} may have {facts.show(ceiling)} of {words}: {facts.show(used)} in use, "
        f"{facts.show(asked)} more asked for. Free some, or ask an administrator for a "
        "higher limit.",
        details={
            "resourcetype": int(resource),
            "resourcetypename": facts.wire,
            "limit": ceiling,
            "used": used,
            "asked": asked,
        },
    )


def _domain_words(domain_id: int) -> str:
    return f"Domain {Domain.everything.get(pk=domain_id).name_path}"


def _maxima(account: Account, resources: Iterable[Resource]) -> dict:
    """(domain key or None for the account, resource) → ceiling in the limit's unit."""
    domain_ids = account.domain.ancestor_ids
    rows = ResourceLimit.objects.filter(
        Q(account=account) | Q(domain__in=domain_ids), resource__in=list(resources)
    )
    stored = {(row.domain_id, Resource(row.resource)): row.maximum for row in rows}
    free = account.role.type == RoleType.ADMIN
    found = {}
    for resource in resources:
        default = UNLIMITED if free else FACTS[resource].account_default.get()
        found[(None, resource)] = stored.get((None, resource), default)
        for domain_id in domain_ids:
            default = FACTS[resource].domain_default.get()
            found[(domain_id, resource)] = stored.get((domain_id, resource), default)
    return found


# -- asking and setting ------------------------------------------------------------------


def limits_of_accounts(accounts: Iterable[tuple[int, str]]) -> dict[int, dict[Resource, int]]:
    """Ceilings in force, for many accounts at once: ``(key, role type)`` → resource → limit."""
    roles = dict(accounts)
    stored: dict[int, dict[int, int]] = {}
    for account_id, resource, maximum in ResourceLimit.objects.filter(
        account__in=list(roles)
    ).values_list("account", "resource", "maximum"):
        stored.setdefault(account_id, {})[resource] = maximum
    defaults = {r: facts.account_default.get() for r, facts in FACTS.items()}
    unlimited = dict.fromkeys(FACTS, UNLIMITED)
    return {
        key: {**(unlimited if kind == RoleType.ADMIN else defaults), **stored.get(key, {})}
        for key, kind in roles.items()
    }


def limits_of_domains(domains: Iterable[tuple[int, int]]) -> dict[int, dict[Resource, int]]:
    """The same for domains: ``(key, level)``; ROOT (level 0) has none."""
    levels = dict(domains)
    stored: dict[int, dict[int, int]] = {}
    for domain_id, resource, maximum in ResourceLimit.objects.filter(
        domain__in=list(levels)
    ).values_list("domain", "resource", "maximum"):
        stored.setdefault(domain_id, {})[resource] = maximum
    defaults = {r: facts.domain_default.get() for r, facts in FACTS.items()}
    unlimited = dict.fromkeys(FACTS, UNLIMITED)
    return {
        key: unlimited if level == 0 else {**defaults, **stored.get(key, {})}
        for key, level in levels.items()
    }


def used_by_accounts(keys: Sequence[int]) -> dict[int, dict[int, int]]:
    return _used("account", keys)


def used_by_domains(keys: Sequence[int]) -> dict[int, dict[int, int]]:
    """ROOT's use is the sum over all accounts, made only when it is asked for."""
    found = _used("domain", keys)
    for root in Domain.everything.filter(pk__in=keys, level=0).values_list("pk", flat=True):
        sums = ResourceCount.objects.filter(domain=None).values("resource")
        found[root] = {s["resource"]: s["sum"] for s in sums.annotate(sum=Sum("used"))}
    return found


def _used(holder: str, keys: Sequence[int]) -> dict[int, dict[int, int]]:
    found: dict[int, dict[int, int]] = {}
    rows = ResourceCount.objects.filter(**{f"{holder}__in": list(keys)})
    for key, resource, used in rows.values_list(holder, "resource", "used"):
        found.setdefault(key, {})[resource] = used
    return found


def set_limit(holder: Account | Domain, resource: Resource, maximum: int) -> None:
    """``maximum`` in the limit's unit; -1 is none."""
    where = {"domain": holder} if isinstance(holder, Domain) else {"account": holder}
    ResourceLimit.objects.update_or_create(
        resource=resource, **where, defaults={"maximum": maximum}
    )


# -- counting anew -----------------------------------------------------------------------


def recount(domain: Domain, account: Account | None = None, only: Resource | None = None) -> None:
    """Set counts to what the rows say: of one account, or of a domain, everything below it
    and the domains above.

    Whoever reserves holds the same locks until its rows are committed, so nothing is
    counted twice or missed.
    """
    resources = [r for r in sorted(COUNTERS) if only in (None, r)]
    accounts = Account.everything.filter(
        Q(pk=account.pk) if account else in_subtree(domain, "domain")
    )
    keys = list(accounts.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(keys), 500):
        with transaction.atomic():
            _recount_accounts(keys[start : start + 500], resources)
    if account:
        tree = Q(pk__in=domain.ancestor_ids)
    else:
        tree = in_subtree(domain) | Q(pk__in=domain.ancestor_ids)
    for below in Domain.objects.filter(tree, level__gt=0).order_by("pk"):
        with transaction.atomic():
            _recount_domain(below, resources)


def mend() -> int:
    """Look, without a lock, for counts that differ from the rows, and recount those accounts
    and domains. Returns how many there were; something is wrong in a service if any."""
    resources = sorted(COUNTERS)
    accounts = dict(Account.objects.order_by("pk").values_list("pk", "domain__path"))
    keys = list(accounts)
    sums: dict[tuple[int, int], int] = {}
    wrong: list[int] = []
    for start in range(0, len(keys), 1000):
        some = keys[start : start + 1000]
        used, true = used_by_accounts(some), {r: COUNTERS[r](some) for r in resources}
        for key in some:
            counted = {r: true[r].get(key, 0) for r in resources}
            if any(used.get(key, {}).get(r, 0) != n for r, n in counted.items()):
                wrong.append(key)
            for domain_id in (int(part) for part in accounts[key].split("/") if part):
                for r, n in counted.items():
                    sums[domain_id, r] = sums.get((domain_id, r), 0) + n
    for account in Account.objects.select_related("domain").filter(pk__in=wrong):
        recount(account.domain, account)
    return len(wrong) + _mend_domains(sums, resources)


def _mend_domains(sums: dict[tuple[int, int], int], resources: list[Resource]) -> int:
    rows = ResourceCount.objects.filter(account=None, resource__in=resources)
    kept = {(d, r): n for d, r, n in rows.values_list("domain", "resource", "used")}
    wrong = {d for d, r in {*sums, *kept} if sums.get((d, r), 0) != kept.get((d, r), 0)}
    for domain in Domain.objects.filter(pk__in=wrong):
        with transaction.atomic():
            _recount_domain(domain, resources)
    return len(wrong)


def _recount_accounts(keys: list[int], resources: list[Resource]) -> None:
    ResourceCount.objects.bulk_create(
        [ResourceCount(account_id=k, resource=r) for k in keys for r in resources],
        ignore_conflicts=True,
    )
    rows = _lock(Q(account__in=keys, resource__in=resources))
    true = {r: COUNTERS[r](keys) for r in resources}
    wrong = [row for row in rows if row.used != true[Resource(row.resource)].get(row.account_id, 0)]
    for row in wrong:
        right = true[Resource(row.resource)].get(row.account_id, 0)
        words = FACTS[Resource(row.resource)].words
        log.warning("account %s: %s were %s, are %s", row.account_id, words, row.used, right)
        row.used = right
    ResourceCount.objects.bulk_update(wrong, ["used"], batch_size=500)


def _recount_domain(domain: Domain, resources: list[Resource]) -> None:
    ResourceCount.objects.bulk_create(
        [ResourceCount(domain=domain, resource=r) for r in resources], ignore_conflicts=True
    )
    rows = _lock(Q(domain=domain, resource__in=resources))
    below = ResourceCount.objects.filter(in_subtree(domain, "account__domain"))
    sums = dict(below.values_list("resource").annotate(sum=Sum("used")))
    for row in rows:
        row.used = sums.get(row.resource, 0)
    ResourceCount.objects.bulk_update(rows, ["used"])


def move_domain(domain: Domain, old: list[int], new: list[int]) -> None:
    """Carry what ``domain`` uses from the domains ``old`` above it to the domains ``new``.

    Raises LimitExceeded when one of the new ones has not that much left.
    """
    amounts = {Resource(r): n for r, n in _used("domain", [domain.pk]).get(domain.pk, {}).items()}
    left, joined = sorted(set(old) - set(new)), sorted(set(new) - set(old))
    limits = limits_of_domains(
        Domain.objects.filter(pk__in=joined).values_list("pk", "level")
    )
    ResourceCount.objects.bulk_create(
        [ResourceCount(domain_id=d, resource=r) for d in joined for r in amounts],
        ignore_conflicts=True,
    )
    for row in _lock(Q(domain__in=[*left, *joined], resource__in=list(amounts))):
        resource = Resource(row.resource)
        amount = amounts[resource]
        if row.domain_id in joined:
            maximum = limits[row.domain_id][resource]
            ceiling = maximum * FACTS[resource].unit
            if amount and maximum != UNLIMITED and row.used + amount > ceiling:
                holder = _domain_words(row.domain_id)
                raise _exceeded(holder, resource, ceiling, row.used, amount)
            row.used += amount
        else:
            row.used = max(row.used - amount, 0)
        row.save(update_fields=["used"])
