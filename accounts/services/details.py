"""Further facts of a thing, each a name and a value, which operators add and take away.

Where a model has its own details (machines, templates, offerings, zones, …), those that are
shown are kept there, so that they are what jobs and replies read. All others, and those that
are for operators only, are rows of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.models import Account, ResourceDetail
from accounts.pinned import types
from accounts.pinned.types import ResourceType
from core import live
from core.errors import InvalidParameter
from core.locking import locked

_LONGEST = 4096


#: (names and values) → raises InvalidParameter for those that a kind of thing cannot have.
Check = Callable[[Mapping[str, str]], object]
_CHECKS: dict[str, Check] = {}
_OPTIONS: dict[str, Mapping[str, Sequence[str]]] = {}


def declare(
    kind: str, options: Mapping[str, Sequence[str]], check: Check = lambda pairs: None
) -> None:
    """A context says which details of a kind of thing it acts on, and what they may be."""
    _OPTIONS[kind], _CHECKS[kind] = options, check


def options(kind: ResourceType) -> Mapping[str, Sequence[str]]:
    return _OPTIONS.get(kind.name, {})


@dataclass(frozen=True)
class Detail:
    row: Any
    key: str
    value: str
    display: bool


def add(kind: ResourceType, row: Any, pairs: Mapping[str, str], *, display: bool) -> None:
    """Adds or changes. Inside the request's transaction."""
    _check(kind, pairs)
    if display and _keeps_its_own(row):
        row = locked(row)
        row.details = {**row.details, **pairs}
        row.save(update_fields=["details"])
        ResourceDetail.objects.filter(resource_uuid=row.uuid, name__in=list(pairs)).delete()
    else:
        for name, value in pairs.items():
            ResourceDetail.objects.update_or_create(
                resource_uuid=row.uuid,
                name=name,
                defaults={"resource_type": kind.name, "value": value, "display": display},
            )
    live.changed(row)


def remove(row: Any, key: str = "") -> None:
    """The detail of this name, or all. Raises InvalidParameter when there is none."""
    rows = ResourceDetail.objects.filter(resource_uuid=row.uuid)
    gone = (rows.filter(name=key) if key else rows).delete()[0]
    if _keeps_its_own(row):
        row = locked(row)
        left = {k: v for k, v in row.details.items() if key and k != key}
        gone += len(row.details) - len(left)
        row.details = left
        row.save(update_fields=["details"])
    if not gone:
        raise InvalidParameter(f"{row} has no detail {key}." if key else f"{row} has no details.")
    live.changed(row)


def found(rows: Iterable[Any], *, hidden: bool) -> Iterator[Detail]:
    """Details of ``rows``, thing by thing, in the order of their names; two queries."""
    rows = list(rows)
    beside: dict[Any, list[Detail]] = {row.uuid: [] for row in rows}
    of = {row.uuid: row for row in rows}
    kept = ResourceDetail.objects.filter(resource_uuid__in=list(of))
    for item in kept if hidden else kept.filter(display=True):
        of_thing = beside[item.resource_uuid]
        of_thing.append(Detail(of[item.resource_uuid], item.name, item.value, item.display))
    for row in rows:
        own = row.details.items() if _keeps_its_own(row) else ()
        both = [*(Detail(row, str(k), str(v), True) for k, v in own), *beside[row.uuid]]
        yield from sorted(both, key=lambda d: d.key)


def record(kind: ResourceType, detail: Detail) -> dict[str, Any]:
    """As a client sees it: beside whose it is."""
    account = types.owner_of(detail.row)
    return {
        "key": detail.key,
        "value": detail.value,
        "resourcetype": kind.name,
        "resourceid": detail.row.uuid,
        **(_owner(account) if account else {}),
    }


def _owner(account: Account) -> dict[str, Any]:
    domain = account.domain
    return {
        "account": account.name,
        "domainid": domain.uuid,
        "domain": domain.name,
        "domainpath": domain.name_path,
    }


def _keeps_its_own(row: Any) -> bool:
    return isinstance(getattr(row, "details", None), dict)


def _check(kind: ResourceType, pairs: Mapping[str, str]) -> None:
    if not pairs:
        raise InvalidParameter("Give details: details[0].key=…&details[0].value=…")
    _CHECKS.get(kind.name, lambda pairs: None)(pairs)
    for name, value in pairs.items():
        choices = options(kind).get(name)
        if choices and value.lower() not in choices:
            raise InvalidParameter(f"{name} is one of {', '.join(choices)}, not “{value}”.")
        if not name.strip() or len(name) > 255 or len(value) > _LONGEST:
            raise InvalidParameter(
                f"A detail has a name of 1 to 255 and a value of at most {_LONGEST} characters."
            )
