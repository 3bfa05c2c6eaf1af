"""Which rows a list command is about: scope, ids, filters and keyword, the same for all lists."""

from __future__ import annotations

import contextlib
import uuid as uuids
from collections.abc import Mapping
from typing import Any

from django.db.models import Model, Q, QuerySet

from accounts.caller import Caller
from accounts.models import Account, Domain
from accounts.querysets import in_subtree
from accounts.services import tags
from api import parameters
from core.columns import Keys
from core.commands import Command, Param
from core.errors import InvalidParameter, NoSuchObject


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
            rows = rows.filter(pk__in=Keys(r.pk for r in _listed(wanted)))
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
    if spec.tagged:
        rows = tags.having(rows, parameters.value_of(caller, command, "tags", given) or ())
    return command.function(caller, rows, **arguments)


#: Parameters that say how much to show, not which rows.
_ALL_THE_SAME = frozenset(
    {"page", "pagesize", "listall", "isrecursive", "details", "response", "showicon"}
)


def narrows(caller: Caller, command: Command, given: Mapping[str, Any]) -> bool:
    """Whether a call probably asks for a small part of a table."""
    names = (name.partition("[")[0] for name in given)
    return not caller.is_root_admin or any(
        name in command.by_name and name not in _ALL_THE_SAME for name in names
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


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
            # Accounts first: they are few beside what they own, and an index knows theirs.
            accounts = Account.everything.filter(in_subtree(domain, "domain"))
            return rows.filter(**{f"{owner}__in": accounts.values("pk")})
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
