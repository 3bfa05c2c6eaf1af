"""What every list has in common: scope, ids, keyword, order, pages and the exact total.

A page costs one count, one narrow query for its keys and one wide query for its rows, so a
deep page is as quick as the first: keys come from an index, and from its far end when that
is nearer.
"""

from __future__ import annotations

import contextlib
import uuid as uuids
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Q, QuerySet

from accounts.caller import Caller
from accounts.models import Account, Domain
from accounts.querysets import in_subtree
from api import parameters
from core.commands import Command, Param
from core.config import Setting
from core.errors import InvalidParameter, NoSuchObject

PAGE_SIZE = Setting("default.page.size", 500, "Rows in a list when nobody asks for pages.",
                    minimum=1, maximum=5000)  # fmt: skip


@dataclass(frozen=True)
class Page:
    offset: int
    size: int | None  # None: no limit


def page_of(given: Mapping[str, Any]) -> Page:
    page, size = str(given.get("page") or "").strip(), str(given.get("pagesize") or "").strip()
    largest = PAGE_SIZE.get()
    if not page and not size:
        return Page(0, largest)
    if size == "-1" and not page:
        return Page(0, None)
    if not page or not size:
        raise InvalidParameter("Parameters page and pagesize go together.")
    number, rows = _whole("page", page), _whole("pagesize", size)
    if rows > largest:
        raise InvalidParameter(f"Parameter pagesize is {rows}; at most {largest} are allowed.")
    return Page((number - 1) * rows, rows)


def _whole(name: str, text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number < 2**31:
        raise InvalidParameter(
            f"Parameter {name} must be a whole number from 1, not “{text[:30]}”."
        )
    return number


def rows_for(
    caller: Caller, command: Command, arguments: dict[str, Any], given: Mapping[str, Any]
) -> QuerySet:
    """The rows a list command is about: scoped, then narrowed by ids, filters and keyword."""
    spec = command.listing
    rows = spec.model._default_manager.all().visible_to(caller)
    if spec.scoped:
        rows = _scope(caller, command, rows, given)
    for name in ("id", "ids"):
        if name in command.by_name and command.by_name[name].filter != "pk":
            continue  # the command means something else by it, and narrows itself
        wanted = parameters.value_of(caller, command, name, given)
        if wanted is not None:
            rows = rows.filter(pk__in=[r.pk for r in (wanted if name == "ids" else [wanted])])
    for param in command.params:
        value = arguments.get(param.argument)
        if param.filter and param.name not in ("id", "ids") and value is not None:
            rows = rows.filter(_matching(param, value))
    keyword = parameters.value_of(caller, command, "keyword", given)
    if keyword:
        matching = Q()
        for path in spec.keyword:
            matching |= Q(**{f"{path}__icontains": keyword})
        rows = rows.filter(matching)
    return command.function(caller, rows, **arguments)


def _matching(param: Param, value: Any) -> Q:
    if param.kind == "list":
        return Q(**{f"{param.filter}__in": [_key(v) for v in value]})
    return Q(**{param.filter: _key(value)})


def _key(value: Any) -> Any:
    return value.pk if isinstance(value, Model) else value


def _scope(caller: Caller, command: Command, rows: QuerySet, given: Mapping[str, Any]) -> QuerySet:
    """CloudStack's rules: an admin who names no scope sees its own account only."""
    owner = command.listing.model.OWNER
    asked = {
        name: parameters.value_of(caller, command, name, given)
        for name in ("account", "domainid", "isrecursive", "listall", "projectid")
    }
    if asked["projectid"]:
        return _of_project(command, rows, asked)
    domain = _domain(caller, command, asked["domainid"])
    if asked["account"]:
        return rows.filter(**{owner: _account(caller, domain, asked["account"])})
    if domain is not None:
        if asked["isrecursive"]:
            return rows.filter(in_subtree(domain, f"{owner}__domain"))
        return rows.filter(**{f"{owner}__domain": domain})
    by_id = given.get("id") or given.get("ids")
    if asked["listall"] or by_id or not caller.is_domain_admin:
        return rows
    return rows.filter(_own_or_shared(caller, owner))


def _of_project(command: Command, rows: QuerySet, asked: Mapping[str, Any]) -> QuerySet:
    """Of all projects (-1) there is nothing, and no single one is known: none exist yet."""
    if asked["account"]:
        raise InvalidParameter("Parameters account and projectid exclude each other.")
    if asked["projectid"] == "-1":
        return rows.none()
    raise NoSuchObject(command.name, "projectid", asked["projectid"])


def _own_or_shared(caller: Caller, owner: str) -> Q:
    """Own rows, and those without an owner (shared networks, built-in templates)."""
    own = Q(**{owner: caller.account})
    return own | Q(**{f"{owner}__isnull": True})


def _domain(caller: Caller, command: Command, value: Any) -> Domain | None:
    """A domain by its uuid, which a command may also have turned into a row already."""
    if not value or isinstance(value, Domain):
        return value or None
    found = None
    with contextlib.suppress(ValueError):
        found = Domain.objects.all().visible_to(caller).filter(uuid=uuids.UUID(value)).first()
    if found is None:
        raise NoSuchObject(command.name, "domainid", value)
    return found


def _account(caller: Caller, domain: Domain | None, name: str) -> Account:
    domain = domain or caller.domain
    found = Account.objects.all().visible_to(caller).filter(domain=domain, name=name).first()
    if found is None:
        raise InvalidParameter(f"There is no account {name} in domain {domain.name_path}.")
    return found


@dataclass(frozen=True)
class Slice:
    """A page: how many rows there are in all, and the keys of those on it, in order. Without a
    limit both are unknown and ``rows`` are all there is."""

    rows: QuerySet
    count: int = 0
    keys: list[int] | None = None


def cut(command: Command, rows: QuerySet, page: Page, sort: str = "") -> Slice:
    order = _order(command, sort)
    rows = rows.order_by(*order)
    if page.size is None:
        return Slice(rows)
    keys, count = _first_keys(rows, page) if page.offset == 0 else (None, None)
    if count is None:
        count = rows.order_by().count()
    if keys is None:
        size = min(page.size, max(count - page.offset, 0))
        keys = _keys(rows, order, page.offset, size, count) if size else []
    return Slice(rows, count, keys)


def _first_keys(rows: QuerySet, page: Page) -> tuple[list[int], int | None]:
    """The first page's keys; when all there is fits on it, that is the count as well."""
    keys = list(rows.values_list("pk", flat=True)[: page.size + 1])
    return keys[: page.size], len(keys) if len(keys) <= page.size else None


def _keys(rows: QuerySet, order: tuple[str, ...], offset: int, size: int, count: int) -> list[int]:
    """Keys of a page, counted from whichever end of the order is nearer."""
    keys = rows.values_list("pk", flat=True)
    if offset <= count // 2:
        return list(keys[offset : offset + size])
    from_end = count - offset - size
    turned = keys.order_by(*(_turned(path) for path in order))
    return list(turned[from_end : from_end + size])[::-1]


def _turned(path: str) -> str:
    return path[1:] if path.startswith("-") else f"-{path}"


def _order(command: Command, sort: str) -> tuple[str, ...]:
    """``sort`` names a response field with a plain column; ties go by key."""
    if not sort:
        return command.listing.order
    falling, name = sort.startswith("-"), sort.lstrip("-")
    for item in command.response.fields:
        if item.name == name and item.source:
            sign = "-" if falling else ""
            return (f"{sign}{item.source}", f"{sign}pk")
    raise InvalidParameter(f"The list cannot be sorted by {name}.")
