"""Settings as listConfigurations shows them: values in force, and where they come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accounts.models import Domain
from core.config import SETTINGS, Scope, Setting
from infra.services import configuration
from infra.services.configuration import SECRET, Place
from infra.services.setting_groups import GROUPS, place_of

#: Scopes as a person reads them, from wide to narrow.
_SCOPES = list(Scope)


def records(
    holder: Any = None, *, only: Callable[[Setting[Any]], bool] = lambda s: True
) -> list[dict[str, Any]]:
    """With the values in force for ``holder``, those of its scope only."""
    wanted = [s for s in SETTINGS.values() if s.category != "Hidden" and only(s)]
    if holder is not None:
        scope = configuration.scopes_of(holder)[0][0]
        wanted = [s for s in wanted if scope in s.scopes]
    names = _names(holder)
    return [_record(s, holder, names) for s in sorted(wanted, key=lambda s: s.name)]


def record(chosen: Setting[Any], holder: Any = None) -> dict[str, Any]:
    return _record(chosen, holder, _names(holder))


def _record(
    chosen: Setting[Any], holder: Any, names: dict[Place, str]
) -> dict[str, Any]:
    """One setting as CloudStack's configuration object. Secrets show only whether they are
    set.

    Of our own: ``setfor`` and ``setforname`` say where the value in force was set (nowhere: it
    is the default), ``isset`` whether that is the very thing asked about, ``inheritedvalue``
    what a reset would bring.
    """
    scopes = [str(s) for s in chosen.scopes if s != Scope.GLOBAL] or [str(Scope.GLOBAL)]
    group, subgroup = place_of(chosen.name)
    origin = configuration.origin(chosen.name, holder)
    here = configuration.scopes_of(holder)[0] if holder is not None else (Scope.GLOBAL, 0)
    shown = {
        "name": chosen.name,
        "category": chosen.category,
        "group": group,
        "subgroup": subgroup,
        "description": chosen.help,
        "displaytext": words(chosen.name),
        "value": _shown(chosen, chosen.get(holder)),
        "defaultvalue": "" if chosen.secret else as_text(chosen.default),
        "scope": ",".join(scopes),
        "type": chosen.kind,
        "isdynamic": not chosen.restart,
        "component": "cloudportal",
        "isset": origin == here,
        "inheritedvalue": _shown(chosen, _inherited(chosen, holder)),
        "options": ",".join(chosen.choices) or None,
        "unit": chosen.unit or None,
        "minimum": chosen.minimum,
        "maximum": chosen.maximum,
    }
    if origin is not None:
        shown |= {"setfor": str(origin[0]), "setforname": names.get(origin)}
    return {name: value for name, value in shown.items() if value is not None}


def _inherited(chosen: Setting[Any], holder: Any) -> Any:
    text = configuration.inherited(chosen.name, holder)
    return chosen.default if text is None else chosen.parse(text)


def _shown(chosen: Setting[Any], value: Any) -> str:
    if chosen.secret:
        return SECRET if value else ""
    return as_text(value)


def _names(holder: Any) -> dict[Place, str]:
    """What the places that a holder inherits from are called, in one query."""
    if holder is None:
        return {}
    chain = configuration.scopes_of(holder)
    names = {chain[0]: str(holder)}
    domains = [key for scope, key in chain if scope == Scope.DOMAIN]
    for key, path in Domain.everything.filter(pk__in=domains).values_list("pk", "name_path"):
        names.setdefault((Scope.DOMAIN, key), path)
    zone = getattr(holder, "zone", None)
    if zone is not None:
        names.setdefault((Scope.ZONE, zone.pk), str(zone))
    return names


def groups() -> list[dict[str, Any]]:
    """Groups with their subgroups, in the order of the page, as far as a setting is in them."""
    there: dict[str, set[str]] = {}
    for setting in SETTINGS.values():
        if setting.category != "Hidden":
            group, subgroup = place_of(setting.name)
            there.setdefault(group, set()).add(subgroup)
    return [
        {
            "name": name,
            "description": about,
            "precedence": number,
            "subgroup": [
                {"name": sub, "precedence": place}
                for place, sub in enumerate(sorted(there[name]), 1)
            ],
        }
        for number, (name, about) in enumerate(GROUPS.items(), 1)
        if name in there
    ]


def as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def words(name: str) -> str:
    """``mem.overprovisioning.factor`` → ``Mem overprovisioning factor``."""
    text = name.replace(".", " ")
    return text[:1].upper() + text[1:]
