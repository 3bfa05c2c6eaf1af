"""Whose rows a list shows: account, domain and its branch, project, or all there is to see.

CloudStack's rules: an administrator who names no scope sees its own account only, and things
of projects show only where the project is named (``projectid``, -1 for all of them), or
something in it.
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
from accounts.services import membership, scoping
from api import parameters, positions
from core.commands import Command
from core.errors import InvalidParameter, NoSuchObject


@dataclass(frozen=True)
class Chosen:
    """The rows of a list; without those of projects, if ``outside`` names the way to their
    owner. The two are kept apart, as both parts are quickly counted and the rest is not."""

    rows: QuerySet
    outside: str = ""

    @property
    def shown(self) -> QuerySet:
        return positions.outside_projects(self.rows, self.outside) if self.outside else self.rows

    def count(self) -> int:
        if not self.outside or positions.is_marked(self.rows.model):
            return self.shown.order_by().count()
        found = self.rows.order_by().count()
        projects = Account.everything.filter(is_project=True).values("pk")
        return found - self.rows.order_by().filter(**{f"{self.outside}__in": projects}).count()


def narrowed(
    caller: Caller,
    command: Command,
    rows: QuerySet,
    arguments: Mapping[str, Any],
    given: Mapping[str, Any],
) -> Chosen:
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
        every = project == scoping.ALL_PROJECTS and caller.is_root_admin and domain is None
        if every and positions.is_marked(rows.model):
            return Chosen(rows.filter(of_project__in=(True,)))
        return Chosen(rows.filter(**{f"{owner}__in": accounts}))
    barred = membership.barred(caller, command.name)
    if barred:
        rows = rows.exclude(**{f"{owner}__in": barred})
    if asked["account"]:
        return Chosen(rows.filter(**{owner: _account(caller, domain, asked["account"])}))
    # Who names the thing means it, whosoever it is: a client that tags for others looks so.
    by_id = given.get("id") or given.get("ids") or given.get("resourceid")
    besides = _owners(arguments)
    if not caller.is_domain_admin and not by_id:
        hidden = [key for key in caller.memberships if key not in besides]
        rows = rows.exclude(**{f"{owner}__in": hidden}) if hidden else rows
    if domain is not None:
        below = in_subtree(domain, "domain") if asked["isrecursive"] else Q(domain=domain)
        if not by_id:
            below &= Q(is_project=False) | Q(pk__in=besides)
        # Accounts first: they are few beside what they own, and an index knows theirs.
        accounts = Account.everything.filter(below)
        return Chosen(rows.filter(**{f"{owner}__in": accounts.values("pk")}))
    if by_id or not caller.is_domain_admin:
        return Chosen(rows)
    if asked["listall"]:
        return _all(caller, rows, owner, besides)
    return Chosen(rows.filter(_own_or_shared(caller, owner)))


def _all(caller: Caller, rows: QuerySet, owner: str, besides: list[int]) -> Chosen:
    if not caller.may_meet_projects or not getattr(rows.model, "OF_PROJECTS", True):
        return Chosen(rows)
    if besides:
        flagged = positions.flagged(rows, owner)
        return Chosen(flagged.filter(Q(_of_project=False) | Q(**{f"{owner}__in": besides})))
    return Chosen(rows, owner)


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
