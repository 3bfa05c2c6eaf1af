"""What a reply shows of a row, declared once; drawn for a whole page in a few queries.

A response names columns (ORM paths), values computed from columns, and *bulk* values: things
beside the row (tags, NICs) that one query fetches for all the rows of a page. Rendering reads
plain value rows, never model objects: the cost is one query for the columns and one for each
bulk field, however many rows. Values stay Python's (datetime, UUID); each edge formats them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import Model, QuerySet

from core.columns import Column, Keys, columns, columns_of

#: (primary keys, caller) → value for each key that has one
Bulk = Callable[[Sequence[int], Any], Mapping[int, Any]]


@dataclass(frozen=True, slots=True)
class Field:
    """One name in a reply.

    One of ``source`` (an ORM path), ``compute`` (called with the values of ``needs``) and
    ``bulk`` gives the value; a computed field's ``source`` is what lists are sorted by.
    ``admin_only`` fields are left out for everybody but root
    administrators. ``group`` names the detail group a list may leave out (``nics``, …).
    ``spread`` stands for several fields that one query fetches: its bulk values are dicts of
    them.
    """

    name: str
    kind: str = "string"
    source: str = ""
    needs: tuple[str, ...] = ()
    compute: Callable[..., Any] | None = None
    bulk: Bulk | None = None
    of: Response | None = None
    admin_only: bool = False
    group: str = ""
    spread: tuple[Field, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        return (self.source,) if self.source and not self.needs else self.needs


def text(name: str, source: str = "", **more: Any) -> Field:
    return Field(name, "string", source or name, **more)


def number(name: str, source: str = "", **more: Any) -> Field:
    return Field(name, "long", source or name, **more)


def flag(name: str, source: str = "", **more: Any) -> Field:
    return Field(name, "boolean", source or name, **more)


def date(name: str, source: str = "", **more: Any) -> Field:
    return Field(name, "date", source or name, **more)


def ref(name: str, path: str, *, label: str = "name", **more: Any) -> tuple[Field, Field]:
    """``ref("zone", "zone")`` → ``zoneid`` and ``zonename`` (the common pair)."""
    return (
        Field(f"{name}id", "string", f"{path}__uuid", **more),
        Field(f"{name}{label}" if label else name, "string", f"{path}__name", **more),
    )


def computed(
    name: str, needs: Iterable[str], compute: Callable[..., Any], kind: str = "string", **more: Any
) -> Field:
    return Field(name, kind, needs=tuple(needs), compute=compute, **more)


def many(name: str, bulk: Bulk, of: Response | None = None, **more: Any) -> Field:
    return Field(name, "list" if of else more.pop("kind", "string"), bulk=bulk, of=of, **more)


def several(bulk: Bulk, *fields: Field, **more: Any) -> Field:
    """Fields whose values one ``bulk`` query fetches together, as a dict for each row."""
    return Field("", bulk=bulk, spread=tuple(replace(f, **more) for f in fields), **more)


@dataclass(frozen=True, eq=False)
class Response:
    """A named shape. ``kind`` is CloudStack's response object as clients know its fields.

    ``model`` may be None for shapes that commands fill themselves (capacity, capabilities).
    """

    name: str
    model: type[Model] | None = None
    fields: tuple[Field, ...] = ()
    always: dict[str, Any] = field(default_factory=dict)
    spreads: tuple[Field, ...] = ()

    def __post_init__(self) -> None:
        """``fields`` ends as every name a reply may show; what fills several goes apart."""
        spreads = (*self.spreads, *(f for f in self.fields if f.spread))
        object.__setattr__(self, "spreads", spreads)
        flat = tuple(g for f in self.fields for g in (f.spread or (f,)))
        object.__setattr__(self, "fields", flat)

    def shown_to(self, caller: Any, groups: frozenset[str] | None = None) -> list[Field]:
        return [f for f in self.fields if _is_shown(f, caller, groups)]

    def render(
        self, rows: QuerySet[Any], caller: Any, groups: frozenset[str] | None = None
    ) -> list[dict[str, Any]]:
        """The rows of a (sliced) queryset, in its order; empty values are left out."""
        shown, paths = self._wanted(caller, groups)
        by_path = dict(zip(paths, columns(rows, paths), strict=True))
        return self._records(by_path, shown, caller, groups)

    def page(
        self,
        model: type[Model],
        keys: Sequence[int],
        caller: Any,
        groups: frozenset[str] | None = None,
    ) -> list[dict[str, Any]]:
        """The rows of ``model`` with these keys, in their order. It is quicker than ``render``
        since the SQL is made once."""
        shown, paths = self._wanted(caller, groups)
        by_path = dict(zip(paths, columns_of(model, keys, paths), strict=True))
        return self._records(by_path, shown, caller, groups)

    def _wanted(self, caller: Any, groups: frozenset[str] | None) -> tuple[list[Field], list[str]]:
        shown = [f for f in self.shown_to(caller, groups) if f.source or f.compute or f.bulk]
        return shown, list(dict.fromkeys(["pk", *(p for f in shown for p in f.paths)]))

    def _records(
        self,
        by_path: dict[str, Column],
        shown: list[Field],
        caller: Any,
        groups: frozenset[str] | None,
    ) -> list[dict[str, Any]]:
        keys = by_path["pk"] = Keys(by_path["pk"], by_path)
        if not keys:
            return []
        names = [f.name for f in shown]
        made = [_column(f, by_path, caller) for f in shown]
        records = [
            {name: value for name, value in zip(names, row, strict=True) if value is not None}
            for row in zip(*made, strict=True)
        ] or [{} for _ in keys]
        if self.always:
            records = [{**self.always, **record} for record in records]
        for item in self.spreads:
            if item.bulk and _is_shown(item, caller, groups):
                _spread(records, keys, item.bulk(keys, caller))
        return records

    def one(self, row: Model, caller: Any) -> dict[str, Any]:
        """A single row as it is in the database now."""
        found = self.page(type(row), [row.pk], caller)
        return found[0] if found else {}


def _column(item: Field, by_path: Mapping[str, Column], caller: Any) -> Column:
    keys = by_path["pk"]
    if item.source and not item.needs:
        return by_path[item.source]
    if item.bulk:
        found = item.bulk(keys, caller)
        return [found.get(key) for key in keys]
    if item.compute and item.needs:
        return list(map(item.compute, *(by_path[path] for path in item.needs)))
    return [item.compute() if item.compute else None] * len(keys)


def _spread(
    records: list[dict[str, Any]], keys: Column, found: Mapping[int, dict[str, Any]]
) -> None:
    for key, record in zip(keys, records, strict=True):
        values = found.get(key)
        if values:
            record.update((k, v) for k, v in values.items() if v is not None)


def _is_shown(item: Field, caller: Any, groups: frozenset[str] | None) -> bool:
    is_admin = caller is None or caller.is_root_admin
    return (is_admin or not item.admin_only) and (
        groups is None or not item.group or item.group in groups
    )


class Cut(list[dict[str, Any]]):
    """A page of plain records that a command made itself, with how many there are in all."""

    def __init__(self, records: Iterable[dict[str, Any]], total: int) -> None:
        super().__init__(records)
        self.total = total


#: A bare yes, answered as ``{"success": true}``.
SUCCESS = Response("success", None, (Field("success", "boolean"), Field("displaytext")))
