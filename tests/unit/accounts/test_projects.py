"""Projects: who is in them and may what, what they own, and how they end."""

import pytest
from django.db import transaction

from accounts.models import Account, Letter, Project, ProjectInvitation, ProjectMember, Role
from accounts.resources import Resource
from accounts.services import invitations, limits, project_members, projects, recounting
from accounts.services.project_members import Part
from api import dispatch
from compute.models import VirtualMachine
from core import vault
from core.errors import (
    InUse,
    InvalidParameter,
    LimitExceeded,
    NoSuchObject,
    NotAllowedInState,
    PermissionDenied,
)
from infra.services import configuration
from jobs.models import AsyncJob, Event
from jobs.worker import run_everything
from network.models import Network
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _settings():
    yield
    configuration.forget()


@pytest.fixture
def domain():
    return factories.make_domain()


@pytest.fixture
def owner(domain):
    return factories.make_caller(domain=domain)


@pytest.fixture
def member(domain):
    return factories.make_caller(domain=domain)


@pytest.fixture
def project(owner, member):
    return factories.make_project(owner.account, member.account)


def fresh(caller):
    """The same caller at its next request: what it is in is asked anew."""
    return factories.caller_of(caller.user)


def ask(caller, command, /, **given):
    return dispatch.execute(fresh(caller), command, {k: str(v) for k, v in given.items()})


def ids(caller, command, /, **given):
    return {r["id"] for r in ask(caller, command, **given).records}


# -- making and changing ----------------------------------------------------------------------


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


# -- who is in it ------------------------------------------------------------------------------


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
    rows = ask(member, "listProjectAccounts", projectid=project.uuid).records
    assert {(r["account"], r["role"]) for r in rows} == {
        (owner.account.name, "Admin"), (member.account.name, "Regular"),
    }  # fmt: skip
    assert rows[0]["user"][0]["username"] == owner.user.username
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


# -- what it owns -------------------------------------------------------------------------------


def test_a_projects_things_show_where_the_project_is_named(owner, member, project):
    own = factories.make_volume(member.account)
    shared = factories.make_volume(project.account, zone=own.zone)
    assert ids(member, "listVolumes") == {own.uuid}
    assert ids(member, "listVolumes", listall=True) == {own.uuid}
    assert ids(member, "listVolumes", projectid=project.uuid) == {shared.uuid}
    assert ids(member, "listVolumes", projectid="-1") == {shared.uuid}
    assert ids(member, "listVolumes", id=shared.uuid) == {shared.uuid}
    shown = ask(member, "listVolumes", projectid=project.uuid).records[0]
    assert shown["projectid"] == project.uuid
    assert shown["project"] == project.name
    assert "account" not in shown
    assert shown["domainid"] == project.domain.uuid


def test_administrators_name_the_project_too(project, domain):
    shared = factories.make_volume(project.account)
    beside = factories.make_volume(factories.make_account(domain=domain), zone=shared.zone)
    elsewhere = factories.make_project(factories.make_account(domain=factories.make_domain()))
    far = factories.make_volume(elsewhere.account, zone=shared.zone)
    root, admin = factories.admin_caller(), factories.make_caller("DomainAdmin", domain=domain)
    assert ids(root, "listVolumes", listall=True) == {beside.uuid}
    assert ids(root, "listVolumes", projectid="-1") == {shared.uuid, far.uuid}
    assert ids(admin, "listVolumes", listall=True) == {beside.uuid}
    assert ids(admin, "listVolumes", domainid=domain.uuid, isrecursive=True) == {beside.uuid}
    assert ids(admin, "listVolumes", projectid="-1") == {shared.uuid}
    assert ids(admin, "listVolumes", projectid=project.uuid) == {shared.uuid}
    with pytest.raises(NoSuchObject):
        ask(admin, "listVolumes", projectid=elsewhere.uuid)


def test_what_is_asked_of_something_in_a_project_is_shown(project):
    vm = factories.make_vm("Stopped", account=project.account)
    root = factories.admin_caller()
    assert ids(root, "listNics", virtualmachineid=vm.uuid) == {n.uuid for n in vm.nics.all()}
    assert ids(root, "listVolumes", listall=True, virtualmachineid=vm.uuid)


def test_an_account_and_a_project_exclude_each_other(owner, project, domain):
    given = {"projectid": project.uuid, "account": owner.account.name, "domainid": domain.uuid}
    for name, more in (("listVolumes", {}), ("createInstanceGroup", {"name": "g"})):
        with pytest.raises(InvalidParameter, match="exclude each other"):
            ask(owner, name, **given, **more)


