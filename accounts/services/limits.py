"""Quotas: reserved in the transaction that makes the thing, under row locks (rule R10).

Locks are taken in one order, accounts' counts before those of domains, so two callers can
wait for each other but never in a circle. ROOT has no limit and no count of its own: every
reservation in the cloud would meet at its row.

What offerings with a host or storage tag use is counted under that tag as well. A tag has
limits of its own while the settings ``resource.limit.host.tags`` and
``resource.limit.storage.tags`` name it; where none is set, the limit without a tag holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.db import models
from django.db.models import Case, Count, F, Q, Sum, Value, When
from django.db.models.functions import Greatest

from accounts.models import Account, Domain, ProjectMove, ResourceCount, ResourceLimit
from accounts.resources import FACTS, Resource, limited_tags, tagged_with
from core import briefly
from core.columns import Keys
from core.commands import RoleType
from core.errors import LimitExceeded

UNLIMITED = -1
Amounts = Mapping[Resource, int]
Key = tuple[int, str]  # a resource, and the tag it is counted under (empty: all of it)

#: (account keys) → what each really has; an account that is left out has none.
Counter = Callable[[Sequence[int]], Mapping[int, int]]
COUNTERS: dict[Resource, Counter] = {}

#: (account keys) → what each really has by tag: (account, resource, tag) → amount.
TagCounter = Callable[[Sequence[int]], Mapping[tuple[int, int, str], int]]
TAG_COUNTERS: list[TagCounter] = []


def counter(resource: Resource) -> Callable[[Counter], Counter]:
    """Registers how a context counts what its rows use, for recounts and before deletions."""

    def register(function: Counter) -> Counter:
        COUNTERS[resource] = function
        return function

    return register


def tag_counter(function: TagCounter) -> TagCounter:
    """Registers how a context counts what its rows use by their offerings' tags."""
    TAG_COUNTERS.append(function)
    return function


def reserve(account: Account, amounts: Amounts, tags: Iterable[str] = ()) -> None:
    """Take ``amounts`` (bytes for storage, MiB for memory) from the account and its domains;
    under ``tags`` too, those of the offering the thing is made of.

    Raises LimitExceeded, with nothing taken, when one of them has not that much left. Must
    run in the transaction that makes what is counted.
    """
    _change(account, spread(amounts, tags))


def release(account: Account, amounts: Amounts, tags: Iterable[str] = ()) -> None:
    """Give ``amounts`` back, in the transaction that removes what was counted."""
    _change(account, _negative(spread(amounts, tags)))


def exchange(
    account: Account, old: Mapping[Key, int], new: Mapping[Key, int], *, forced: bool = False
) -> None:
    """Count ``new`` (as ``spread`` makes it) in the place of ``old``. Raises LimitExceeded for
    more than is left, unless ``forced``."""
    grown = {key: new.get(key, 0) - old.get(key, 0) for key in {*old, *new}}
    _change(account, {key: n for key, n in grown.items() if n}, check=not forced)


def transfer(old: Account, new: Account, changes: Mapping[Key, int]) -> None:
    """What ``old`` has counts for ``new`` from now on, and for its domains.

    Raises LimitExceeded, with nothing changed, when the new account or a domain that is not
    above both has not that much left. In the transaction that moves the thing.
    """
    before, after = set(old.domain.ancestor_ids), set(new.domain.ancestor_ids)
    rows = _locked([old.pk, new.pk], before ^ after, changes)
    joined = [r for r in rows if r.account_id == new.pk or r.domain_id in after]
    _check(new, joined, changes)
    _grow(joined, changes)
    _grow([r for r in rows if r not in joined], _negative(changes))
    if old.is_project != new.is_project:
        ProjectMove.objects.create()


def spread(amounts: Amounts, tags: Iterable[str] = ()) -> dict[Key, int]:
    """What to count: each resource as a whole, and under each tag that it can have."""
    found: dict[Key, int] = {(int(r), ""): n for r, n in amounts.items() if n}
    words = tag_words(tags)
    for tag in words.split(",") if words else ():
        found |= {(int(r), tag): n for r, n in amounts.items() if n and tagged_with(r)}
    return found


def tag_words(tags: Iterable[str]) -> str:
    """Tags as they are counted, with commas between: in lower case, because MariaDB does not
    tell cases apart. Those of more than 64 letters cannot be limited and are left out."""
    folded = {tag.strip().lower() for tag in tags}
    return ",".join(sorted(t for t in folded if 0 < len(t) <= 64 and "," not in t))[:1024]


def _negative(changes: Mapping[Key, int]) -> dict[Key, int]:
    return {key: -n for key, n in changes.items()}


def _change(account: Account, changes: Mapping[Key, int], *, check: bool = True) -> None:
    if not changes:
        return
    rows = _locked([account.pk], account.domain.ancestor_ids, changes)
    if check:
        _check(account, rows, changes)
    _grow(rows, changes)


