"""Who is in a project: accounts with all their users, or single users; administrators among
them. Every change holds the project's row, so that one administrator at least remains."""

from __future__ import annotations

import contextlib
import uuid as uuids
from dataclasses import dataclass

from django.db import transaction

from accounts.models import Account, Project, ProjectMember, ProjectRole, User
from accounts.resources import Resource
from accounts.services import limits
from core import live
from core.errors import InUse, InvalidParameter, NoSuchObject, NotAllowedInState
from core.locking import locked

_ONE = {Resource.PROJECT: 1}


@dataclass(frozen=True)
class Part:
    """What a member may do: everything (``is_admin``), or what its role leaves it."""

    is_admin: bool = False
    role: ProjectRole | None = None

    def check(self, project: Project) -> None:
        if self.role is not None and self.role.project_id != project.pk:
            raise InvalidParameter(
                f"Role {self.role.name} is of another project, not of {project.name}."
            )


def check_not_going(project: Project) -> None:
    if project.state == Project.DISABLED:
        raise NotAllowedInState(f"Project {project.name} is being deleted.")


def account_named(project: Project, name: str) -> Account:
    """An account of the project's domain: members share its domain."""
    accounts = Account.objects.select_related("domain", "role")
    found = accounts.filter(domain=project.domain_id, name=name, is_project=False).first()
    if found is None or found.is_default and found.name == "system":
        raise InvalidParameter(f"There is no account {name} in domain {project.domain.name_path}.")
    return found


def user_named(project: Project, name: str) -> User:
    users = User.objects.select_related("account__domain", "account__role")
    found = users.filter(domain=project.domain_id, username=name).first()
    if found is None or found.is_default and found.username == "system":
        raise InvalidParameter(f"There is no user {name} in domain {project.domain.name_path}.")
    return found


def user_in(project: Project, uuid: str, command: str) -> User:
    """A user who is in the project by itself. To whoever sees the project no other is there."""
    found = None
    with contextlib.suppress(ValueError):
        members = project.members.filter(user__uuid=uuids.UUID(uuid))
        found = members.select_related("user__account__domain").first()
    if found is None or found.user is None:
        raise NoSuchObject(command, "userid", uuid)
    return found.user


def check_addable(project: Project, account: Account, user: User | None) -> None:
    """Raises InvalidParameter when it is in the project already, or cannot be."""
    if account.domain_id != project.domain_id:
        raise InvalidParameter(
            f"Project {project.name} is for accounts of domain {project.domain.name_path}."
        )
    members = ProjectMember.objects.filter(project=project, account=account)
    if members.filter(user=None).exists():
        if user is not None:
            raise InvalidParameter(
                f"Account {account.name} is in project {project.name} already, and user {user} "
                "with it."
            )
        raise InvalidParameter(f"Account {account.name} is in project {project.name} already.")
    if user is not None and members.filter(user=user).exists():
        raise InvalidParameter(f"User {user} is in project {project.name} already.")


@transaction.atomic
def add(project: Project, account: Account, user: User | None, part: Part) -> ProjectMember:
    """An account takes the place of those of its users who were in the project alone."""
    project = locked(project, "domain")
    check_not_going(project)
    check_addable(project, account, user)
    part.check(project)
    if part.is_admin:
        limits.reserve(account, _ONE)
    made = ProjectMember.objects.create(
        project=project,
        account=account,
        user=user,
        whole_account=None if user else True,
        is_admin=part.is_admin,
        role=part.role,
    )
    if user is None:
        for single in ProjectMember.objects.filter(project=project, account=account).exclude(
            pk=made.pk
        ):
            _drop(single)
    live.changed(project)
    live.tell("project", str(project.uuid), account.pk)  # who is not listening to it yet
    return made


@transaction.atomic
def remove(project: Project, account: Account, user: User | None) -> None:
    """Raises InUse for the last administrator."""
    project = locked(project, "domain")
    member = found(project, account, user)
    _check_not_last(project, member)
    _drop(member)
    live.changed(project)


