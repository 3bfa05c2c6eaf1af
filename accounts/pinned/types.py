"""The kinds of things there are, by the names that clients use for them.

Each context registers its own (``<context>/resource_types.py``); a test fails for a model with
a uuid that nobody registered. ``name`` is CloudStack's resource type (of tags, icons and
details), ``entity`` its word for the same thing where comments are concerned.
"""

from __future__ import annotations

import uuid as uuids
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, QuerySet

from accounts.caller import Caller
from accounts.models import Account, Project
from accounts.services import membership
from core.commands import COMMANDS, Access
from core.errors import InvalidParameter, NoSuchObject


@dataclass(frozen=True)
class ResourceType:
    """``where`` tells kinds apart that share a model (templates and ISOs)."""

    name: str
    model: type[Model]
    entity: str
    where: dict[str, Any] = field(default_factory=dict)

    def rows(self, caller: Caller, access: Access) -> QuerySet[Any]:
        rows: Any = self.model._default_manager.all()  # type: ignore[attr-defined]
        return getattr(rows, access.value)(caller).filter(**self.where)

    def has(self, row: Model) -> bool:
        return all(getattr(row, name) == value for name, value in self.where.items())


TYPES: dict[str, ResourceType] = {}
_BY_WORD: dict[str, ResourceType] = {}


def register(
    name: str, model: type[Model], *, entity: str = "", also: Sequence[str] = (), **where: Any
) -> ResourceType:
    """``also`` are further words by which clients call it."""
    made = ResourceType(name, model, entity or _upper(name), where)
    TYPES[name] = made
    for word in (name, made.entity, *also):
        if _BY_WORD.setdefault(_plain(word), made) is not made:
            raise ValueError(f"resource type {word} is registered twice")
    return made


def _upper(name: str) -> str:
    """``PublicIpAddress`` → ``PUBLIC_IP_ADDRESS``."""
    return "".join(
        f"_{c}" if c.isupper() and before.islower() else c
        for before, c in zip("A" + name, name, strict=False)
    ).upper()


def _plain(word: str) -> str:
    return word.strip().replace("_", "").lower()


def named(text: str) -> ResourceType:
    """The type that a client means. Raises InvalidParameter."""
    found = _BY_WORD.get(_plain(text))
    if found is None:
        raise InvalidParameter(
            f"“{text}” is not a resource type; use one of {', '.join(sorted(TYPES))}."
        )
    return found


def of_model(model: type[Model]) -> list[ResourceType]:
    return [kind for kind in TYPES.values() if kind.model is model]


def of_row(row: Model) -> ResourceType | None:
    return next((kind for kind in of_model(type(row)) if kind.has(row)), None)


def uuid_of(text: str) -> uuids.UUID | None:
    try:
        return uuids.UUID(text)
    except ValueError:
        return None


def things(
    caller: Caller,
    command: str,
    kind: ResourceType,
    ids: Sequence[str],
    *,
    access: Access = Access.OPERATE,
    parameter: str = "resourceids",
) -> list[Any]:
    """Rows by their uuids, in that order; someone else's look missing."""
    texts = list(dict.fromkeys(ids))
    if not texts:
        raise InvalidParameter(f"Give {parameter}: the things it is about.")
    wanted = {text: uuid_of(text) for text in texts}
    rows = kind.rows(caller, access).filter(uuid__in=[u for u in wanted.values() if u])
    found = {row.uuid: row for row in rows}
    for text, uuid in wanted.items():
        if uuid not in found:
            raise NoSuchObject(command, parameter, text)
    membership.check(caller, COMMANDS[command], found.values())
    return [found[uuid] for uuid in wanted.values() if uuid]


def owner_of(row: Any) -> Account | None:
    """The account that owns a thing; None for the operator's."""
    if isinstance(row, (Account, Project)):
        return row if isinstance(row, Account) else row.account
    path = getattr(type(row), "OWNER", "")
    for part in path.split("__") if path else ():
        row = getattr(row, part)
    return row if isinstance(row, Account) else None