def _grow(rows: Sequence[ResourceCount], changes: Mapping[Key, int]) -> None:
    if not rows:
        return
    steps = [When(resource=r, tag=t, then=Value(n)) for (r, t), n in changes.items()]
    grown = F("used") + Case(*steps, output_field=models.BigIntegerField())
    ResourceCount.objects.filter(pk__in=[r.pk for r in rows]).update(used=Greatest(grown, 0))


def _locked(
    account_ids: Sequence[int], domain_ids: Iterable[int], changes: Iterable[Key]
) -> list[ResourceCount]:
    """The counts of accounts and of domains, locked in that order; made if missing."""
    domain_ids, keys = sorted(domain_ids), sorted(changes)
    found = _lock_all(account_ids, domain_ids, keys)
    if len(found) < len(keys) * (len(account_ids) + len(domain_ids)):
        _make_missing(account_ids, domain_ids, keys)
        found = _lock_all(account_ids, domain_ids, keys)
    return found


def _lock_all(
    account_ids: Sequence[int], domain_ids: Sequence[int], keys: Sequence[Key]
) -> list[ResourceCount]:
    resources, tags = {r for r, _ in keys}, {t for _, t in keys}
    what = Q(resource__in=sorted(resources), tag__in=sorted(tags))
    rows = lock(what & Q(account__in=sorted(account_ids)))
    if domain_ids:
        rows += lock(what & Q(domain__in=domain_ids))
    wanted = set(keys)
    return [row for row in rows if (row.resource, row.tag) in wanted]


def _make_missing(
    account_ids: Sequence[int], domain_ids: Sequence[int], keys: Sequence[Key]
) -> None:
    """Holders are locked first: of two that insert the same row at once, both would wait
    with a shared lock for the other's exclusive one."""
    accounts = Account.everything.select_for_update().filter(pk__in=account_ids)
    list(accounts.order_by("pk").values_list("pk"))
    list(Domain.everything.select_for_update().filter(pk__in=domain_ids).order_by("pk"))
    ResourceCount.objects.bulk_create(
        [ResourceCount(account_id=a, resource=r, tag=t) for a in account_ids for r, t in keys]
        + [ResourceCount(domain_id=d, resource=r, tag=t) for d in domain_ids for r, t in keys],
        ignore_conflicts=True,
    )


def lock(condition: Q) -> list[ResourceCount]:
    rows = ResourceCount.objects.select_for_update().filter(condition)
    return list(rows.order_by("domain", "account", "resource", "tag"))


def _check(
    account: Account, rows: Sequence[ResourceCount], changes: Mapping[Key, int]
) -> None:
    rows = [row for row in rows if changes[row.resource, row.tag] > 0]
    maxima = _maxima(account, rows) if rows else {}
    for row in rows:
        resource, asked = Resource(row.resource), changes[row.resource, row.tag]
        maximum = maxima[row.domain_id, row.resource, row.tag]
        ceiling = maximum * FACTS[resource].unit
        if maximum != UNLIMITED and row.used + asked > ceiling:
            holder = domain_words(row.domain_id) if row.domain_id else account_words(account)
            raise exceeded(holder, resource, row.tag, ceiling, row.used, asked)


def exceeded(
    holder: str, resource: Resource, tag: str, ceiling: int, used: int, asked: int
) -> LimitExceeded:
    facts = FACTS[resource]
    what = facts.things + (f" with tag {tag}" if tag else "")
    return LimitExceeded(
        f"{holder} has a limit of {facts.show(ceiling)} on {what}: {facts.show(used)} in use, "
        f"{facts.show(asked)} more asked for. Free some, or ask an administrator for a "
        "higher limit.",
        details={
            "resourcetype": int(resource),
            "resourcetypename": facts.wire,
            "limit": ceiling,
            "used": used,
            "asked": asked,
            **({"tag": tag} if tag else {}),
        },
    )


def account_words(account: Account) -> str:
    return f"Project {account.project.name}" if account.is_project else f"Account {account.name}"


def domain_words(domain_id: int) -> str:
    return f"Domain {Domain.everything.get(pk=domain_id).name_path}"


def _maxima(account: Account, rows: Sequence[ResourceCount]) -> dict:
    """(domain key or None for the account, resource, tag) → ceiling in the limit's unit."""
    domain_ids = [row.domain_id for row in rows if row.domain_id]
    resources = {row.resource for row in rows}
    found = ResourceLimit.objects.filter(
        Q(account=account) | Q(domain__in=domain_ids), resource__in=resources
    )
    stored = {(limit.domain_id, limit.resource, limit.tag): limit.maximum for limit in found}
    return {
        (row.domain_id, row.resource, row.tag): _maximum(row, stored, account) for row in rows
    }


def _maximum(row: ResourceCount, stored: Mapping[Any, int], account: Account) -> int:
    resource = Resource(row.resource)
    if row.tag and row.tag not in limited_tags(resource):
        return UNLIMITED
    for key in ((row.domain_id, row.resource, row.tag), (row.domain_id, row.resource, "")):
        if key in stored:
            return stored[key]
    if row.domain_id:
        return FACTS[resource].domain_default.get()
    return account_default(resource, account.role.type, account.is_project)


