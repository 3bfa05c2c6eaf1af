"""Domains, accounts, users, roles and limits, as clients know them."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db.models import OuterRef, Subquery

from accounts import quota_responses
from accounts.figures import FIGURES
from accounts.models import Account, Domain, Role, RoleRule, User
from accounts.pinned import responses as pinned
from accounts.resources import FACTS, Resource
from accounts.services import factor_policy, limits
from core.columns import Keys
from core.responses import (
    Field,
    Response,
    computed,
    date,
    flag,
    many,
    number,
    ref,
    several,
    text,
)
from core.units import GIB, gb

ACCOUNT_TYPES = {"User": 0, "Admin": 1, "DomainAdmin": 2, "ResourceAdmin": 3}


def account_type(kind: str) -> int:
    return ACCOUNT_TYPES[kind]


# -- what is in use and what may be ----------------------------------------------------


def usage_fields() -> Iterable[Field]:
    for resource, facts in FACTS.items():
        kind = "float" if resource is Resource.SECONDARY_STORAGE else "long"
        yield Field(f"{facts.field}total", kind)
        yield Field(f"{facts.field}limit")
        yield Field(f"{facts.field}available")


#: Names of a resource's three fields, made once: a page of 500 rows has 27,000 of them.
_NAMED = tuple(
    (resource, f"{facts.field}total", f"{facts.field}limit", f"{facts.field}available")
    for resource, facts in FACTS.items()
)


def usage(used: Mapping[int, int], maxima: Mapping[Resource, int]) -> dict[str, Any]:
    """``vmtotal``, ``vmlimit``, ``vmavailable`` and so on; storage in GiB."""
    shown: dict[str, Any] = {}
    for resource, total_name, limit_name, free_name in _NAMED:
        amount, maximum = used.get(resource, 0), maxima[resource]
        total = shown[total_name] = _in_unit(resource, amount) if amount else 0
        if maximum == limits.UNLIMITED:
            shown[limit_name] = shown[free_name] = "Unlimited"
        else:
            shown[limit_name] = str(maximum)
            shown[free_name] = str(max(maximum - total, 0))
    return shown


def _in_unit(resource: Resource, used: int) -> int | float:
    if FACTS[resource].unit == 1:
        return used
    return round(used / GIB, 2) if resource is Resource.SECONDARY_STORAGE else gb(used)


def _usage_of_accounts(keys: Sequence[int], caller: Any) -> dict[int, dict[str, Any]]:
    kinds = Account.everything.filter(pk__in=keys).values_list(*limits.KIND)
    maxima = limits.limits_of_accounts(kinds)
    used = limits.used_by_accounts(keys)
    return {key: usage(used.get(key, {}), maxima[key]) for key in keys}


def _usage_of_domains(keys: Sequence[int], caller: Any) -> dict[int, dict[str, Any]]:
    levels = Domain.everything.filter(pk__in=keys).values_list("pk", "level")
    maxima = limits.limits_of_domains(levels)
    used = limits.used_by_domains(keys)
    return {key: usage(used.get(key, {}), maxima[key]) for key in keys}


def figures_of_accounts(keys: Sequence[int], caller: Any) -> dict[int, dict[str, Any]]:
    counted = {name: function(keys) for name, function in FIGURES.items()}
    return {key: {name: found.get(key, 0) for name, found in counted.items()} for key in keys}


# -- domains -----------------------------------------------------------------------------


def _has_child(keys: Sequence[int], caller: Any) -> dict[int, bool]:
    # One child each, looked up: of EXISTS MariaDB makes a list of all parents there are.
    child = Domain.objects.filter(parent=OuterRef("pk")).values("pk")[:1]
    rows = Domain.everything.filter(pk__in=Keys(keys)).annotate(child=Subquery(child))
    return {key: child is not None for key, child in rows.values_list("pk", "child")}


domain = Response(
    "domain",
    Domain,
    (
        text("id", "uuid"),
        text("name"),
        pinned.tags(Domain),
        pinned.comments(Domain),
        pinned.icon(),
        text("path", "name_path"),
        number("level"),
        *ref("parentdomain", "parent"),
        many("haschild", _has_child, kind="boolean"),
        text("networkdomain", "network_domain"),
        text("state"),
        date("created"),
        several(_usage_of_domains, *usage_fields(), group="resource"),
        quota_responses.tagged_of_domains,
    ),
)


# -- users and accounts ------------------------------------------------------------------

@functools.lru_cache(maxsize=8192)
def _place(key: int, path: str) -> Domain:
    """A domain as far as a setting's scope needs one."""
    return Domain(pk=key, path=path)