def test_making_something_for_a_project(member, project):
    made = ask(member, "createInstanceGroup", name="web", projectid=project.uuid).record()
    assert made["projectid"] == project.uuid
    assert not ids(member, "listInstanceGroups")
    assert ids(member, "listInstanceGroups", projectid=project.uuid) == {made["id"]}


def test_a_member_of_another_project_and_a_removed_member_find_nothing(owner, member, project):
    volume = factories.make_volume(project.account)
    stranger = factories.make_caller(domain=project.domain)
    factories.make_project(stranger.account)
    project_members.remove(project, member.account, None)
    for caller in (stranger, member):
        assert not ids(caller, "listVolumes", projectid="-1")
        assert not ids(caller, "listVolumes", listall=True)
        for name, given in (
            ("listVolumes", {"projectid": project.uuid}),
            ("listVolumes", {"id": volume.uuid}),
            ("updateVolume", {"id": volume.uuid, "name": "mine"}),
            ("createInstanceGroup", {"name": "g", "projectid": project.uuid}),
            ("listProjectAccounts", {"projectid": project.uuid}),
            ("addAccountToProject", {"projectid": project.uuid, "account": "x"}),
        ):
            with pytest.raises(NoSuchObject):
                ask(caller, name, **given)


def test_a_projects_disk_stays_with_its_machines(member, project):
    cloud = factories.make_cloud()
    own = factories.make_vm("Stopped", account=member.account, cloud=cloud)
    shared = factories.make_volume(project.account, zone=own.zone)
    with pytest.raises(InvalidParameter, match="account"):
        ask(member, "attachVolume", id=shared.uuid, virtualmachineid=own.uuid)


def test_a_projects_network_is_not_for_other_machines(member, project):
    cloud = factories.make_cloud()
    network = factories.make_network(project.account, zone=cloud.zone)
    with pytest.raises(InvalidParameter, match="may not use network"):
        ask(member, "deployVirtualMachine", zoneid=cloud.zone.uuid,
            serviceofferingid=cloud.offering.uuid, templateid=cloud.template.uuid,
            networkids=network.uuid)  # fmt: skip


def test_deploying_in_a_project(member, project):
    cloud = factories.make_cloud()
    network = factories.make_network(project.account, zone=cloud.zone)
    made = ask(member, "deployVirtualMachine", zoneid=cloud.zone.uuid, projectid=project.uuid,
               serviceofferingid=cloud.offering.uuid, templateid=cloud.template.uuid,
               networkids=network.uuid).value  # fmt: skip
    assert made.account == project.account
    used = limits.used_by_accounts([project.account.pk, member.account.pk])
    assert used[project.account.pk][Resource.INSTANCE] == 1
    assert not used.get(member.account.pk, {}).get(Resource.INSTANCE)
    shown = ask(member, "listProjects", id=project.uuid).records[0]
    assert shown["vmtotal"] == 1


def test_limits_of_projects(member, project):
    configuration.set_value("max.project.user.vms", "0")
    cloud = factories.make_cloud()
    network = factories.make_network(project.account, zone=cloud.zone)
    with pytest.raises(LimitExceeded, match="Project"):
        ask(member, "deployVirtualMachine", zoneid=cloud.zone.uuid, projectid=project.uuid,
            serviceofferingid=cloud.offering.uuid, templateid=cloud.template.uuid,
            networkids=network.uuid)  # fmt: skip


def test_templates_of_a_project_and_for_a_project(owner, member, project):
    zone = factories.make_zone()
    kept = {"zone": zone, "store": factories.make_store(zone)}
    own = factories.make_template(member.account, **kept)
    shared = factories.make_template(project.account, **kept)
    lent = factories.make_template(owner.account, **kept)

    def seen(**given):
        return ids(member, "listTemplates", templatefilter="executable", **given)

    assert seen() == {own.uuid}
    assert seen(projectid=project.uuid) == seen(projectid="-1") == {shared.uuid}
    ask(owner, "updateTemplatePermissions", id=lent.uuid, op="add", projectids=project.uuid)
    assert seen() == {own.uuid}
    assert seen(projectid=project.uuid) == {shared.uuid, lent.uuid}
    told = ask(owner, "listTemplatePermissions", id=lent.uuid).record()
    assert told["projectids"] == [str(project.uuid)]
    assert told["account"] == []
    root = factories.admin_caller()
    assert shared.uuid not in ids(root, "listTemplates", templatefilter="all", listall=True)
    assert ids(root, "listTemplates", templatefilter="all", projectid="-1") == {shared.uuid}
    ask(owner, "updateTemplatePermissions", id=lent.uuid, op="remove", projectids=project.uuid)
    assert seen(projectid=project.uuid) == {shared.uuid}
    stranger = factories.make_caller(domain=project.domain)
    with pytest.raises(NoSuchObject):
        ask(stranger, "listTemplates", templatefilter="self", projectid=project.uuid)
    with pytest.raises(NoSuchObject):
        ask(stranger, "updateTemplatePermissions",
            id=factories.make_template(stranger.account, zone=zone).uuid, op="add",
            projectids=project.uuid)  # fmt: skip