def account_default(resource: Resource, kind: str, is_project: bool = False) -> int:
    """What an account of this role type may have where nothing is set for it."""
    facts = FACTS[resource]
    if is_project:
        return facts.project_default.get() if facts.project_default else 0
    return UNLIMITED if kind == RoleType.ADMIN else facts.account_default.get()


# -- asking and setting ------------------------------------------------------------------


#: What says which ceilings an account has by default, for ``values_list``.
KIND = ("pk", "role__type", "is_project")


def limits_of_accounts(
    accounts: Iterable[tuple[int, str, bool]],
) -> dict[int, dict[Resource, int]]:
    """Ceilings in force, for many accounts at once, given as ``KIND``: key → resource → limit."""
    kinds = {key: (role, is_project) for key, role, is_project in accounts}
    stored = _stored("account", list(kinds))
    defaults = {
        kind: {r: account_default(r, *kind) for r in FACTS} for kind in set(kinds.values())
    }
    return {
        key: {
            **defaults[kind],
            **{Resource(r): n for (r, tag), n in stored.get(key, {}).items() if not tag},
        }
        for key, kind in kinds.items()
    }


def limits_of_account(account: Account) -> dict[Resource, int]:
    kind = (account.pk, account.role.type, account.is_project)
    return limits_of_accounts([kind])[account.pk]


def limits_of_domains(domains: Iterable[tuple[int, int]]) -> dict[int, dict[Resource, int]]:
    """The same for domains: ``(key, level)``; ROOT (level 0) has none."""
    levels = dict(domains)
    stored = _stored("domain", list(levels))
    defaults = {r: facts.domain_default.get() for r, facts in FACTS.items()}
    unlimited = dict.fromkeys(FACTS, UNLIMITED)
    return {
        key: unlimited
        if level == 0
        else {**defaults, **{r: n for (r, tag), n in stored.get(key, {}).items() if not tag}}
        for key, level in levels.items()
    }


def tagged_limits(
    holder: str, ceilings: Mapping[int, Mapping[Resource, int]]
) -> dict[int, dict[Key, int]]:
    """Ceilings by tag of accounts or domains (``holder``), whose ceilings without a tag are
    ``ceilings``: (resource, tag) → limit, for each tag that the settings name."""
    keys = [(r, tag) for r in FACTS for tag in limited_tags(r)]
    if not keys:
        return {holder_id: {} for holder_id in ceilings}
    stored = _stored(holder, list(ceilings))
    return {
        holder_id: {
            (r, tag): stored.get(holder_id, {}).get((r, tag), plain[r]) for r, tag in keys
        }
        for holder_id, plain in ceilings.items()
    }


def _stored(holder: str, ids: Sequence[int]) -> dict[int, dict[Key, int]]:
    found: dict[int, dict[Key, int]] = {}
    rows = ResourceLimit.objects.filter(**{f"{holder}__in": Keys(ids)})
    for holder_id, resource, tag, maximum in rows.values_list(holder, "resource", "tag", "maximum"):
        found.setdefault(holder_id, {})[resource, tag] = maximum
    return found


def used_by_accounts(keys: Sequence[int], tag: str = "") -> dict[int, dict[int, int]]:
    return _used("account", keys, tag)


def used_by_domains(keys: Sequence[int], tag: str = "") -> dict[int, dict[int, int]]:
    """ROOT's use is the sum over all accounts, made only when it is asked for."""
    found = _used("domain", keys, tag)
    for root in Domain.everything.filter(pk__in=keys, level=0).values_list("pk", flat=True):
        found[root] = dict(briefly.kept(("used in all", tag), lambda: _used_in_all(tag)))
    return found


def _used_in_all(tag: str) -> tuple[int, dict[int, int]]:
    sums = ResourceCount.objects.filter(domain=None, tag=tag).values_list("resource")
    rows = list(sums.annotate(sum=Sum("used"), n=Count("pk")))
    return sum(n for *_, n in rows), {resource: used for resource, used, _ in rows}


def _used(holder: str, keys: Sequence[int], tag: str) -> dict[int, dict[int, int]]:
    found: dict[int, dict[int, int]] = {}
    rows = ResourceCount.objects.filter(**{f"{holder}__in": list(keys)}, tag=tag)
    for key, resource, used in rows.values_list(holder, "resource", "used"):
        found.setdefault(key, {})[resource] = used
    return found


def set_limit(
    holder: Account | Domain, resource: Resource, maximum: int, tag: str = ""
) -> None:
    """``maximum`` in the limit's unit; -1 is none."""
    where = {"domain": holder} if isinstance(holder, Domain) else {"account": holder}
    ResourceLimit.objects.update_or_create(
        resource=resource, tag=tag, **where, defaults={"maximum": maximum}
    )
