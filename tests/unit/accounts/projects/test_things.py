"""What a project owns: seen, used and limited by itself."""

import pytest

from accounts.resources import Resource
from accounts.services import limits, project_members
from core.errors import (
    InvalidParameter,
    LimitExceeded,
    NoSuchObject,
)
from infra.services import configuration
from tests import factories
from tests.unit.accounts.projects.asking import ask, ids

pytestmark = pytest.mark.django_db


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
