from __future__ import annotations

from typing import Annotated, Literal

from django.db.models import QuerySet

from accounts import project_responses as responses
from accounts.caller import Caller
from accounts.models import Project, ProjectRole, ProjectRoleRule
from accounts.services import project_roles, projects
from core.commands import USER, Filter, Read, command, listing
from core.errors import InvalidParameter
from core.responses import SUCCESS

_Project = Annotated[Project, Read, "The project"]


def _check(caller: Caller, project: Project, role: ProjectRole | None = None) -> None:
    projects.check_administers(caller, project)
    if role is not None:
        project_roles.check_of(project, role)


@command(roles=USER, event="PROJECT.ROLE.CREATE", response=responses.projectrole)
def createProjectRole(
    caller: Caller,
    projectid: _Project,
    name: Annotated[str, "What to call it; unique in the project"],
    description: Annotated[str | None, "What it is for"] = None,
) -> ProjectRole:
    """Makes a role inside a project, which restricts nothing until it has rules."""
    _check(caller, projectid)
    return project_roles.create(projectid, name, description or "")


@command(roles=USER, event="PROJECT.ROLE.UPDATE", response=responses.projectrole)
def updateProjectRole(
    caller: Caller,
    id: Annotated[ProjectRole, Read, "The role to change"],
    projectid: _Project,
    name: Annotated[str | None, "Its new name"] = None,
    description: Annotated[str | None, "What it is for"] = None,
) -> ProjectRole:
    """Changes a role inside a project."""
    _check(caller, projectid, id)
    return project_roles.update(id, name=name, description=description)


@command(roles=USER, event="PROJECT.ROLE.DELETE", response=SUCCESS)
def deleteProjectRole(
    caller: Caller,
    id: Annotated[ProjectRole, Read, "The role to delete"],
    projectid: _Project,
) -> bool:
    """Deletes a role inside a project that no member has."""
    _check(caller, projectid, id)
    project_roles.delete(id)
    return True


@listing(ProjectRole, response=responses.projectrole, roles=USER)
def listProjectRoles(
    caller: Caller,
    rows: QuerySet,
    projectid: Annotated[Project | None, Read, Filter("project"), "The project"] = None,
    name: Annotated[str | None, Filter("name"), "Only one of this name"] = None,
    projectroleid: Annotated[ProjectRole | None, Filter("pk"), "Only this one"] = None,
) -> QuerySet:
    """Lists the roles inside a project."""
    return rows


@command(
    roles=USER, event="PROJECT.ROLE.PERMISSION.CREATE", response=responses.projectrolepermission
)
def createProjectRolePermission(
    caller: Caller,
    projectid: _Project,
    projectroleid: Annotated[ProjectRole, Read, "The role to add it to"],
    rule: Annotated[str, "A command's name, in which * stands for any letters"],
    permission: Annotated[Literal["allow", "deny"], "Whether commands that match are allowed"],
    description: Annotated[str | None, "What the rule is for"] = None,
) -> ProjectRoleRule:
    """Adds a rule at the end of a project role's."""
    _check(caller, projectid, projectroleid)
    return project_roles.add_rule(
        projectroleid, rule, allow=permission == "allow", description=description or ""
    )


@command(roles=USER, event="PROJECT.ROLE.PERMISSION.UPDATE", response=SUCCESS)
def updateProjectRolePermission(
    caller: Caller,
    projectid: _Project,
    projectroleid: Annotated[ProjectRole, Read, "The role"],
    projectrolepermissionid: Annotated[
        ProjectRoleRule | None, Read, "The rule to change; goes with permission"
    ] = None,
    permission: Annotated[
        Literal["allow", "deny"] | None, "Whether commands that match are allowed"
    ] = None,
    ruleorder: Annotated[list[ProjectRoleRule] | None, Read, "All rules, in their new order"]
    = None,
) -> bool:
    """Changes a rule of a project role, or the order of its rules."""
    _check(caller, projectid, projectroleid)
    if ruleorder:
        project_roles.order_rules(projectroleid, ruleorder)
    elif projectrolepermissionid is None or permission is None:
        raise InvalidParameter("Give ruleorder, or projectrolepermissionid and permission.")
    else:
        _check_rule(projectroleid, projectrolepermissionid)
        project_roles.change_rule(projectrolepermissionid, allow=permission == "allow")
    return True


@command(roles=USER, event="PROJECT.ROLE.PERMISSION.DELETE", response=SUCCESS)
def deleteProjectRolePermission(
    caller: Caller,
    id: Annotated[ProjectRoleRule, Read, "The rule to delete"],
    projectid: _Project,
) -> bool:
    """Deletes a rule of a project role."""
    _check(caller, projectid, id.role)
    project_roles.delete_rule(id)
    return True


@listing(
    ProjectRoleRule,
    response=responses.projectrolepermission,
    roles=USER,
    keyword=("rule",),
    order=("sort_order", "pk"),
)
def listProjectRolePermissions(
    caller: Caller,
    rows: QuerySet,
    projectid: Annotated[Project | None, Read, Filter("role__project"), "The project"] = None,
    projectroleid: Annotated[ProjectRole | None, Filter("role"), "Only those of this role"] = None,
) -> QuerySet:
    """Lists the rules of a project's roles, in the order in which they are tried."""
    return rows


def _check_rule(role: ProjectRole, rule: ProjectRoleRule) -> None:
    if rule.role_id != role.pk:
        raise InvalidParameter(f"Rule {rule.rule} is not one of role {role.name}.")
