"""How contexts above this one stop and remove what accounts own.

They register functions; the plans over accounts, projects and domains call them, wait for the
jobs they start, and then ask the counters whether anything is left: nothing is dropped silently.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from accounts.models import Account, Domain
from accounts.resources import FACTS, Resource
from accounts.services.limits import COUNTERS
from core.steps import Later, Run

#: ``(accounts, run)`` → how many of their things are still there. Called again, some moments
#: apart, until it answers 0; it starts jobs with ``run.start`` for what has none yet, and
#: raises CloudError when something cannot go.
Cleaner = Callable[["QuerySet[Account]", Run], int]

#: Lets go of what is only a row beside an account or a domain, as that goes.
Forgetter = Callable[["Account | Domain"], None]

_LOOK_AGAIN_S = 0.2


@dataclass(frozen=True)
class Registered:
    words: str  # "virtual machines", for the note of the job that waits
    order: int
    function: Cleaner
    cleans: frozenset[Resource]
    rows: Callable[[], QuerySet] | None = None  # what it removes, by ``account``


CLEANERS: list[Registered] = []
STOPPERS: list[Registered] = []
FORGETTERS: list[Forgetter] = []

#: What makes an account worth keeping; cores, memory and bytes go with these.
_THINGS = (
    Resource.INSTANCE, Resource.VOLUME, Resource.SNAPSHOT, Resource.TEMPLATE, Resource.NETWORK,
    Resource.PUBLIC_IP, Resource.VPC, Resource.PROJECT, Resource.BACKUP, Resource.BUCKET,
)  # fmt: skip


def cleaner(
    words: str, *cleans: Resource, order: int, rows: Callable[[], QuerySet] | None = None
) -> Callable[[Cleaner], Cleaner]:
    """Registers how accounts' ``words`` are removed; lower ``order`` goes first (machines 10,
    snapshots 20, volumes 30, templates 40, networks 50). ``rows`` are counted beforehand, so
    that the job can say how far it is."""

    def register(function: Cleaner) -> Cleaner:
        CLEANERS.append(Registered(words, order, function, frozenset(cleans), rows))
        CLEANERS.sort(key=lambda c: c.order)
        return function

    return register


def stopper(
    words: str, *, order: int = 10, rows: Callable[[], QuerySet] | None = None
) -> Callable[[Cleaner], Cleaner]:
    """Registers what must come to rest when an account is disabled."""

    def register(function: Cleaner) -> Cleaner:
        STOPPERS.append(Registered(words, order, function, frozenset(), rows))
        STOPPERS.sort(key=lambda c: c.order)
        return function

    return register


def forgetter(function: Forgetter) -> Forgetter:
    """Registers what is let go in the transaction in which an account or a domain goes."""
    FORGETTERS.append(function)
    return function


def forget(holder: Account | Domain) -> None:
    for function in FORGETTERS:
        function(holder)


def count(registered: Sequence[Registered], accounts: QuerySet[Account]) -> dict[str, int]:
    """How many there are of what is counted beforehand, by its words."""
    return {
        entry.words: entry.rows().filter(account__in=accounts).count()
        for entry in registered
        if entry.rows is not None
    }


def go_on(
    registered: Sequence[Registered],
    accounts: QuerySet[Account],
    run: Run,
    *,
    whose: str,
    counted: dict[str, int],
) -> None:
    """One round over what is registered; raises Later, having said how far it is, until
    nothing is left. ``counted`` is what there was at first."""
    done = 0
    for entry in registered:
        left = entry.function(accounts, run)
        there = counted.get(entry.words, 0)
        if left:
            note = _how_far(whose, entry.words, there - left, there)
            done += max(there - left, 0)
            run.progress(min(100 * done / max(sum(counted.values()), 1), 99), note)
            raise Later(_LOOK_AGAIN_S, note)
        done += there


def _how_far(whose: str, words: str, done: int, there: int) -> str:
    if done < 0:  # more came than there were
        return f"{whose}: {there - done:,} {words} to go."
    return f"{whose}: {done:,} of {there:,} {words} are done."


def left_in(*accounts: Account, besides: frozenset[Resource] = frozenset()) -> str:
    """“virtual machines (2) and volumes (1)”: what they still have; empty when nothing."""
    keys = [account.pk for account in accounts]
    found = []
    for resource in _THINGS:
        if resource in COUNTERS and resource not in besides:
            counted = COUNTERS[resource](keys)
            if total := sum(counted.get(key, 0) for key in keys):
                found.append(f"{FACTS[resource].words} ({total})")
    return " and ".join(filter(None, [", ".join(found[:-1]), *found[-1:]]))


def cleaned() -> frozenset[Resource]:
    return frozenset().union(*(c.cleans for c in CLEANERS))
