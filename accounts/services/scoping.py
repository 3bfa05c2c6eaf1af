"""On whose behalf: the account a command that makes something makes it for."""

from __future__ import annotations

import contextlib
import uuid as uuids
from typing import Annotated

from django.db.models import Model, Q, QuerySet

from accounts.caller import Caller
from accounts.models import Account, Domain, Project
from accounts.querysets import in_subtree
from accounts.services import membership
from core.commands import Use
from core.errors import InvalidParameter, NoSuchObject, PermissionDenied

#: How a command that makes something takes the project it is for.
OfProject = Annotated[Project | None, Use, "The project that owns it, instead of an account"]


def owner_for(
    caller: Caller,
    account_name: str | None = None,
    domain: Domain | None = None,
    project: Project | None = None,
    *,
    lets_go: bool = False,
) -> Account:
    """The project's account; or the caller's own, or the one named in ``domain`` (the caller's,
    if not given) when the caller rules it.

    Raises InvalidParameter for an account that is not there or not the caller's to see, which
    looks the same, PermissionDenied for one that is disabled or locked, and NotAllowedInState
    for a project that is not active, unless ``lets_go`` (something is removed).
    """
    if project is not None:
        return _of_project(project, account_name, lets_go)
    if not account_name:
        if domain is not None and domain.pk != caller.domain.pk:
            raise InvalidParameter("Give account and domainid together.")
        return caller.account
    account = named(caller, account_name, domain)
    if account.state != "enabled":
        raise PermissionDenied(f"Account {account.name} is {account.state}; enable it first.")
    return account


def check_owner(
    caller: Caller,
    row: Model,
    account_name: str | None,
    domain: Domain | None,
    project: Project | None,
) -> None:
    """Whether a thing is whose the caller says it is, if it says so.

    Raises InvalidParameter.
    """
    if not account_name and project is None:
        return
    owner = owner_for(caller, account_name, domain, project, lets_go=True)
    if membership.owner_id(row) != owner.pk:
        whose = f"project {project.name}" if project else f"account {owner.name}"
        raise InvalidParameter(f"{row} does not belong to {whose}.")


def _of_project(project: Project, account_name: str | None, lets_go: bool) -> Account:
    if account_name:
        raise InvalidParameter("Parameters account and projectid exclude each other.")
    accounts = Account.everything.select_related("domain", "role", "project")
    account = accounts.get(pk=project.account_id)
    if not lets_go:
        membership.check_active(account.project)  # as it is now
    return account


ALL_PROJECTS = "-1"


def accounts_of_projects(
    caller: Caller,
    command: str,
    asked: str,
    domain: Domain | None = None,
    *,
    recursive: bool = False,
) -> list[int] | QuerySet:
    """What a list's ``projectid`` means: the account of that project, or those of all projects
    (-1) that the caller is in or rules, of ``domain`` only where that is given.

    Raises NoSuchObject for a project the caller does not see, and PermissionDenied for one in
    which its role does not allow the command.
    """
    if asked != ALL_PROJECTS:
        project = visible_project(caller, command, asked)
        found = caller.memberships.get(project.account_id)
        if found is not None and not membership.permits(caller, found, command):
            raise membership.denied(found, command)
        return [project.account_id]
    if not caller.is_domain_admin:
        barred = set(membership.barred(caller, command))
        return [key for key in caller.memberships if key not in barred]
    accounts = Account.everything.filter(in_subtree(caller.domain, "domain"), is_project=True)
    if domain is not None:
        accounts = accounts.filter(in_subtree(domain, "domain") if recursive else Q(domain=domain))
    return accounts.values("pk")


def visible_project(caller: Caller, command: str, text: str) -> Project:
    found = None
    with contextlib.suppress(ValueError):
        found = Project.objects.all().visible_to(caller).filter(uuid=uuids.UUID(text)).first()
    if found is None:
        raise NoSuchObject(command, "projectid", text)
    return found


def named(caller: Caller, account_name: str, domain: Domain | None = None) -> Account:
    """The account of this name that the caller may see."""
    domain = domain or caller.domain
    accounts = Account.objects.select_related("domain", "role").visible_to(caller)
    found = accounts.filter(domain=domain, name=account_name).first()
    if found is None:
        raise InvalidParameter(f"There is no account {account_name} in domain {domain.name_path}.")
    return found


def operable(caller: Caller, account_name: str, domain: Domain | None = None) -> Account:
    """The account of this name, if the caller may act on it (rule R2)."""
    account = named(caller, account_name, domain)
    if not Account.objects.operable_by(caller).filter(pk=account.pk).exists():
        raise PermissionDenied(
            f"The role of account {account.name} is as high as yours or higher; "
            "you may not change it."
        )
    return account


def own_uuid(text: str | None, parameter: str) -> uuids.UUID:
    """The uuid that the caller chose for a new thing, or a fresh one."""
    if not text:
        return uuids.uuid4()
    try:
        return uuids.UUID(text)
    except ValueError:
        raise InvalidParameter(f"Parameter {parameter} must be a uuid, not “{text}”.") from None
