"""Which rows a list command is about: scope, ids, filters and keyword, the same for all lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Model, Q

from accounts.caller import Caller
from accounts.services import membership, tags
from api import parameters, scopes
from core.columns import Keys
from core.commands import Command, Param


def rows_for(
    caller: Caller, command: Command, arguments: dict[str, Any], given: Mapping[str, Any]
) -> scopes.Chosen:
    """The rows a list command is about: scoped, then narrowed by ids, filters and keyword."""
    spec = command.listing
    outside = ""
    rows = spec.model._default_manager.all().visible_to(caller)
    membership.check(caller, command, arguments.values())
    if spec.scoped:
        chosen = scopes.narrowed(caller, command, rows, arguments, given)
        rows, outside = chosen.rows, chosen.outside
    for name in ("id", "ids"):
        if name not in command.by_name or command.by_name[name].filter != "pk":
            continue  # the command means something else by it, and narrows itself
        wanted = parameters.value_of(caller, command, name, given)
        if wanted is not None:
            rows = rows.filter(pk__in=Keys(r.pk for r in _listed(wanted)))
    for param in command.params:
        value = arguments.get(param.argument)
        is_key = param.name in ("id", "ids") and param.filter == "pk"  # they are done above
        if param.filter and not is_key and value is not None:
            rows = rows.filter(_matching(param, value))
    keyword = parameters.value_of(caller, command, "keyword", given)
    if keyword:
        rows = rows.filter(spec.having(keyword))
    if spec.tagged:
        rows = tags.having(rows, parameters.value_of(caller, command, "tags", given) or ())
    return scopes.Chosen(command.function(caller, rows, **arguments), outside)


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
