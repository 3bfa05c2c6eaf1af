from __future__ import annotations

from typing import Annotated, Literal

from django.db.models import QuerySet

from accounts import project_responses as responses
from accounts.caller import Caller
from accounts.models import Domain, Project, ProjectInvitation, ProjectRole, User
from accounts.services import invitations, project_members, projects
from accounts.services.project_members import Part
from accounts.services.scoping import operable
from core.commands import USER, Filter, Operate, Read, Secret, Uuid, command, listing
from core.responses import SUCCESS

_RoleType = Annotated[
    Literal["Admin", "Regular"], "Whether the member administers the project"
]
_Role = Annotated[ProjectRole | None, Read, "The project role that restricts the member"]


@command(roles=USER, event="PROJECT.ACCOUNT.ADD", response=SUCCESS)
def addAccountToProject(
    caller: Caller,
    projectid: Annotated[Project, Read, "The project"],
    account: Annotated[str | None, "An account of the project's domain, with all its users"]
    = None,
    email: Annotated[str | None, "Where to send an invitation"] = None,
    projectroleid: _Role = None,
    roletype: _RoleType = "Regular",
) -> bool:
    """Brings an account into a project, or invites it."""
    projects.check_administers(caller, projectid)
    found = project_members.account_named(projectid, account) if account else None
    part = Part(roletype == "Admin", projectroleid)
    invitations.bring(projectid, found, None, email or "", part)
    return True


@command(roles=USER, event="PROJECT.USER.ADD", response=SUCCESS)
def addUserToProject(
    caller: Caller,
    projectid: Annotated[Project, Read, "The project"],
    username: Annotated[str, "A user of the project's domain, without the rest of its account"],
    email: Annotated[str | None, "Where to send an invitation"] = None,
    projectroleid: _Role = None,
    roletype: _RoleType = "Regular",
) -> bool:
    """Brings one user into a project, or invites it."""
    projects.check_administers(caller, projectid)
    user = project_members.user_named(projectid, username)
    part = Part(roletype == "Admin", projectroleid)
    invitations.bring(projectid, user.account, user, email or "", part)
    return True


@command(roles=USER, event="PROJECT.ACCOUNT.REMOVE", response=SUCCESS)
def deleteAccountFromProject(
    caller: Caller,
    projectid: Annotated[Project, Read, "The project"],
    account: Annotated[str, "The account, by its name"],
) -> bool:
    """Takes an account out of a project; an account may leave by itself."""
    found = project_members.account_named(projectid, account)
    if found.pk != caller.account.pk:
        projects.check_administers(caller, projectid)
    project_members.remove(projectid, found, None)
    return True


@command(roles=USER, event="PROJECT.USER.REMOVE", response=SUCCESS)
def deleteUserFromProject(
    caller: Caller,
    projectid: Annotated[Project, Read, "The project"],
    userid: Annotated[Uuid, "The user"],
) -> bool:
    """Takes a user out of a project; a user may leave by itself."""
    user = project_members.user_in(projectid, userid, "deleteUserFromProject")
    if caller.user is None or user.pk != caller.user.pk:
        projects.check_administers(caller, projectid)
    project_members.remove(projectid, user.account, user)
    return True


# -- invitations --------------------------------------------------------------------------


@listing(
    ProjectInvitation,
    response=responses.projectinvitation,
    roles=USER,
    keyword=("project__name", "email", "invited__name"),
)
def listProjectInvitations(
    caller: Caller,
    rows: QuerySet,
    projectid: Annotated[Project | None, Filter("project"), "Only those to this project"] = None,
    userid: Annotated[User | None, Filter("user"), "Only those of this user"] = None,
    state: Annotated[
        Literal["Pending", "Completed", "Expired", "Declined"] | None,
        Filter("state"),
        "Only in this state",
    ] = None,
    activeonly: Annotated[bool, "Only those that can still be accepted"] = False,
) -> QuerySet:
    """Lists invitations: the caller's own, and those to projects it administers."""
    return rows.filter(invitations.still_open()) if activeonly else rows


@command(roles=USER, event="PROJECT.INVITATION.UPDATE", response=SUCCESS)
def updateProjectInvitation(
    caller: Caller,
    projectid: Annotated[Uuid, "The project invited to"],
    account: Annotated[str | None, "The account that joins; the caller's own if not given"]
    = None,
    userid: Annotated[User | None, Operate, "The user who joins, if not the caller"] = None,
    token: Annotated[str | None, Secret, "The token that was mailed"] = None,
    accept: Annotated[bool, "Join; false: decline"] = True,
) -> bool:
    """Accepts an invitation to a project, or declines it."""
    project = invitations.project_of(projectid)
    joins, user = caller.account, caller.user
    if userid is not None:
        joins, user = userid.account, userid
    elif account and account != caller.account.name:
        joins, user = operable(caller, account, _ruled(caller, project)), None
    invitations.answer(project, account=joins, user=user, token=token, accept=accept)
    return True


def _ruled(caller: Caller, project: Project | None) -> Domain | None:
    """The project's domain, if the caller knows it; nobody learns by it that there is one."""
    if project is None:
        return None
    return Domain.objects.all().visible_to(caller).filter(pk=project.domain_id).first()


@command(roles=USER, event="PROJECT.INVITATION.REMOVE", response=SUCCESS)
def deleteProjectInvitation(
    caller: Caller,
    id: Annotated[ProjectInvitation, Read, "The invitation"],
) -> bool:
    """Withdraws an invitation."""
    projects.check_administers(caller, id.project)
    invitations.withdraw(id)
    return True
