"""Projects that are suspended, activated and deleted."""

import pytest

from accounts import jobs
from accounts.models import Account, Project
from accounts.resources import Resource
from accounts.services import limits, scoping
from compute.models import VirtualMachine
from core.errors import (
    InUse,
    NotAllowedInState,
)
from jobs.models import AsyncJob
from jobs.worker import run_everything
from network.models import Network
from tests import factories
from tests.unit.accounts.projects.asking import ask, ids

pytestmark = pytest.mark.django_db


def test_in_a_suspended_project_nothing_comes_or_starts(owner, member, project):
    vm = factories.make_vm("Stopped", account=project.account)
    ask(owner, "suspendProject", id=project.uuid)
    for name, given in (
        ("createInstanceGroup", {"name": "g", "projectid": project.uuid}),
        ("startVirtualMachine", {"id": vm.uuid}),
        ("createSnapshot", {"volumeid": vm.attachments.first().volume.uuid}),
    ):
        with pytest.raises(NotAllowedInState, match="is suspended: nothing can be created"):
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


def test_only_an_empty_project_is_deleted_without_cleanup(owner, project):
    factories.make_vm("Stopped", account=project.account)
    with pytest.raises(InUse, match=r"virtual machines \(1\).*cleanup=true"):
        ask(owner, "deleteProject", id=project.uuid)
    project.refresh_from_db()
    assert project.state == "Active"


def test_a_project_that_is_suspended_in_mid_call_takes_nothing(owner, member, project):
    """The project was read when the call's parameters were."""
    seen = Project.objects.get(pk=project.pk)
    ask(owner, "suspendProject", id=project.uuid)
    with pytest.raises(NotAllowedInState, match="is suspended"):
        scoping.owner_for(member, project=seen)


def test_what_starts_while_its_project_is_suspended_is_stopped_as_well(world, owner, project):
    cloud = factories.make_cloud(world=world)
    vm = factories.make_vm("Stopped", account=project.account, cloud=cloud, world=world)
    ask(owner, "startVirtualMachine", id=vm.uuid)
    ask(owner, "suspendProject", id=project.uuid)
    assert jobs.count_what_runs(project.account)["virtual machines"] == 1
    run_everything()
    started = AsyncJob.objects.get(command="startVirtualMachine")
    assert started.status == 1, started.error_text
    vm.refresh_from_db()
    assert vm.state == "Stopped"


def test_a_suspended_project_takes_nobody_in_and_lets_people_go(owner, member, project, domain):
    ask(owner, "suspendProject", id=project.uuid)
    late = factories.make_account(domain=domain)
    for given in ({"account": late.name}, {"email": "ada@example.org"}):
        with pytest.raises(NotAllowedInState, match="is suspended"):
            ask(owner, "addAccountToProject", projectid=project.uuid, **given)
    ask(member, "deleteAccountFromProject", projectid=project.uuid, account=member.account.name)