# -- roles inside --------------------------------------------------------------------------------


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


# -- invitations -----------------------------------------------------------------------------------


@pytest.fixture
def invited(owner, project, domain):
    """Somebody who must accept first."""
    configuration.set_value("project.invite.required", "true")
    late = factories.make_caller(domain=domain)
    ask(owner, "addAccountToProject", projectid=project.uuid, account=late.account.name)
    return late


def test_an_invitation_is_accepted(owner, project, invited):
    assert not ids(invited, "listProjects")
    (shown,) = ask(invited, "listProjectInvitations").records
    assert (shown["project"], shown["state"]) == (project.name, "Pending")
    ask(invited, "updateProjectInvitation", projectid=project.uuid)
    assert ids(invited, "listProjects") == {project.uuid}
    assert not ask(invited, "listProjectInvitations", activeonly=True).records
    with pytest.raises(InvalidParameter, match="no open invitation"):
        ask(invited, "updateProjectInvitation", projectid=project.uuid)


def test_an_invitation_is_declined(project, invited):
    ask(invited, "updateProjectInvitation", projectid=project.uuid, accept="false")
    assert not ids(invited, "listProjects")
    assert ProjectInvitation.objects.get().state == "Declined"


def test_an_invitation_expires(project, invited):
    ProjectInvitation.objects.update(created="2026-01-01T00:00:00Z")
    with pytest.raises(InvalidParameter, match="no open invitation"):
        ask(invited, "updateProjectInvitation", projectid=project.uuid)
    assert invitations.expire() == 1
    assert ProjectInvitation.objects.get().state == "Expired"


def test_nobody_else_answers_it(member, project, invited):
    stranger = factories.make_caller(domain=factories.make_domain())
    for caller in (member, stranger):
        assert not ask(caller, "listProjectInvitations", listall=True).records
        with pytest.raises(InvalidParameter, match="no open invitation"):
            ask(caller, "updateProjectInvitation", projectid=project.uuid)


def test_no_such_project_and_no_invitation_sound_the_same(member, project):
    said = set()
    for uuid in (project.uuid, "0b1d7ba4-0c0a-4b3c-8f4e-000000000000"):
        with pytest.raises(InvalidParameter) as error:
            ask(member, "updateProjectInvitation", projectid=uuid, token="guess")
        said.add(error.value.message)
    assert len(said) == 1


def test_an_invitation_is_withdrawn(owner, project, invited):
    (shown,) = ask(owner, "listProjectInvitations", projectid=project.uuid).records
    with pytest.raises(PermissionDenied):
        ask(invited, "deleteProjectInvitation", id=shown["id"])
    ask(owner, "deleteProjectInvitation", id=shown["id"])
    with pytest.raises(InvalidParameter):
        ask(invited, "updateProjectInvitation", projectid=project.uuid)


def mailed_token(letter):
    lines = vault.unseal(letter.sealed_text).splitlines()
    return next(line.split()[1] for line in lines if line.strip().startswith("token"))


def test_a_mailed_token_lets_whoever_has_it_in(owner, project, domain):
    ask(owner, "addAccountToProject", projectid=project.uuid, email="ada@example.org")
    letter = Letter.objects.get()
    assert letter.recipient == "ada@example.org"
    token, row = mailed_token(letter), ProjectInvitation.objects.get()
    assert len(token) >= 32
    assert token not in repr(vars(row)) + letter.sealed_text
    ada = factories.make_caller(domain=domain)
    with pytest.raises(InvalidParameter, match="no open invitation"):
        ask(ada, "updateProjectInvitation", projectid=project.uuid, token=token[:-1] + "!")
    with pytest.raises(InvalidParameter, match="no open invitation"):
        ask(ada, "updateProjectInvitation", projectid=project.uuid)
    ask(ada, "updateProjectInvitation", projectid=project.uuid, token=token)
    assert ids(ada, "listProjects") == {project.uuid}
    with pytest.raises(InvalidParameter, match="no open invitation"):
        ask(factories.make_caller(domain=domain), "updateProjectInvitation",
            projectid=project.uuid, token=token)  # fmt: skip


