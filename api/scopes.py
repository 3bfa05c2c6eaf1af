"""Whose rows a list shows: account, domain and its branch, project, or all there is to see.

CloudStack's rules: an administrator who names no scope sees its own account only, and things
of projects show only where the project is named (``projectid``, -1 for all of them), or
something in it.
"""

from __future__ import annotations

import contextlib
import uuid as uuids
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Model, Q, QuerySet

from accounts.caller import Caller
from accounts.models import Account, Domain
from accounts.querysets import in_subtree
from accounts.services import membership, scoping
from api import parameters, positions
from core.commands import Command
from core.errors import InvalidParameter, NoSuchObject


def narrowed(
    caller: Caller,
    command: Command,
    rows: QuerySet,
    arguments: Mapping[str, Any],
    given: Mapping[str, Any],
) -> QuerySet:
    owner = command.listing.model.OWNER
    asked = {
        name: parameters.value_of(caller, command, name, given)
        for name in ("account", "domainid", "isrecursive", "listall")
    }
    domain = _domain(caller, command, asked["domainid"])
    project = _project_of(caller, command, given)
    if project:
        if asked["account"]:
            raise InvalidParameter("Parameters account and projectid exclude each other.")
        accounts = scoping.accounts_of_projects(
            caller, command.name, project, domain, recursive=bool(asked["isrecursive"])
        )
        return rows.filter(**{f"{owner}__in": accounts})
    barred = membership.barred(caller, command.name)
    if barred:
        rows = rows.exclude(**{f"{owner}__in": barred})
    if asked["account"]:
        return rows.filter(**{owner: _account(caller, domain, asked["account"])})
    # Who names the thing means it, whosoever it is: a client that tags for others looks so.
    by_id = given.get("id") or given.get("ids") or given.get("resourceid")
    if not by_id:
        rows = _without_projects(caller, rows, owner, _owners(arguments))
    if domain is not None:
        if asked["isrecursive"]:
            # Accounts first: they are few beside what they own, and an index knows theirs.
            accounts = Account.everything.filter(in_subtree(domain, "domain"))
            return rows.filter(**{f"{owner}__in": accounts.values("pk")})
        return rows.filter(**{f"{owner}__domain": domain})
    if asked["listall"] or by_id or not caller.is_domain_admin:
        return rows
    return rows.filter(_own_or_shared(caller, owner))


def _project_of(caller: Caller, command: Command, given: Mapping[str, Any]) -> str:
    """The scope's own ``projectid``; a command may mean something else by the name."""
    param = command.by_name.get("projectid")
    if param is None or param.filter or param.model is not None:
        return ""
    return parameters.value_of(caller, command, "projectid", given) or ""


def _owners(arguments: Mapping[str, Any]) -> list[int]:
    """Accounts that own what the list is asked about: a machine whose volumes are wanted."""
    values = (v for v in arguments.values() if isinstance(v, Model))
    return [key for key in map(membership.owner_id, values) if key is not None]


def _without_projects(
    caller: Caller, rows: QuerySet, owner: str, besides: Iterable[int]
) -> QuerySet:
    if not caller.is_domain_admin:
        hidden = [key for key in caller.memberships if key not in besides]
        return rows.exclude(**{f"{owner}__in": hidden}) if hidden else rows
    if not caller.may_meet_projects:
        return rows
    known = list(besides)
    if not known:
        return positions.outside_projects(rows, owner)
    flagged = positions.flagged(rows, owner)
    return flagged.filter(Q(_of_project=False) | Q(**{f"{owner}__in": known}))


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
