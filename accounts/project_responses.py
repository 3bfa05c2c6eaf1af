"""Projects, who is in them, who is invited, and the roles inside them, as clients know them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Model

from accounts.models import (
    Account,
    Project,
    ProjectInvitation,
    ProjectMember,
    ProjectRole,
    ProjectRoleRule,
)
from accounts.pinned import responses as pinned
from accounts.responses import account_type, figures_of_accounts, usage, usage_fields, users_of
from accounts.responses import user as user_response
from accounts.services import limits
from core.columns import columns_of
from core.responses import (
    Field,
    Response,
    computed,
    date,
    many,
    ref,
    several,
    text,
)

_USAGE = [f for f in usage_fields() if not f.name.startswith("project")]
_COUNTED = frozenset(f.name for f in _USAGE)


def _owners(keys: Sequence[int], caller: Any) -> dict[int, list[dict[str, Any]]]:
    """The administrators of each project."""
    found: dict[int, list[dict[str, Any]]] = {key: [] for key in keys}
    admins = ProjectMember.objects.filter(project__in=keys, is_admin=True).order_by("pk")
    columns = ("project", "account__name", "user__uuid", "user__username")
    for project, account, user, username in admins.values_list(*columns):
        whole = {"account": account}
        found[project].append({**whole, "userid": user, "user": username} if user else whole)
    return found


def _administers(model: type[Model], path: str) -> Field:
    """Whether the caller may do what administrators of the row's project may."""

    def fetch(keys: Sequence[int], caller: Any) -> dict[int, bool]:
        if caller is None or caller.is_domain_admin:
            return dict.fromkeys(keys, True)
        mine = {m.project for m in caller.memberships.values() if m.is_admin}
        projects = keys if path == "pk" else columns_of(model, keys, ("pk", path))[1]
        return {key: project in mine for key, project in zip(keys, projects, strict=True)}

    return many("administers", fetch, kind="boolean")


def _accounts(keys: Sequence[int]) -> dict[int, int]:
    """Project → the account that owns its things."""
    _, accounts = columns_of(Project, keys, ("pk", "account"))
    return dict(zip(keys, accounts, strict=True))


def _usage(keys: Sequence[int], caller: Any) -> dict[int, dict[str, Any]]:
    account_of = _accounts(keys)
    ids = list(account_of.values())
    kinds = Account.everything.filter(pk__in=ids).values_list(*limits.KIND)
    maxima, used = limits.limits_of_accounts(kinds), limits.used_by_accounts(ids)
    shown = {key: usage(used.get(a, {}), maxima[a]) for key, a in account_of.items()}
    return {key: {k: v for k, v in one.items() if k in _COUNTED} for key, one in shown.items()}


def _figures(keys: Sequence[int], caller: Any) -> dict[int, dict[str, Any]]:
    account_of = _accounts(keys)
    found = figures_of_accounts(list(account_of.values()), caller)
    return {key: found[account] for key, account in account_of.items()}


project = Response(
    "project",
    Project,
    (
        text("id", "uuid"),
        text("name"),
        text("displaytext", "display_text"),
        text("state"),
        text("domain", "domain__name"),
        text("domainid", "domain__uuid"),
        text("projectaccountname", "account__name"),
        date("created"),
        many("owner", _owners, kind="list"),
        _administers(Project, "pk"),
        pinned.tags(Project),
        pinned.icon(),
        several(_usage, *_USAGE, group="resource"),
        several(_figures, Field("vmrunning", "integer"), Field("vmstopped", "integer"),
                group="resource"),
    ),
)  # fmt: skip


#: What members see of each other's users: who they are, not how they get in.
_SEEN = ("id", "username", "firstname", "lastname", "state", "account", "accountid", "domain",
         "domainid")  # fmt: skip
_person = replace(
    user_response, fields=tuple(f for f in user_response.fields if f.name in _SEEN)
)


def _users(keys: Sequence[int], caller: Any) -> dict[int, list[dict[str, Any]] | None]:
    """The users of accounts that are in the project with all of them."""
    members = dict(
        ProjectMember.objects.filter(pk__in=keys, user=None).values_list("pk", "account")
    )
    by_account = users_of(list(set(members.values())), caller) if members else {}
    return {
        key: [{k: user[k] for k in _SEEN if k in user} for user in by_account.get(account, [])]
        for key, account in members.items()
    }


projectaccount = Response(
    "projectaccount",
    ProjectMember,
    (
        text("id", "uuid"),
        *ref("project", "project", label=""),
        text("account", "account__name"),
        text("accountid", "account__uuid"),
        computed("accounttype", ("account__role__type",), account_type, "integer"),
        text("userid", "user__uuid"),
        text("username", "user__username"),
        computed("role", ("is_admin",), lambda admin: "Admin" if admin else "Regular"),
        text("projectroleid", "role__uuid"),
        text("projectrolename", "role__name"),
        text("domain", "account__domain__name"),
        text("domainid", "account__domain__uuid"),
        _administers(ProjectMember, "project"),
        many("user", _users, _person),
    ),
)

projectinvitation = Response(
    "projectinvitation",
    ProjectInvitation,
    (
        text("id", "uuid"),
        *ref("project", "project", label=""),
        text("account", "invited__name"),
        text("userid", "user__uuid"),
        computed("email", ("email",), lambda email: email or None),
        text("state"),
        text("domain", "project__domain__name"),
        text("domainid", "project__domain__uuid"),
        text("domainpath", "project__domain__name_path"),
        date("created"),
        _administers(ProjectInvitation, "project"),
        computed("role", ("is_admin",), lambda admin: "Admin" if admin else "Regular"),
    ),
)

projectrole = Response(
    "projectrole",
    ProjectRole,
    (
        text("id", "uuid"),
        text("name"),
        text("description"),
        text("projectid", "project__uuid"),
        _administers(ProjectRole, "project"),
    ),
    always={"ispublic": True},
)

projectrolepermission = Response(
    "projectrolepermission",
    ProjectRoleRule,
    (
        text("id", "uuid"),
        text("projectid", "role__project__uuid"),
        text("projectroleid", "role__uuid"),
        text("projectrolename", "role__name"),
        text("rule"),
        computed("permission", ("allow",), lambda allow: "allow" if allow else "deny"),
        text("description"),
    ),
)
