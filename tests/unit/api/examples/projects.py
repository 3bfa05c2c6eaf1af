"""Projects: their members, invitations and roles."""

from accounts.models import ProjectInvitation
from compute.models import VirtualMachine
from infra.services import configuration
from tests import factories
from tests.unit.api.examples import example


def project_of(stage):
    return stage["accounts.Project"]


@example("createProject")
def _(stage):
    answered = yield {
        "name": "shop", "displaytext": "The shop", "account": stage.account.name,
        "domainid": stage.account.domain,
    }  # fmt: skip
    assert answered["owner"] == [{"account": stage.account.name}]
    assert answered["state"] == "Active"


@example("updateProject")
def _(stage):
    answered = yield {"id": project_of(stage), "displaytext": "For the shop"}
    assert answered["displaytext"] == "For the shop"


@example("suspendProject")
def _(stage):
    answered = yield {"id": project_of(stage)}
    assert answered["state"] == "Suspended"


@example("activateProject")
def _(stage):
    stage.ask("suspendProject", id=project_of(stage))
    answered = yield {"id": project_of(stage)}
    assert answered["state"] == "Active"


@example("deleteProject")
def _(stage):
    project = project_of(stage)
    factories.make_volume(project.account, zone=stage["infra.Zone"], state="Allocated")
    yield {"id": project, "cleanup": True}
    assert not stage.ask("listProjects", listall=True)
    assert not VirtualMachine.objects.filter(account=project.account).exists()


@example("listProjects")
def _(stage):
    project = project_of(stage)
    answered = yield {"listall": True}
    assert [p["id"] for p in answered] == [str(project.uuid)]


@example("addAccountToProject")
def _(stage):
    project = project_of(stage)
    late = factories.make_account(domain=project.domain)
    yield {"projectid": project, "account": late.name}
    assert project.members.filter(account=late).exists()


@example("addUserToProject")
def _(stage):
    project = project_of(stage)
    late = factories.make_user(domain=project.domain)
    yield {"projectid": project, "username": late.username, "roletype": "Admin"}
    assert project.members.get(user=late).is_admin


@example("deleteAccountFromProject")
def _(stage):
    project = project_of(stage)
    late = factories.make_account(domain=project.domain)
    stage.ask("addAccountToProject", projectid=project, account=late.name)
    yield {"projectid": project, "account": late.name}
    assert not project.members.filter(account=late).exists()


@example("deleteUserFromProject")
def _(stage):
    project = project_of(stage)
    late = factories.make_user(domain=project.domain)
    stage.ask("addUserToProject", projectid=project, username=late.username)
    yield {"projectid": project, "userid": late}
    assert not project.members.filter(user=late).exists()


@example("listProjectAccounts")
def _(stage):
    answered = yield {"projectid": project_of(stage)}
    assert [(m["account"], m["role"]) for m in answered] == [(stage.account.name, "Admin")]


def _invited(stage):
    """A project that invited the stage's account."""
    configuration.set_value("project.invite.required", "true")
    project = factories.make_project(factories.make_account(domain=stage.account.domain))
    stage.ask("addAccountToProject", projectid=project, account=stage.account.name)
    configuration.reset("project.invite.required")
    return project


@example("listProjectInvitations")
def _(stage):
    project = _invited(stage)
    answered = yield {"projectid": project, "listall": True}
    assert [i["account"] for i in answered] == [stage.account.name]


@example("updateProjectInvitation")
def _(stage):
    project = _invited(stage)
    yield {"projectid": project, "account": stage.account.name}
    assert project.members.filter(account=stage.account).exists()


@example("deleteProjectInvitation")
def _(stage):
    _invited(stage)
    yield {"id": ProjectInvitation.objects.get()}
    assert not ProjectInvitation.objects.exists()


@example("createProjectRole")
def _(stage):
    answered = yield {"projectid": project_of(stage), "name": "readers"}
    assert answered["projectid"] == str(project_of(stage).uuid)


@example("updateProjectRole")
def _(stage):
    role = stage["accounts.ProjectRole"]
    answered = yield {"projectid": role.project, "id": role, "name": "writers"}
    assert answered["name"] == "writers"


@example("createProjectRolePermission")
def _(stage):
    role = stage["accounts.ProjectRole"]
    answered = yield {
        "projectid": role.project, "projectroleid": role, "rule": "list*", "permission": "allow",
    }  # fmt: skip
    assert answered["projectrolename"] == role.name


@example("updateProjectRolePermission")
def _(stage):
    rule = stage["accounts.ProjectRoleRule"]
    yield {
        "projectid": rule.role.project, "projectroleid": rule.role, "permission": "deny",
        "projectrolepermissionid": rule,
    }  # fmt: skip
    rule.refresh_from_db()
    assert not rule.allow


@example("listProjectRoles")
def _(stage):
    role = stage["accounts.ProjectRole"]
    answered = yield {"projectid": role.project}
    assert [r["name"] for r in answered] == [role.name]


@example("listProjectRolePermissions")
def _(stage):
    rule = stage["accounts.ProjectRoleRule"]
    answered = yield {"projectid": rule.role.project}
    assert [r["rule"] for r in answered] == [rule.rule]