def test_the_token_of_another_domains_account_is_refused(owner, project):
    ask(owner, "addAccountToProject", projectid=project.uuid, email="ada@example.org")
    stranger = factories.make_caller(domain=factories.make_domain())
    with pytest.raises(InvalidParameter, match="for accounts of domain"):
        ask(stranger, "updateProjectInvitation", projectid=project.uuid,
            token=mailed_token(Letter.objects.get()))  # fmt: skip
    assert ProjectInvitation.objects.get().state == "Pending"


def test_whom_to_invite_must_be_said_and_be_an_address(owner, project):
    for given in ({}, {"email": "no address"}):
        with pytest.raises(InvalidParameter):
            ask(owner, "addAccountToProject", projectid=project.uuid, **given)
    assert not Letter.objects.exists()


# -- suspended, and gone -----------------------------------------------------------------------


def test_in_a_suspended_project_nothing_comes_or_starts(owner, member, project):
    vm = factories.make_vm("Stopped", account=project.account)
    ask(owner, "suspendProject", id=project.uuid)
    for name, given in (
        ("createInstanceGroup", {"name": "g", "projectid": project.uuid}),
        ("startVirtualMachine", {"id": vm.uuid}),
        ("createSnapshot", {"volumeid": vm.attachments.first().volume.uuid}),
    ):
        with pytest.raises(NotAllowedInState, match="is suspended: nothing can be"):
            ask(member, name, **given)
    assert ids(member, "listVirtualMachines", projectid=project.uuid) == {vm.uuid}
    ask(owner, "activateProject", id=project.uuid)
    ask(member, "startVirtualMachine", id=vm.uuid)


def test_suspending_stops_what_runs_and_deleting_removes_all(world, owner, project):
    """On a simulated host: jobs and all."""
    cloud = factories.make_cloud(world=world)
    network = factories.make_network(project.account, zone=cloud.zone)
    vm = factories.make_vm("Running", account=project.account, cloud=cloud, network=network)
    ask(owner, "suspendProject", id=project.uuid)
    run_everything()
    vm.refresh_from_db()
    assert vm.state == "Stopped"
    ask(owner, "deleteProject", id=project.uuid, cleanup="true")
    run_everything()
    project.refresh_from_db()
    assert AsyncJob.objects.get(command="deleteProject").status == 1
    assert project.removed is not None
    assert not Account.objects.filter(pk=project.account_id).exists()
    assert not VirtualMachine.objects.filter(account=project.account).exists()
    assert not Network.objects.filter(account=project.account).exists()
    used = limits.used_by_accounts([owner.account.pk])[owner.account.pk]
    assert used[Resource.PROJECT] == 0
    assert not ids(owner, "listProjects")


def test_events_of_a_project_are_the_projects(owner, member, project):
    ask(owner, "updateProject", id=project.uuid, displaytext="x")
    event = Event.objects.get(type="PROJECT.UPDATE")
    assert event.account == project.account
    shown = ask(member, "listEvents", projectid=project.uuid, type="PROJECT.UPDATE").records
    assert [r["projectid"] for r in shown] == [project.uuid]
    assert not ask(member, "listEvents", type="PROJECT.UPDATE").records


def test_only_an_empty_project_is_deleted_without_cleanup(owner, project):
    factories.make_vm("Stopped", account=project.account)
    with pytest.raises(InUse, match=r"virtual machines \(1\).*cleanup=true"):
        ask(owner, "deleteProject", id=project.uuid)
    project.refresh_from_db()
    assert project.state == "Active"


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


def test_a_list_of_projects_costs_the_same_however_many(
    owner, domain, django_assert_max_num_queries
):
    role = Role.objects.get(name="User")
    accounts = Account.objects.bulk_create(
        Account(name=f"PrjAcct-{n}", domain=domain, role=role, is_project=True)
        for n in range(500)
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


def test_jobs_are_told_by_the_project(owner, project):
    ask(owner, "suspendProject", id=project.uuid)
    assert AsyncJob.objects.get(command="suspendProject").instance_name == project.name