def _is_mandated(own: bool, domain_key: int, path: str) -> bool:
    return factor_policy.is_mandated(own, _place(domain_key, path))


user = Response(
    "user",
    User,
    (
        text("id", "uuid"),
        pinned.icon(),
        text("username"),
        text("firstname"),
        text("lastname"),
        text("email"),
        text("timezone"),
        text("language"),
        text("state"),
        date("created"),
        text("usersource", "source"),
        flag("isdefault", "is_default"),
        text("account", "account__name"),
        text("accountid", "account__uuid"),
        computed("accounttype", ("account__role__type",), account_type, "integer"),
        *ref("role", "account__role"),
        text("roletype", "account__role__type"),
        text("domain", "account__domain__name"),
        text("domainid", "account__domain__uuid"),
        text("apikey", "api_key__key"),
        text("apikeyaccess", "api_key_access"),
        computed("is2faenabled", ("second_factor__verified",), bool, "boolean"),
        computed(
            "is2famandated",
            ("two_factor_mandated", "account__domain__pk", "account__domain__path"),
            _is_mandated,
            "boolean",
        ),
    ),
)


_user_with_account = replace(user, fields=(*user.fields, number("_account", "account")))


def users_of(keys: Sequence[int], caller: Any) -> dict[int, list[dict[str, Any]]]:
    rows = User.objects.filter(account__in=keys).order_by("pk")
    found: dict[int, list[dict[str, Any]]] = {key: [] for key in keys}
    for record in _user_with_account.render(rows, caller):
        found[record.pop("_account")].append(record)
    return found


account = Response(
    "account",
    Account,
    (
        text("id", "uuid"),
        text("name"),
        pinned.tags(Account),
        pinned.icon(),
        computed("accounttype", ("role__type",), account_type, "integer"),
        *ref("role", "role"),
        text("roletype", "role__type"),
        text("domain", "domain__name"),
        text("domainid", "domain__uuid"),
        text("domainpath", "domain__name_path"),
        text("state"),
        date("created"),
        text("networkdomain", "network_domain"),
        computed("accountdetails", ("details",), lambda d: d or None, "map"),
        flag("isdefault", "is_default"),
        flag("iscleanuprequired", "cleanup_needed"),
        text("defaultzoneid", "default_zone__zone__uuid"),
        text("apikeyaccess", "api_key_access"),
        many("user", users_of, user, group="user"),
        several(_usage_of_accounts, *usage_fields(), group="resource"),
        quota_responses.tagged_of_accounts,
        several(
            figures_of_accounts,
            Field("vmrunning", "integer"),
            Field("vmstopped", "integer"),
            group="resource",
        ),
    ),
)


def groups_of(arguments: dict[str, Any]) -> frozenset[str] | None:
    """CloudStack's ``details=all|resource|min``."""
    wanted = {str(d).lower() for d in arguments.get("details") or ()}
    if not wanted or "all" in wanted:
        return None
    return frozenset({"user", *(wanted & {"resource"})})


userkeys = Response(
    "userkeys",
    None,
    (
        Field("apikey"), Field("secretkey"), Field("apikeyaccess", "boolean"),
        Field("lastused", "date"),
    ),
)


# -- roles -------------------------------------------------------------------------------

role = Response(
    "role",
    Role,
    (
        text("id", "uuid"),
        text("name"),
        text("type"),
        text("description"),
        text("state"),
        flag("isdefault", "is_default"),
        flag("ispublic", "is_public"),
    ),
)

rolepermission = Response(
    "rolepermission",
    RoleRule,
    (
        text("id", "uuid"),
        *ref("role", "role"),
        text("rule"),
        computed("permission", ("allow",), lambda allow: "allow" if allow else "deny"),
        text("description"),
    ),
)
