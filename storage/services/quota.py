"""What volumes, templates and snapshots count towards their account's limits.

A row remembers what it was counted with (``models.quota.Counted``), so that giving back is
harmless when repeated, and a recount adds up the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.db.models import Count, Model, Sum

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


def take(account: Account, kind: type[Model], size_bytes: int) -> dict[str, object]:
    """Reserve one of ``kind`` with ``size_bytes``; returns the fields that the new row must
    have to remember it. Raises LimitExceeded."""
    one, storage = _KINDS[kind]
    limits.reserve(account, {one: 1, storage: size_bytes})
    return {"counted": True, "counted_bytes": size_bytes}


def resize(row: Volume | Snapshot | Template, size_bytes: int, *, forced: bool = False) -> None:
    """Count a row with another size from now on. Raises LimitExceeded for more than is left,
    unless ``forced`` (what was promised smaller than it came out)."""
    _, storage = _KINDS[type(row)]
    with transaction.atomic():
        held = _locked(row)
        more = size_bytes - held.counted_bytes
        if more > 0 and not forced:
            limits.reserve(held.account, {storage: more})
        elif more:
            limits.release(held.account, {storage: -more})
        _note(row, held, counted=held.counted, counted_bytes=size_bytes)


def retake(row: Volume | Snapshot | Template, size_bytes: int) -> None:
    """Count a row again that was given back. Raises LimitExceeded."""
    with transaction.atomic():
        held = _locked(row)
        if not held.counted:
            _note(row, held, **take(held.account, type(row), size_bytes))


def give_back(row: Volume | Snapshot | Template) -> None:
    """The row counts nothing from now on; nothing happens when it already does not."""
    one, storage = _KINDS[type(row)]
    with transaction.atomic():
        held = _locked(row)
        amounts = {one: int(held.counted), storage: held.counted_bytes}
        if any(amounts.values()):
            limits.release(held.account, amounts)
            _note(row, held, counted=False, counted_bytes=0)


def _locked(row: Volume | Snapshot | Template):
    return locked(row, "account__domain", "account__role")


def _note(row: Model, held: Model, **fields: object) -> None:
    type(row)._base_manager.filter(pk=held.pk).update(**fields)
    for name, value in fields.items():
        setattr(row, name, value)


def left(row: Snapshot | Template) -> int:
    """Bytes of secondary storage that the row's account may still fill; 0 when unlimited."""
    account = row.account
    storage = _KINDS[type(row)][1]
    most = limits.limits_of_accounts([(account.pk, account.role.type)])[account.pk][storage]
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
