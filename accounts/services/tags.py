"""Tags on anything that has a uuid and a place in the tenants' tree."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce

from django.db import models

from accounts.caller import Caller
from accounts.models import ResourceTag
from accounts.pinned import types
from accounts.pinned.types import ResourceType
from core import live
from core.errors import InvalidParameter

_MOST = 50  # tags on one thing
Pairs = Sequence[dict[str, str]]


def create(
    caller: Caller,
    kind: ResourceType,
    rows: Sequence[models.Model],
    tags: Pairs,
    customer: str = "",
) -> None:
    """Raises InvalidParameter for a key that a thing has already."""
    pairs = _pairs(tags)
    if not pairs:
        raise InvalidParameter("Give tags: at least one key.")
    for row in rows:
        _check_room(row, pairs)
        ResourceTag.objects.bulk_create(
            ResourceTag(
                account=types.owner_of(row) or caller.account,
                resource_type=kind.name,
                resource_uuid=row.uuid,
                key=key,
                value=value,
                customer=customer,
            )
            for key, value in pairs.items()
        )
        live.changed(row)


def _check_room(row: models.Model, pairs: dict[str, str]) -> None:
    have = set(ResourceTag.objects.filter(resource_uuid=row.uuid).values_list("key", flat=True))
    for key in pairs:
        if key in have:
            raise InvalidParameter(f"{row} has a tag {key} already; delete that first.")
    if len(have) + len(pairs) > _MOST:
        raise InvalidParameter(f"{row} would have more than {_MOST} tags.")


def delete(kind: ResourceType, rows: Sequence[models.Model], tags: Pairs | None) -> None:
    """Those of these keys (and values, where given), or all."""
    found = ResourceTag.objects.filter(
        resource_type=kind.name, resource_uuid__in=[row.uuid for row in rows]
    )
    if tags:
        found = found.filter(reduce(operator.or_, map(_meant, tags)))
    if not found.delete()[0]:
        raise InvalidParameter("None of these tags is there.")
    for row in rows:
        live.changed(row)


def _meant(tag: dict[str, str]) -> models.Q:
    low = {k.lower(): v for k, v in tag.items()}
    one = models.Q(key=low.get("key", ""))
    return one & models.Q(value=low["value"]) if low.get("value") else one


def copy(source: models.Model, target: models.Model) -> None:
    """What is pinned to ``source`` is pinned to ``target`` too, which has no tags yet."""
    kind, account = types.of_row(target), types.owner_of(target)
    assert kind is not None
    assert account is not None
    ResourceTag.objects.bulk_create(
        ResourceTag(
            account=account, resource_type=kind.name, resource_uuid=target.uuid,
            key=tag.key, value=tag.value,
        )
        for tag in ResourceTag.objects.filter(resource_uuid=source.uuid)
    )  # fmt: skip


def having(rows: models.QuerySet, tags: Pairs) -> models.QuerySet:
    """Those of ``rows`` that have each of these tags (of any value, where none is given)."""
    kinds = [kind.name for kind in types.of_model(rows.model)]
    for tag in tags:
        low = {k.lower(): v for k, v in tag.items()}
        if not low.get("key"):
            raise InvalidParameter("A tag to look for needs a key: tags[0].key=…")
        tagged = ResourceTag.objects.filter(resource_type__in=kinds, key=low["key"])
        if "value" in low:
            tagged = tagged.filter(value=low["value"])
        rows = rows.filter(uuid__in=tagged.values("resource_uuid"))
    return rows


def _pairs(tags: Pairs) -> dict[str, str]:
    pairs = {}
    for tag in tags:
        low = {k.lower(): str(v) for k, v in tag.items()}
        key = low.get("key", "").strip()
        if not key or len(key) > 255 or len(low.get("value", "")) > 255:
            raise InvalidParameter(
                "Each tag needs a key, and key and value are at most 255 characters long: "
                "tags[0].key=env&tags[0].value=prod"
            )
        if key in pairs:
            raise InvalidParameter(f"Tag {key} is given twice.")
        pairs[key] = low.get("value", "")
    return pairs
