from __future__ import annotations

from typing import Annotated, Literal

from django.db.models import Q, QuerySet

from accounts import project_responses as responses
from accounts import responses as account_responses
from accounts.caller import Caller
from accounts.models import Account, Domain, Project, ProjectMember, ProjectRole, User
from accounts.querysets import in_subtree
from accounts.services import project_members, projects
from accounts.services.scoping import named
from core.commands import USER, Filter, Read, Uuid, command, listing
from core.errors import InvalidParameter
from core.responses import SUCCESS
from core.steps import Plan


@command(roles=USER, event="PROJECT.CREATE", response=responses.project)
def createProject(
    caller: Caller,
    name: Annotated[str, "What to call it; unique in the domain"],
    displaytext: Annotated[str | None, "What it is for; its name if not given"] = None,
    account: Annotated[str | None, "The account that administers it; goes with domainid"] = None,
    accountid: Annotated[Account | None, Read, "The account that administers it"] = None,
    domainid: Annotated[Domain | None, Read, "The domain of the account named"] = None,
    userid: Annotated[User | None, Read, "The one user of the account who administers it"] = None,
) -> Project:
    """Makes a project: things that several accounts and users share."""
    owner = projects.owner(caller, accountid, account, domainid, userid)
    return projects.create(
        caller, owner, name=name, display_text=displaytext or "", user=userid
    )


@command(roles=USER, event="PROJECT.UPDATE", response=responses.project)
def updateProject(
    caller: Caller,
    id: Annotated[Project, Read, "The project to change"],
    name: Annotated[str | None, "Its new name"] = None,
    displaytext: Annotated[str | None, "What it is for"] = None,
    account: Annotated[str | None, "A member: the account that administers it from now on"] = None,
    userid: Annotated[Uuid | None, "A member: the user who administers it from now on"] = None,
    swapowner: Annotated[
        bool, "The one administrator and the member change places; false: see roletype"
    ] = True,
    roletype: Annotated[
        Literal["Admin", "Regular"] | None, "With swapowner=false: what the member is from now on"
    ] = None,
) -> Project:
    """Changes a project, or who administers it."""
    projects.check_administers(caller, id)
    user = project_members.user_in(id, userid, "updateProject") if userid else None
    projects.rename(id, name=name, display_text=displaytext)
    if account or user:
        member = user.account if user else project_members.account_named(id, account or "")
        if swapowner:
            project_members.hand_over(id, member, user)
        else:
            project_members.promote(id, member, user, is_admin=roletype != "Regular")
    elif roletype is not None:
        raise InvalidParameter("Say whose role it is: give account or userid.")
    return id


@command(roles=USER, event="PROJECT.ACTIVATE", response=responses.project)
def activateProject(
    caller: Caller,
    id: Annotated[Project, Read, "The project to activate"],
) -> Project:
    """Lets a suspended project be used again; its machines stay stopped."""
    projects.check_administers(caller, id)
    return projects.activate(id)


@command(roles=USER, event="PROJECT.SUSPEND", response=responses.project)
def suspendProject(
    caller: Caller,
    id: Annotated[Project, Read, "The project to suspend"],
) -> Plan:
    """Stops a project's machines; nothing can be made or started until it is activated."""
    projects.check_administers(caller, id)
    return projects.suspend(id)


@command(roles=USER, event="PROJECT.DELETE", response=SUCCESS)
def deleteProject(
    caller: Caller,
    id: Annotated[Project, Read, "The project to delete"],
    cleanup: Annotated[bool, "Delete everything in it; else it must be empty"] = False,
) -> Plan:
    """Deletes a project."""
    projects.check_administers(caller, id)
    return projects.delete(id, cleanup=cleanup)


@listing(
    Project,
    response=responses.project,
    roles=USER,
    keyword=("name", "display_text"),
    scoped=False,
    tagged=True,
    icons=True,
    groups=account_responses.groups_of,
)
def listProjects(
    caller: Caller,
    rows: QuerySet,
    name: Annotated[str | None, Filter("name"), "Only those of this name"] = None,
    displaytext: Annotated[str | None, Filter("display_text"), "Only with this text"] = None,
    state: Annotated[
        Literal["Active", "Suspended", "Disabled"] | None, Filter("state"), "Only in this state"
    ] = None,
    id: Annotated[Project | None, "Only this one"] = None,
    account: Annotated[str | None, "Only those this account is in; goes with domainid"] = None,
    username: Annotated[str | None, "Only those this user is in by itself"] = None,
    domainid: Annotated[Domain | None, "Only those of this domain"] = None,
    isrecursive: Annotated[bool, "With domainid: its subdomains as well"] = False,
    listall: Annotated[bool, "Everything the caller may see, not only its own"] = False,
    details: Annotated[list[str] | None, "all, resource or min: whether to show what is used"]
    = None,
) -> QuerySet:
    """Lists projects, with what they use and may use."""
    if id is not None:
        return rows.filter(pk=id.pk)
    if username:
        members = ProjectMember.objects.filter(user__username=username)
        rows = rows.filter(pk__in=members.values("project"))
    if account:
        members = ProjectMember.objects.filter(account=named(caller, account, domainid))
        return rows.filter(pk__in=members.values("project"))
    if domainid is not None:
        return rows.filter(in_subtree(domainid, "domain") if isrecursive else Q(domain=domainid))
    if listall or username:
        return rows
    return rows.filter(account__in=list(caller.memberships))


@listing(
    ProjectMember,
    response=responses.projectaccount,
    roles=USER,
    keyword=("account__name", "user__username"),
    scoped=False,
)
def listProjectAccounts(
    caller: Caller,
    rows: QuerySet,
    projectid: Annotated[Project | None, Read, Filter("project"), "The project"] = None,
    account: Annotated[str | None, Filter("account__name"), "Only this account"] = None,
    userid: Annotated[User | None, Filter("user"), "Only this user"] = None,
    role: Annotated[Literal["Admin", "Regular"] | None, "Only administrators, or the others"]
    = None,
    projectroleid: Annotated[
        ProjectRole | None, Filter("role"), "Only those with this role"
    ] = None,
) -> QuerySet:
    """Lists the accounts and users that are in a project."""
    return rows if role is None else rows.filter(is_admin=role == "Admin")
