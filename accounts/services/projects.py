"""Projects: made with the account that owns their things, changed, suspended, deleted."""

from __future__ import annotations

import uuid as uuids

from django.db import transaction

from accounts import cleaning, project_jobs
from accounts.caller import Caller
from accounts.models import Account, Domain, Project, ProjectMember, Role, User
from accounts.resources import Resource
from accounts.services import limits
from accounts.services.project_members import check_not_going
from accounts.services.scoping import operable
from core import live
from core.commands import RoleType
from core.config import Setting
from core.errors import InUse, InvalidParameter, NotAllowedInState, PermissionDenied
from core.locking import locked
from core.steps import Plan

USERS_CREATE = Setting(
    "allow.user.create.projects", True, "Whether users make projects, not only administrators.",
    category="Project Defaults",
)  # fmt: skip

_ONE = {Resource.PROJECT: 1}


@limits.counter(Resource.PROJECT)
def _count(keys):
    """A project counts for each account that administers it."""
    found: dict[int, int] = {}
    admins = ProjectMember.objects.filter(
        account__in=list(keys), is_admin=True, project__removed=None
    )
    for account in admins.values_list("account", flat=True):
        found[account] = found.get(account, 0) + 1
    return found


# -- who may ------------------------------------------------------------------------------


def administers(caller: Caller, project: Project) -> bool:
    if caller.is_root_admin:
        return True
    if caller.is_domain_admin and project.domain.path.startswith(caller.domain.path):
        return True
    membership = caller.memberships.get(project.account_id)
    return membership is not None and membership.is_admin


def check_administers(caller: Caller, project: Project) -> None:
    if not administers(caller, project):
        raise PermissionDenied(
            f"You are a regular member of project {project.name}; only its administrators "
            "may do this."
        )


# -- making and changing ------------------------------------------------------------------


def owner(
    caller: Caller,
    account: Account | None,
    account_name: str | None,
    domain: Domain | None,
    user: User | None,
) -> Account:
    """Whose project it becomes: the account or user named, when the caller rules it."""
    if user is not None:
        account = account or user.account
        if user.account_id != account.pk:
            raise InvalidParameter(f"User {user} is not of account {account}.")
    if account is None and account_name:
        own = _is_own(caller, account_name, domain)
        account = caller.account if own else operable(caller, account_name, domain)
    if account is None:
        if domain is not None and domain.pk != caller.domain.pk:
            raise InvalidParameter("Give account and domainid together.")
        return caller.account
    if account.pk != caller.account.pk and not (
        Account.objects.all().operable_by(caller).filter(pk=account.pk).exists()
    ):
        raise PermissionDenied(
            f"The role of account {account.name} is as high as yours or higher; "
            "you may not make projects for it."
        )
    if account.state != "enabled":
        raise PermissionDenied(f"Account {account.name} is {account.state}; enable it first.")
    return account


def _is_own(caller: Caller, name: str, domain: Domain | None) -> bool:
    return name == caller.account.name and (domain is None or domain.pk == caller.domain.pk)


@transaction.atomic
def create(
    caller: Caller, owner: Account, *, name: str, display_text: str = "", user: User | None = None
) -> Project:
    if caller.role_type is RoleType.USER and not USERS_CREATE.get():
        raise PermissionDenied(
            "Projects are made by administrators here (allow.user.create.projects)."
        )
    domain = owner.domain
    if domain.state != "Active":
        raise NotAllowedInState(f"Domain {domain.name_path} is being deleted.")
    _check_name(name, domain)
    limits.reserve(owner, _ONE)
    account = Account.objects.create(
        name=f"PrjAcct-{uuids.uuid4()}",
        domain=domain,
        role=Role.objects.get(name="User", is_default=True),
        is_project=True,
    )
    project = Project.objects.create(
        name=name, display_text=display_text or name, domain=domain, account=account
    )
    account.name = f"PrjAcct-{name[:200]}-{project.pk}"
    account.save(update_fields=["name"])
    ProjectMember.objects.create(
        project=project,
        account=owner,
        user=user,
        whole_account=None if user else True,
        is_admin=True,
    )
    live.changed(project)
    return project


@transaction.atomic
def rename(project: Project, *, name: str | None, display_text: str | None) -> None:
    check_not_going(project)
    if name is not None and name != project.name:
        _check_name(name, project.domain, project)
        project.name = name
    if display_text is not None:
        project.display_text = display_text
    project.save(update_fields=["name", "display_text"])
    live.changed(project)


def _check_name(name: str, domain: Domain, project: Project | None = None) -> None:
    if not name.strip():
        raise InvalidParameter("A project needs a name.")
    twins = Project.objects.filter(domain=domain, name__iexact=name)
    if twins.exclude(pk=project.pk if project else None).exists():
        raise InvalidParameter(f"Domain {domain.name_path} has a project {name} already.")


# -- closing and opening ------------------------------------------------------------------


@transaction.atomic
def activate(project: Project) -> Project:
    project = locked(project, "domain", "account")
    if project.cleanup_needed:
        raise NotAllowedInState(
            f"Project {project.name} is half deleted and cannot be activated; delete it again."
        )
    check_not_going(project)
    return _set_state(project, Project.ACTIVE)


@transaction.atomic
def suspend(project: Project) -> Plan:
    """Nothing can be made or started in it from now on; its machines are stopped."""
    project = locked(project, "domain", "account")
    check_not_going(project)
    return Plan(project_jobs.suspend_project, _set_state(project, Project.SUSPENDED))


@transaction.atomic
def delete(project: Project, *, cleanup: bool) -> Plan:
    """The project is closed at once and gone when all it had is.

    Raises InUse when it has something and ``cleanup`` is false, or something that nothing here
    can remove.
    """
    project = locked(project, "domain", "account")
    besides = cleaning.cleaned() if cleanup else frozenset()
    left = cleaning.left_in(project.account, besides=besides)
    if left and cleanup:
        raise InUse(f"Project {project.name} still has {left}; remove these first.")
    if left:
        raise InUse(
            f"Project {project.name} still has {left}; remove these first, or delete it with "
            "cleanup=true."
        )
    return Plan(project_jobs.delete_project, _set_state(project, Project.DISABLED))


def _set_state(project: Project, state: str) -> Project:
    project.state = state
    project.save(update_fields=["state"])
    live.changed(project)
    return project
