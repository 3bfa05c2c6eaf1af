"""Roles inside projects, which take away."""

import pytest

from accounts.models import ProjectMember
from api import dispatch
from core.errors import (
    InUse,
    InvalidParameter,
    NoSuchObject,
    PermissionDenied,
)
from tests import factories
from tests.unit.accounts.projects.asking import ask, fresh, ids

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(project, member):
    """A role that lets its member look, and nothing else."""
    role = project.roles.create(name="reader")
    for order, (rule, allow) in enumerate([("list*", True), ("*", False)]):
        role.rules.create(rule=rule, allow=allow, sort_order=order)
    ProjectMember.objects.filter(project=project, account=member.account).update(role=role)
    return role


def test_a_project_role_takes_away(member, project, reader):
    volume = factories.make_volume(project.account)
    assert ids(member, "listVolumes", projectid=project.uuid) == {volume.uuid}
    for name, given in (
        ("updateVolume", {"id": volume.uuid, "name": "x"}),
        ("createInstanceGroup", {"name": "g", "projectid": project.uuid}),
    ):
        with pytest.raises(PermissionDenied, match=f"does not allow {name}"):
            ask(member, name, **given)
    volume.refresh_from_db()
    assert volume.name != "x"


def test_a_project_role_holds_for_what_is_pinned_as_well(owner, member, project, reader):
    volume = factories.make_volume(project.account)
    given = {"resourceids": volume.uuid, "resourcetype": "Volume"}
    tags = {"tags": [{"key": "env", "value": "prod"}]}
    with pytest.raises(PermissionDenied, match="does not allow createTags"):
        dispatch.execute(fresh(member), "createTags", {**given, **tags})
    dispatch.execute(fresh(owner), "createTags", {**given, **tags})
    about = {"resourceids": project.uuid, "resourcetype": "Project"}
    with pytest.raises(NoSuchObject):
        dispatch.execute(fresh(member), "createTags", {**about, **tags})
    dispatch.execute(fresh(owner), "createTags", {**about, **tags})
    shown = ask(member, "listProjects", id=project.uuid).records[0]
    assert [t["key"] for t in shown["tags"]] == ["env"]
    assert not ask(owner, "listTags").records


def test_a_project_role_says_nothing_about_ones_own_things(member, reader):
    volume = factories.make_volume(member.account)
    ask(member, "updateVolume", id=volume.uuid, name="x")
    ask(member, "createInstanceGroup", name="g")


def test_rules_are_tried_in_order_and_hold_at_once(owner, member, project, reader):
    volume = factories.make_volume(project.account)
    rules = list(reader.rules.all())
    ask(owner, "updateProjectRolePermission", projectid=project.uuid, projectroleid=reader.uuid,
        ruleorder=f"{rules[1].uuid},{rules[0].uuid}")  # fmt: skip
    with pytest.raises(PermissionDenied):
        ask(member, "listVolumes", projectid=project.uuid)
    assert not ids(member, "listVolumes", projectid="-1")
    ask(owner, "deleteProjectRolePermission", projectid=project.uuid, id=rules[1].uuid)
    ask(member, "updateVolume", id=volume.uuid, name="x")


def test_administrators_of_the_project_are_not_bound(owner, project, reader):
    ProjectMember.objects.filter(account=owner.account).update(role=reader)
    volume = factories.make_volume(project.account)
    ask(owner, "updateVolume", id=volume.uuid, name="x")


def test_roles_and_rules_through_their_commands(owner, member, project):
    role = ask(owner, "createProjectRole", projectid=project.uuid, name="dev").record()
    ask(owner, "updateProjectRole", projectid=project.uuid, id=role["id"], name="devs")
    made = ask(owner, "createProjectRolePermission", projectid=project.uuid, rule="delete*",
               projectroleid=role["id"], permission="deny").record()  # fmt: skip
    assert made["permission"] == "deny"
    assert made["projectroleid"] == role["id"]
    ask(owner, "updateProjectRolePermission", projectid=project.uuid, permission="allow",
        projectroleid=role["id"], projectrolepermissionid=made["id"])  # fmt: skip
    rules = ask(member, "listProjectRolePermissions", projectid=project.uuid).records
    assert [(r["rule"], r["permission"]) for r in rules] == [("delete*", "allow")]
    assert [r["name"] for r in ask(member, "listProjectRoles", projectid=project.uuid).records]
    with pytest.raises(PermissionDenied):
        ask(member, "createProjectRole", projectid=project.uuid, name="mine")
    other = factories.make_project(owner.account)
    with pytest.raises(InvalidParameter, match="another project"):
        ask(owner, "deleteProjectRole", projectid=other.uuid, id=role["id"])
    late = factories.make_account(domain=project.domain)
    ask(owner, "addAccountToProject", projectid=project.uuid, account=late.name,
        projectroleid=role["id"])  # fmt: skip
    with pytest.raises(InUse, match=late.name):
        ask(owner, "deleteProjectRole", projectid=project.uuid, id=role["id"])
    ask(owner, "deleteAccountFromProject", projectid=project.uuid, account=late.name)
    ask(owner, "deleteProjectRole", projectid=project.uuid, id=role["id"])
    assert not ask(owner, "listProjectRoles", projectid=project.uuid).records
