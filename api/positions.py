"""How many rows of a large table live, and which one is the five-hundred-thousandth, exactly
and without walking there.

Counting a million index entries takes MariaDB a tenth of a second, and so does skipping half
of them. Rows of these tables come with ever larger keys, and go by getting a time in
``removed``; they are never deleted and never come back. So a census of the keys that are
settled stays right for as long as it is corrected by what is newer, of which there is little:

* keys above ``top``, which was the largest key when the margin ago began, are looked up;
* of those up to it, the census counts also the ones removed since the margin before it was
  taken (their transaction may not have been visible yet), and these are looked up and
  subtracted.

The margin is far longer than any transaction of the portal and any difference of its clocks.

Lists leave out what belongs to projects unless they are named, so there is a census of what is
outside them as well. Rows hardly ever change sides; when one does, ``ProjectMove`` says so and the
census is taken anew. Which rows a model's ``LISTED`` leaves out of every list never changes.
"""

from __future__ import annotations

import functools
import threading
import time
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from django.db.models import BooleanField, Count, F, Model, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import Account, ProjectMove

#: Tables whose rows are only ever marked as removed.
KEPT = frozenset({
    "accounts.Account", "accounts.Domain", "accounts.Project", "accounts.User",
    "compute.AffinityGroup", "compute.InstanceGroup", "compute.Nic", "compute.SecurityGroup",
    "compute.SshKeyPair", "compute.UserData", "compute.VirtualMachine", "infra.Host",
    "network.Network", "storage.Snapshot", "storage.Volume",
})  # fmt: skip

LARGE = 5_000  # rows; a smaller table is counted as quickly
MARGIN = timedelta(minutes=10)
FRESH_FOR_S = 300
BLOCK = 1024  # keys; as many may be walked
_MOST_CORRECTIONS = 5000
_PAUSE_S = 60  # after more corrections than that


def flagged(rows: QuerySet, owner: str) -> QuerySet:
    """Each row with ``_of_project``. It is asked of each row as it comes: a join would tempt the
    database to begin with accounts."""
    of_project = Account.everything.filter(pk=OuterRef(owner)).values("is_project")
    flag = Coalesce(Subquery(of_project), Value(False), output_field=BooleanField())
    return rows.alias(_of_project=flag)


def outside_projects(rows: QuerySet, owner: str) -> QuerySet:
    """``rows`` without those of projects: by their own mark, where they bear one."""
    if is_marked(rows.model):
        return rows.filter(of_project__in=(False,))  # "NOT of_project" is no use to an index
    return flagged(rows, owner).filter(_of_project=False)


def is_marked(model: type[Model]) -> bool:
    return any(field.name == "of_project" for field in model._meta.fields)


@dataclass(frozen=True)
class Part:
    """A table, all of it or what is outside projects."""

    model: type[Model]
    alias: str
    outside: bool = False

    def of(self, rows: QuerySet) -> QuerySet:
        if hasattr(self.model, "LISTED"):
            rows = rows.filter(self.model.LISTED)
        return outside_projects(rows, self.model.OWNER) if self.outside else rows  # type: ignore[attr-defined]

    def everything(self) -> QuerySet:
        return self.of(self.model._base_manager.using(self.alias).all())

    def living(self) -> QuerySet:
        return self.of(self.model._default_manager.using(self.alias).all())


@dataclass(frozen=True)
class Census:
    """``blocks`` are first keys; ``sums`` the running totals of the rows in these blocks, as
    far as ``top``; ``moves`` the last that had been written down."""

    part: Part
    moves: int
    top: int
    since: datetime
    taken_at: float
    blocks: list[int]
    sums: list[int]

    @property
    def is_fresh(self) -> bool:
        young = time.monotonic() - self.taken_at < FRESH_FOR_S
        return young and self.moves == _moves(self.part)


@dataclass(frozen=True)
class Standing:
    """A census as it is right now: corrected running totals, and the newer keys in order."""

    census: Census
    sums: list[int]
    newer: list[int]

    @property
    def count(self) -> int:
        return (self.sums[-1] if self.sums else 0) + len(self.newer)

    def keys(self, offset: int, size: int) -> list[int]:
        """Keys from position ``offset`` on, in rising order."""
        settled = self.sums[-1] if self.sums else 0
        if offset >= settled:
            return self.newer[offset - settled : offset - settled + size]
        at = bisect_right(self.sums, offset)
        skip = offset - (self.sums[at - 1] if at else 0)
        rows = self.census.part.living()
        rows = rows.filter(pk__gte=self.census.blocks[at]).order_by("pk")
        return list(rows.values_list("pk", flat=True)[skip : skip + size])


