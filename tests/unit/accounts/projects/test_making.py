"""Projects: made, changed, handed over and listed."""

import pytest

from accounts.models import Account, Project, ProjectMember, Role
from accounts.resources import Resource
from accounts.services import limits, recounting
from api import dispatch
from core.errors import (
    InUse,
    InvalidParameter,
    LimitExceeded,
    NoSuchObject,
    PermissionDenied,
)
from infra.services import configuration
from jobs.models import AsyncJob, Event
from tests import factories
from tests.unit.accounts.projects.asking import ask, fresh, ids

pytestmark = pytest.mark.django_db


def test_a_project_owns_by_an_account_of_its_own(owner):
    made = ask(owner, "createProject", name="shop", displaytext="The shop").record()
    project = Project.objects.get(uuid=made["id"])
    assert project.account.is_project
    assert not project.account.users.exists()
    assert project.account.name == f"PrjAcct-shop-{project.pk}"
    assert made["owner"] == [{"account": owner.account.name}]
    assert made["state"] == "Active"
    assert made["vmtotal"] == 0
    assert made["vmlimit"] == "20"
    assert limits.used_by_accounts([owner.account.pk])[owner.account.pk][Resource.PROJECT] == 1


def test_names_are_unique_in_a_domain_in_any_case(owner, project):
    with pytest.raises(InvalidParameter, match="has a project"):
        ask(owner, "createProject", name=project.name.upper())


def test_users_may_be_kept_from_making_projects(owner):
    configuration.set_value("allow.user.create.projects", "false")
    with pytest.raises(PermissionDenied, match="administrators"):
        ask(owner, "createProject", name="shop")


def test_projects_are_limited(owner):
    limits.set_limit(owner.account, Resource.PROJECT, 1)
    ask(owner, "createProject", name="one")
    with pytest.raises(LimitExceeded, match="projects"):
        ask(owner, "createProject", name="two")
    assert not Account.objects.filter(name__startswith="PrjAcct-two").exists()


def test_a_project_for_another_account_is_an_administrators_to_make(owner, member, domain):
    given = {"name": "theirs", "account": member.account.name, "domainid": domain.uuid}
    with pytest.raises(InvalidParameter, match="There is no account"):
        ask(owner, "createProject", **given)
    admin = factories.make_caller("DomainAdmin", domain=domain)
    made = ask(admin, "createProject", **given).record()
    assert made["owner"] == [{"account": member.account.name}]


def test_one_user_of_an_account_administers_alone(owner):
    other = factories.make_user(account=owner.account)
    made = ask(owner, "createProject", name="mine", userid=owner.user.uuid).record()
    assert made["owner"][0]["userid"] == owner.user.uuid
    assert ids(owner, "listProjects") == {made["id"]}
    assert not ids(factories.caller_of(other), "listProjects")


def test_its_account_is_nobodys_to_sign_in_to_or_to_name(owner, project):
    admin = factories.admin_caller()
    account = project.account
    listed = {r["name"] for r in ask(admin, "listAccounts", listall=True).records}
    assert account.name not in listed
    assert owner.account.name in listed
    with pytest.raises(InvalidParameter):
        ask(admin, "listVolumes", account=account.name, domainid=account.domain.uuid)
    with pytest.raises(NoSuchObject):
        ask(admin, "deleteAccount", id=account.uuid)
    with pytest.raises(InvalidParameter):
        ask(admin, "createUser", account=account.name, domainid=account.domain.uuid,
            username="x", password="a long and good one", email="x@example.org",
            firstname="x", lastname="x")  # fmt: skip


def test_changing_and_handing_over(owner, member, project):
    ask(owner, "updateProject", id=project.uuid, name="new", displaytext="Text",
        account=member.account.name)  # fmt: skip
    shown = ask(owner, "listProjects", id=project.uuid).records[0]
    assert (shown["name"], shown["displaytext"]) == ("new", "Text")
    assert shown["owner"] == [{"account": member.account.name}]
    used = limits.used_by_accounts([owner.account.pk, member.account.pk])
    assert used[owner.account.pk][Resource.PROJECT] == 0
    assert used[member.account.pk][Resource.PROJECT] == 1
    with pytest.raises(PermissionDenied, match="regular member"):
        ask(owner, "updateProject", id=project.uuid, displaytext="Mine again")


def test_promoting_and_demoting(owner, member, project):
    given = {"id": project.uuid, "account": member.account.name, "swapowner": "false"}
    ask(owner, "updateProject", **given, roletype="Admin")
    assert project.members.filter(is_admin=True).count() == 2
    with pytest.raises(InvalidParameter, match="has 2 administrators"):
        ask(owner, "updateProject", id=project.uuid, account=member.account.name)
    ask(member, "updateProject", **{**given, "account": owner.account.name}, roletype="Regular")
    with pytest.raises(InUse, match="only administrator"):
        ask(member, "updateProject", **given, roletype="Regular")


def test_counts_of_projects_agree_with_the_rows(owner, member, project):
    ask(owner, "updateProject", id=project.uuid, account=member.account.name,
        swapowner="false", roletype="Admin")  # fmt: skip
    assert recounting.mend() == 0


def test_events_of_a_project_are_the_projects(owner, member, project):
    ask(owner, "updateProject", id=project.uuid, displaytext="x")
    event = Event.objects.get(type="PROJECT.UPDATE")
    assert event.account == project.account
    shown = ask(member, "listEvents", projectid=project.uuid, type="PROJECT.UPDATE").records
    assert [r["projectid"] for r in shown] == [project.uuid]
    assert not ask(member, "listEvents", type="PROJECT.UPDATE").records


def test_jobs_are_told_by_the_project(owner, project):
    ask(owner, "suspendProject", id=project.uuid)
    assert AsyncJob.objects.get(command="suspendProject").instance_name == project.name


def test_a_list_of_projects_costs_the_same_however_many(
    owner, domain, django_assert_max_num_queries
):
    role = Role.objects.get(name="User")
    accounts = Account.objects.bulk_create(
        Account(name=f"PrjAcct-{n}", domain=domain, role=role, is_project=True) for n in range(500)
    )
    made = Project.objects.bulk_create(
        Project(name=f"p{a.pk}", domain=domain, account=a) for a in accounts
    )
    ProjectMember.objects.bulk_create(
        ProjectMember(project=p, account=owner.account, is_admin=True) for p in made
    )
    caller = fresh(owner)
    with django_assert_max_num_queries(16):
        found = dispatch.execute(caller, "listProjects", {"page": "1", "pagesize": "500"})
    assert found.count == 500
    assert len(found.records) == 500