@transaction.atomic
def promote(project: Project, account: Account, user: User | None, *, is_admin: bool) -> None:
    """Make a member an administrator of the project, or a regular member again."""
    project = locked(project, "domain")
    check_not_going(project)
    member = found(project, account, user)
    if not is_admin:
        _check_not_last(project, member)
    _set_admin(member, is_admin)
    live.changed(project)


@transaction.atomic
def hand_over(project: Project, account: Account, user: User | None) -> None:
    """The project's one administrator and this member change places."""
    project = locked(project, "domain")
    check_not_going(project)
    member = found(project, account, user)
    admins = list(project.members.filter(is_admin=True).select_related("account__domain"))
    if len(admins) > 1:
        raise InvalidParameter(
            f"Project {project.name} has {len(admins)} administrators; give swapowner=false and "
            "roletype to make this member one as well, or no longer one."
        )
    _set_admin(member, True)
    for former in admins:
        if former.pk != member.pk:
            _set_admin(former, False)
    live.changed(project)


def forget(account: Account, user: User | None = None) -> None:
    """A removed account or user is in no project and is invited to none."""
    members = ProjectMember.objects.filter(account=account).select_related("account__domain")
    if user is not None:
        members = members.filter(user=user)
    for member in members:
        _drop(member)
    invitations = account.invitations.filter(removed=None)
    for invitation in invitations.filter(user=user) if user else invitations:
        invitation.remove()


def leave(user: User) -> None:
    """The user goes, or goes to another account: what it was in by itself it leaves."""
    check_replaceable(user.account, user)
    forget(user.account, user)


def dissolve(project: Project) -> None:
    """The project is gone, and nobody is in it; what happened in it stays to be read."""
    for member in project.members.select_related("account__domain"):
        _drop(member)
    for invitation in project.invitations.filter(removed=None):
        invitation.remove()
    project.remove(state=Project.DISABLED, cleanup_needed=False)


def found(project: Project, account: Account, user: User | None) -> ProjectMember:
    members = ProjectMember.objects.select_related("account__domain", "account__role")
    member = members.filter(project=project, account=account, user=user).first()
    if member is None:
        who = f"User {user}" if user else f"Account {account.name}"
        raise InvalidParameter(f"{who} is not in project {project.name}.")
    return member


def sole_projects(account: Account, user: User | None = None) -> list[Project]:
    """Projects that would have no administrator without this account (or user of it)."""
    mine = ProjectMember.objects.filter(account=account, is_admin=True, project__removed=None)
    if user is not None:
        mine = mine.filter(user=user)
    projects = Project.objects.filter(members__in=mine).distinct()
    others = ProjectMember.objects.filter(is_admin=True).exclude(pk__in=mine.values("pk"))
    return list(projects.exclude(pk__in=others.values("project")))


def check_replaceable(account: Account, user: User | None = None) -> None:
    """Raises InUse when a project would be left without an administrator."""
    projects = [p.name for p in sole_projects(account, user)]
    if projects:
        shown = ", ".join(projects[:5]) + (" and more" if len(projects) > 5 else "")
        who = f"User {user}" if user else f"Account {account.name}"
        raise InUse(
            f"{who} is the only administrator of project {shown}; make another member an "
            "administrator, or delete the project, first."
        )


def _check_not_last(project: Project, member: ProjectMember) -> None:
    others = project.members.filter(is_admin=True).exclude(pk=member.pk)
    if member.is_admin and not others.exists():
        raise InUse(
            f"{member} is the only administrator of project {project.name}; make another "
            "member one first."
        )


def _set_admin(member: ProjectMember, is_admin: bool) -> None:
    if member.is_admin == is_admin:
        return
    if is_admin:
        limits.reserve(member.account, _ONE)
    else:
        limits.release(member.account, _ONE)
    member.is_admin = is_admin
    member.save(update_fields=["is_admin"])


def _drop(member: ProjectMember) -> None:
    if member.is_admin:
        limits.release(member.account, _ONE)
    member.delete()
