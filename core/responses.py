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

#: (primary keys, caller) → value for each key that has one
Bulk = Callable[[Sequence[int], Any], Mapping[int, Any]]


@dataclass(frozen=True, slots=True)
class Field:
    """One name in a reply.

    Exactly one of ``source`` (an ORM path), ``compute`` (called with the values of ``needs``)
    and ``bulk`` gives the value. ``admin_only`` fields are left out for everybody but root
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
        return (self.source,) if self.source else self.needs


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
        shown = self.shown_to(caller, groups)
        paths = list(dict.fromkeys(["pk", *(p for f in shown for p in f.paths)]))
        at = {path: i for i, path in enumerate(paths)}
        values = list(rows.values_list(*paths))
        keys = [row[0] for row in values]
        direct = [(f.name, at[f.source]) for f in shown if f.source]
        made = [
            (f.name, f.compute, tuple(at[p] for p in f.needs)) for f in shown if f.compute
        ]
        beside = [(f.name, f.bulk(keys, caller)) for f in shown if f.bulk] if keys else []
        wanted = [f for f in self.spreads if keys and _is_shown(f, caller, groups)]
        spread = [f.bulk(keys, caller) for f in wanted if f.bulk]
        out = []
        for row in values:
            item = {**self.always, **{name: row[i] for name, i in direct}}
            for name, compute, needed in made:
                item[name] = compute(*(row[i] for i in needed))
            for name, found in beside:
                item[name] = found.get(row[0])
            for found in spread:
                item.update(found.get(row[0], {}))
            out.append({k: v for k, v in item.items() if v is not None})
        return out

    def one(self, row: Model, caller: Any) -> dict[str, Any]:
        """A single row as it is in the database now."""
        found = self.render(type(row)._base_manager.filter(pk=row.pk), caller)
        return found[0] if found else {}


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
