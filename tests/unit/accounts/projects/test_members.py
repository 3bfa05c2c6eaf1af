"""Who is in a project, and may what as its administrator."""

import pytest
from django.db import transaction

from accounts.services import keys, project_members, projects
from accounts.services.project_members import Part
from api import dispatch
from compute.models import InstanceGroup
from core.errors import (
    InUse,
    InvalidParameter,
    NoSuchObject,
    PermissionDenied,
)
from tests import factories
from tests.unit.accounts.projects.asking import ask, fresh, ids

pytestmark = pytest.mark.django_db


def test_accounts_and_users_come_and_go(owner, member, project, domain):
    late = factories.make_caller(domain=domain)
    ask(owner, "addAccountToProject", projectid=project.uuid, account=late.account.name)
    assert ids(late, "listProjects") == {project.uuid}
    ask(owner, "deleteAccountFromProject", projectid=project.uuid, account=late.account.name)
    assert not ids(late, "listProjects")
    ask(owner, "addUserToProject", projectid=project.uuid, username=late.user.username)
    assert ids(late, "listProjects") == {project.uuid}
    twin = factories.make_user(account=late.account)
    assert not ids(factories.caller_of(twin), "listProjects")
    ask(owner, "deleteUserFromProject", projectid=project.uuid, userid=late.user.uuid)
    assert not ids(late, "listProjects")


def test_members_are_of_the_projects_domain(owner, project):
    stranger = factories.make_caller(domain=factories.make_domain())
    with pytest.raises(InvalidParameter, match="There is no account"):
        ask(owner, "addAccountToProject", projectid=project.uuid, account=stranger.account.name)


def test_an_account_takes_the_place_of_its_users(owner, project, domain):
    late = factories.make_caller(domain=domain)
    ask(owner, "addUserToProject", projectid=project.uuid, username=late.user.username)
    ask(owner, "addAccountToProject", projectid=project.uuid, account=late.account.name)
    assert [m.user for m in project.members.filter(account=late.account)] == [None]
    with pytest.raises(InvalidParameter, match="in project .* already, and user"):
        ask(owner, "addUserToProject", projectid=project.uuid, username=late.user.username)


def test_a_member_leaves_by_itself_but_the_only_administrator_stays(owner, member, project):
    with pytest.raises(PermissionDenied, match="regular member"):
        ask(member, "deleteAccountFromProject", projectid=project.uuid,
            account=owner.account.name)  # fmt: skip
    ask(member, "deleteAccountFromProject", projectid=project.uuid, account=member.account.name)
    with pytest.raises(InUse, match="only administrator"):
        ask(owner, "deleteAccountFromProject", projectid=project.uuid, account=owner.account.name)


def test_the_list_of_who_is_in_it(owner, member, project):
    keys.register(owner.user)
    rows = ask(member, "listProjectAccounts", projectid=project.uuid).records
    assert {(r["account"], r["role"]) for r in rows} == {
        (owner.account.name, "Admin"), (member.account.name, "Regular"),
    }  # fmt: skip
    (seen,) = rows[0]["user"]
    assert seen["username"] == owner.user.username
    assert not seen.keys() & {"apikey", "email", "is2faenabled", "roleid"}
    admins = ask(member, "listProjectAccounts", projectid=project.uuid, role="Admin").records
    assert [r["account"] for r in admins] == [owner.account.name]


@pytest.mark.parametrize(
    "name, given",
    [
        ("updateProject", {"displaytext": "x"}),
        ("suspendProject", {}),
        ("activateProject", {}),
        ("deleteProject", {}),
    ],
)
def test_a_regular_member_is_told_whose_command_it_is(member, project, name, given):
    with pytest.raises(PermissionDenied, match="regular member of project"):
        ask(member, name, id=project.uuid, **given)
    project.refresh_from_db()
    assert project.state == "Active"


def test_the_administrator_of_the_domain_rules_its_projects(project, domain):
    admin = factories.make_caller("DomainAdmin", domain=domain)
    ask(admin, "updateProject", id=project.uuid, displaytext="By the domain's")
    assert project.uuid in ids(admin, "listProjects", listall=True)
    assert not ids(admin, "listProjects")
    stranger = factories.make_caller("DomainAdmin", domain=factories.make_domain())
    with pytest.raises(NoSuchObject):
        ask(stranger, "updateProject", id=project.uuid, displaytext="x")


def test_an_account_that_alone_administers_a_project_is_not_deleted(owner, member, project):
    root = factories.admin_caller()
    with pytest.raises(InUse, match="only administrator of project"):
        ask(root, "deleteAccount", id=owner.account.uuid)
    with transaction.atomic():
        projects.create(owner, owner.account, name="alone", user=owner.user)
    with pytest.raises(InUse, match="only administrator of project"):
        ask(root, "deleteUser", id=owner.user.uuid)
    ask(root, "deleteAccount", id=member.account.uuid)


def test_an_active_member_may_be_a_user_with_more_than_its_account(owner, member, project):
    """What the user itself is given holds."""
    with transaction.atomic():
        project_members.remove(project, member.account, None)
        project_members.add(project, member.account, member.user, Part(is_admin=True))
    ask(member, "updateProject", id=project.uuid, displaytext="x")


@pytest.mark.parametrize("name", ["createInstanceGroup", "updateVolume"])
def test_who_is_taken_out_in_mid_call_gets_no_further(member, project, name):
    """What it is in was read when the call began."""
    volume = factories.make_volume(project.account)
    given = {
        "updateVolume": {"id": volume.uuid},
        "createInstanceGroup": {"projectid": project.uuid},
    }
    caller = fresh(member)
    assert project.account_id in caller.memberships
    project_members.remove(project, member.account, None)
    with pytest.raises(PermissionDenied, match=f"in project {project.name} no more"):
        dispatch.execute(caller, name, {**given[name], "name": "mine"})
    volume.refresh_from_db()
    assert volume.name != "mine"
    assert not InstanceGroup.objects.exists()


def test_what_an_administrator_may_no_longer_do_counts_at_once(owner, member, project):
    given = {"id": project.uuid, "account": member.account.name, "swapowner": "false"}
    ask(owner, "updateProject", **given, roletype="Admin")
    caller = fresh(member)
    assert caller.memberships[project.account_id].is_admin
    ask(owner, "updateProject", **given, roletype="Regular")
    with pytest.raises(PermissionDenied, match="regular member"):
        dispatch.execute(caller, "updateProject", {"id": project.uuid, "displaytext": "x"})