_census: dict[Part, Census] = {}
_large: set[tuple[type[Model], str]] = set()
_busy_until: dict[Part, float] = {}
_guard = threading.Lock()


def of(rows: QuerySet) -> Standing | None:
    """The standing of the table that ``rows`` are all living rows of (or all those outside
    projects); None when they are not, when the table is not known to be large, or when too much
    changes for it to pay."""
    part = _part(rows) if (rows.model, rows.db) in _large else None
    if part is None or time.monotonic() <= _busy_until.get(part, 0):
        return None
    standing = _correct(_recent(part)) or _correct(_retaken(part))
    if standing is None:
        _busy_until[part] = time.monotonic() + _PAUSE_S
    return standing


def _part(rows: QuerySet) -> Part | None:
    sql = _sql(rows)
    for outside in (False, True):
        part = Part(rows.model, rows.db, outside)
        if hasattr(rows.model, "OWNER") >= outside and sql == _sql_of(part):
            return part
    return None


def _recent(part: Part) -> Census:
    census = _census.get(part)
    return census if census is not None and census.is_fresh else _retaken(part)


def _retaken(part: Part) -> Census:
    """A census of this moment; one counts and the others wait for it."""
    asked = time.monotonic()
    with _guard:
        census = _census.get(part)
        if census is None or census.taken_at < asked:
            census = _census[part] = _take(part)
        return census


def _moves(part: Part) -> int:
    if not part.outside:
        return 0
    rows = ProjectMove.objects.using(part.alias).order_by("-pk")
    return rows.values_list("pk", flat=True).first() or 0


def learn(rows: QuerySet, count: int) -> None:
    """Remember that a table is large, from a count that had to be made."""
    if count >= LARGE and rows.model._meta.label in KEPT:
        _large.add((rows.model, rows.db))


def forget() -> None:
    for kept in (_census, _large, _busy_until):
        kept.clear()


@functools.cache
def _sql_of(part: Part) -> tuple[str, tuple[object, ...]]:
    return _sql(part.living())


def _sql(rows: QuerySet) -> tuple[str, tuple[object, ...]]:
    sql, params = rows.order_by().values("pk").query.get_compiler(rows.db).as_sql()
    return sql, tuple(params)


def _take(part: Part) -> Census:
    moves = _moves(part)  # before it is counted: what moves meanwhile makes this census old
    now = timezone.now()
    rows = part.everything()
    older = part.model._base_manager.using(part.alias).filter(created__lt=now - MARGIN)
    older = older.order_by("-pk")
    top = older.values_list("pk", flat=True).first() or 0
    since = now - MARGIN
    settled = rows.filter(pk__lte=top).order_by()
    block = F("pk") - F("pk") % BLOCK
    living = settled.filter(removed=None).annotate(block=block)
    by_block = living.values_list("block").annotate(n=Count("pk"))
    found = Counter({int(first): n for first, n in by_block})
    for key in _gone(rows, since, top):
        found[key - key % BLOCK] += 1
    blocks = sorted(found)
    counts = accumulate(found[first] for first in blocks)
    return Census(part, moves, top, since, time.monotonic(), blocks, list(counts))


def _correct(census: Census) -> Standing | None:
    rows = census.part.everything()
    gone = list(_gone(rows, census.since, census.top)[:_MOST_CORRECTIONS])
    newer = list(
        rows.filter(pk__gt=census.top, removed=None)
        .order_by("pk").values_list("pk", flat=True)[:_MOST_CORRECTIONS]
    )  # fmt: skip
    if max(len(gone), len(newer)) >= _MOST_CORRECTIONS:
        return None
    return Standing(census, _less(census, gone), newer)


def _gone(rows: QuerySet, since: datetime, top: int) -> QuerySet:
    """Keys that are gone since then. The sum keeps SQLite from walking all the keys up to
    ``top`` rather than the few rows in the index of what is removed."""
    settled = rows.alias(key=F("pk") + 0).filter(key__lte=top, removed__gte=since)
    return settled.order_by().values_list("pk", flat=True)


def _less(census: Census, gone: list[int]) -> list[int]:
    if not gone:
        return census.sums
    fewer = Counter(key - key % BLOCK for key in gone)
    taken, sums = 0, []
    for block, total in zip(census.blocks, census.sums, strict=True):
        taken += fewer.get(block, 0)
        sums.append(total - taken)
    return sums
