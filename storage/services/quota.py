"""What volumes, templates and snapshots count towards their account's limits.

A row remembers what it was counted with (``models.quota.Counted``; a volume its offering's
tags, too), so that giving back is
harmless when repeated, and a recount adds up the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, Model, Q, Sum

from accounts.models import Account
from accounts.resources import FACTS, Resource
from accounts.services import limits
from core.locking import locked
from storage.models import Snapshot, Template, Volume

Kinds = tuple[Resource, Resource]  # one of these, and bytes of that

_KINDS: dict[type[Model], Kinds] = {
    Volume: (Resource.VOLUME, Resource.PRIMARY_STORAGE),
    Snapshot: (Resource.SNAPSHOT, Resource.SECONDARY_STORAGE),
    Template: (Resource.TEMPLATE, Resource.SECONDARY_STORAGE),
}


class Share(NamedTuple):
    """What one row counts, and the fields by which it remembers that."""

    counts: dict[limits.Key, int]
    fields: dict[str, object]


def share(kind: type[Model], size_bytes: int, tags: Iterable[str] = ()) -> Share:
    """Of one of ``kind`` with ``size_bytes``; a volume counts under its storage ``tags`` too."""
    one, storage = _KINDS[kind]
    words = limits.tag_words(tags)
    tagged = {"counted_tags": words} if kind is Volume else {}
    return Share(
        limits.spread({one: 1, storage: size_bytes}, words.split(",")),
        {"counted": True, "counted_bytes": size_bytes, **tagged},
    )


def take(
    account: Account, kind: type[Model], size_bytes: int, tags: Iterable[str] = ()
) -> dict[str, object]:
    """Reserve what ``share`` says; returns the new row's fields. Raises LimitExceeded."""
    wanted = share(kind, size_bytes, tags)
    limits.exchange(account, {}, wanted.counts)
    return wanted.fields


def held(row: Volume | Snapshot | Template) -> dict[limits.Key, int]:
    """What the row counts now, and under which tags."""
    one, storage = _KINDS[type(row)]
    tags = getattr(row, "counted_tags", "").split(",")
    return limits.spread({one: int(row.counted), storage: row.counted_bytes}, tags)


def resize(
    row: Volume | Snapshot | Template,
    size_bytes: int,
    *,
    tags: Iterable[str] | None = None,
    forced: bool = False,
) -> None:
    """Count a row with another size from now on, a volume perhaps under other ``tags``. Raises
    LimitExceeded for more than is left, unless ``forced`` (what was promised smaller than it
    came out)."""
    with transaction.atomic():
        row_now = _locked(row)
        before = held(row_now)
        row_now.counted_bytes = size_bytes
        if tags is not None:
            row_now.counted_tags = limits.tag_words(tags)
        limits.exchange(row_now.account, before, held(row_now), forced=forced)
        tagged = {} if tags is None else {"counted_tags": row_now.counted_tags}
        _note(row, row_now, counted=row_now.counted, counted_bytes=size_bytes, **tagged)


def retake(row: Volume | Snapshot | Template, size_bytes: int) -> None:
    """Count a row again that was given back. Raises LimitExceeded."""
    with transaction.atomic():
        now = _locked(row)
        if not now.counted:
            tags = getattr(now, "counted_tags", "").split(",")
            _note(row, now, **take(now.account, type(row), size_bytes, tags))


def give_back(row: Volume | Snapshot | Template) -> None:
    """The row counts nothing from now on; nothing happens when it already does not."""
    with transaction.atomic():
        now = _locked(row)
        limits.exchange(now.account, held(now), {})
        if now.counted or now.counted_bytes:
            _note(row, now, counted=False, counted_bytes=0)


def move(row: Volume | Snapshot | Template, account: Account) -> None:
    """Count the row for ``account`` in the place of its own. Raises LimitExceeded. Whoever
    moves the row holds its lock."""
    now = _locked(row)
    limits.transfer(now.account, account, held(now))


def _locked(row: Volume | Snapshot | Template):
    return locked(row, "account__domain", "account__role")


def _note(row: Model, now: Model, **fields: object) -> None:
    type(row)._base_manager.filter(pk=now.pk).update(**fields)
    for name, value in fields.items():
        setattr(row, name, value)


def left(row: Snapshot | Template) -> int:
    """Bytes of secondary storage that the row's account may still fill; 0 when unlimited."""
    account = row.account
    storage = _KINDS[type(row)][1]
    most = limits.limits_of_account(account)[storage]
    if most == limits.UNLIMITED:
        return 0
    used = limits.used_by_accounts([account.pk]).get(account.pk, {}).get(storage, 0)
    return max(most * FACTS[storage].unit - used, 1)


# -- what a recount finds ----------------------------------------------------------------


def _counted(model: type[Model], keys: Sequence[int]) -> Mapping[int, int]:
    rows = model._base_manager.filter(account__in=list(keys), counted=True)
    return dict(rows.values_list("account").annotate(n=Count("pk")))


def _bytes(model: type[Model], keys: Sequence[int]) -> dict[int, int]:
    rows = model._base_manager.filter(account__in=list(keys), counted_bytes__gt=0)
    return dict(rows.values_list("account").annotate(n=Sum("counted_bytes")))


@limits.counter(Resource.VOLUME)
def volumes(keys: Sequence[int]) -> Mapping[int, int]:
    return _counted(Volume, keys)


@limits.counter(Resource.SNAPSHOT)
def snapshots(keys: Sequence[int]) -> Mapping[int, int]:
    return _counted(Snapshot, keys)


@limits.counter(Resource.TEMPLATE)
def templates(keys: Sequence[int]) -> Mapping[int, int]:
    return _counted(Template, keys)


@limits.counter(Resource.PRIMARY_STORAGE)
def primary_storage(keys: Sequence[int]) -> Mapping[int, int]:
    return _bytes(Volume, keys)


@limits.counter(Resource.SECONDARY_STORAGE)
def secondary_storage(keys: Sequence[int]) -> Mapping[int, int]:
    found = _bytes(Template, keys)
    for key, size_bytes in _bytes(Snapshot, keys).items():
        found[key] = found.get(key, 0) + size_bytes
    return found


@limits.tag_counter
def tagged(keys: Sequence[int]) -> Mapping[tuple[int, int, str], int]:
    """Volumes and their bytes by storage tag."""
    rows = Volume._base_manager.filter(account__in=list(keys)).exclude(counted_tags="")
    sums = rows.filter(Q(counted=True) | Q(counted_bytes__gt=0)).values_list(
        "account", "counted_tags"
    ).annotate(n=Count("pk", filter=Q(counted=True)), size=Sum("counted_bytes"))
    found: dict[tuple[int, int, str], int] = {}
    for account, tags, n, size_bytes in sums:
        amounts = {Resource.VOLUME: n, Resource.PRIMARY_STORAGE: size_bytes}
        for (resource, tag), amount in limits.spread(amounts, tags.split(",")).items():
            if tag:
                place = (account, resource, tag)
                found[place] = found.get(place, 0) + amount
    return found
