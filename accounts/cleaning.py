"""How contexts above this one stop and remove what an account owns.

They register functions; the plans in ``accounts.jobs`` call them, wait for the jobs they
start, and then ask the counters whether anything is left: nothing is dropped silently.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from accounts.models import Account
from accounts.resources import FACTS, Resource
from accounts.services.limits import COUNTERS
from core.steps import Run

#: ``(account, run)`` → how many things are still there. Called again, some seconds apart,
#: until it answers 0; it starts jobs with ``run.start`` for what has none yet, and raises
#: CloudError when something cannot go.
Cleaner = Callable[[Account, Run], int]


@dataclass(frozen=True)
class Registered:
    words: str  # "virtual machines", for the note of the job that waits
    order: int
    function: Cleaner
    cleans: frozenset[Resource]


CLEANERS: list[Registered] = []
STOPPERS: list[Registered] = []

#: What makes an account worth keeping; cores, memory and bytes go with these.
_THINGS = (
    Resource.INSTANCE, Resource.VOLUME, Resource.SNAPSHOT, Resource.TEMPLATE, Resource.NETWORK,
    Resource.PUBLIC_IP, Resource.VPC, Resource.PROJECT, Resource.BACKUP, Resource.BUCKET,
)  # fmt: skip


def cleaner(words: str, *cleans: Resource, order: int) -> Callable[[Cleaner], Cleaner]:
    """Registers how the account's ``words`` are removed; lower ``order`` goes first
    (machines 10, snapshots 20, volumes 30, templates 40, networks 50)."""

    def register(function: Cleaner) -> Cleaner:
        CLEANERS.append(Registered(words, order, function, frozenset(cleans)))
        CLEANERS.sort(key=lambda c: c.order)
        return function

    return register


def stopper(words: str, *, order: int = 10) -> Callable[[Cleaner], Cleaner]:
    """Registers what must come to rest when an account is disabled."""

    def register(function: Cleaner) -> Cleaner:
        STOPPERS.append(Registered(words, order, function, frozenset()))
        STOPPERS.sort(key=lambda c: c.order)
        return function

    return register


def left_in(account: Account, *, besides: frozenset[Resource] = frozenset()) -> str:
    """“virtual machines (2) and volumes (1)”: what it still has; empty when nothing."""
    found = []
    for resource in _THINGS:
        if resource in COUNTERS and resource not in besides:
            count = COUNTERS[resource]([account.pk]).get(account.pk, 0)
            if count:
                found.append(f"{FACTS[resource].words} ({count})")
    return " and ".join(filter(None, [", ".join(found[:-1]), *found[-1:]]))


def cleaned() -> frozenset[Resource]:
    return frozenset().union(*(c.cleans for c in CLEANERS))
