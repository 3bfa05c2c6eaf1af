"""Rows that say by themselves whether a project owns them: lists leave these out by that."""

import pytest
from django.apps import apps

from compute.models import VirtualMachine
from jobs.models import Event
from network.models import Router
from tests.factories import admin_caller, caller_of, make_project
from tests.unit.compute.asking import ask, deploy, done

pytestmark = pytest.mark.django_db


def marked():
    return [m for m in apps.get_models() if any(f.name == "of_project" for f in m._meta.fields)]


def assert_true_to_owners():
    for model in marked():
        rows = model._base_manager.values_list("of_project", f"{model.OWNER}__is_project")
        assert all(mark == is_project for mark, is_project in rows), model.__name__


def test_machines_events_and_routers_are_marked():
    assert {VirtualMachine, Event, Router} <= set(marked())


def test_what_a_project_has_is_marked_and_left_out_of_lists(world, account, cloud):
    project = make_project(account)
    cloud.network(project.account)
    own = done(deploy(caller_of(account), cloud))
    shared = done(deploy(caller_of(account), cloud, name="web-2", projectid=project,
                         networkids=cloud.network(project.account)))  # fmt: skip
    assert VirtualMachine.objects.get(of_project=True) == shared
    assert Router.objects.filter(of_project=True, network__account=project.account).exists()
    assert Event.objects.filter(of_project=True, account=project.account).exists()
    assert_true_to_owners()
    seen = ask(admin_caller(), "listVirtualMachines", listall="true", state="Running")
    assert ([r["id"] for r in seen.records], seen.count) == ([own.uuid], 1)
    seen = ask(admin_caller(), "listVirtualMachines", projectid="-1", listall="true")
    assert [r["id"] for r in seen.records] == [shared.uuid]
    for command in ("listRouters", "listEvents"):
        alone = ask(admin_caller(), command, listall="true")
        theirs = ask(admin_caller(), command, listall="true", projectid=project)
        assert alone.count > 0, command
        assert theirs.count > 0, command
        keys = {r["id"] for r in alone.records} & {r["id"] for r in theirs.records}
        assert not keys, command


def test_a_machine_that_moves_takes_the_mark_with_it(world, account, caller, cloud):
    vm = done(deploy(caller, cloud))
    done(ask(caller, "stopVirtualMachine", id=vm))
    project = make_project(account)
    cloud.network(project.account)
    ask(admin_caller(), "assignVirtualMachine", virtualmachineid=vm, projectid=project)
    vm.refresh_from_db()
    assert vm.of_project
    ask(admin_caller(), "assignVirtualMachine", virtualmachineid=vm, account=account.name,
        domainid=account.domain, networkids=cloud.network(account))  # fmt: skip
    vm.refresh_from_db()
    assert not vm.of_project
    assert_true_to_owners()
