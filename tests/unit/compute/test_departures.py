"""An account goes with everything it owns, and nothing of it is left on hosts or pools."""

import pytest

from accounts.models import Account
from compute.models import VirtualMachine
from core.errors import PermissionDenied
from infra.services import configuration
from jobs.departures import delete_half_deleted
from jobs.models import JobStatus
from jobs.worker import run_everything
from network.models import Network
from storage.models import Snapshot, Template, Volume
from tests.factories import (
    admin_caller,
    caller_of,
    make_account,
    make_domain,
    make_key_pair,
    make_vm,
)
from tests.unit.compute.asking import ask, deploy, done
from tests.unit.compute.books import assert_balanced

pytestmark = pytest.mark.django_db


def test_an_account_is_deleted_with_all_it_owns(world, caller, account, cloud):
    running = done(deploy(caller, cloud))
    other = done(deploy(caller, cloud, name="web-2"))
    done(ask(caller, "stopVirtualMachine", id=other))
    done(ask(caller, "destroyVirtualMachine", id=other))
    done(ask(caller, "createSnapshot", volumeid=running.attachments.get().volume))
    make_key_pair(account)
    done(ask(admin_caller(), "deleteAccount", id=account))
    assert not Account.objects.filter(pk=account.pk).exists()
    for model in (Volume, Snapshot, Network, Template):
        assert not model.objects.filter(account=account).exists(), model.__name__
    assert_balanced(world)


def test_a_domain_is_deleted_with_all_below_it(world, cloud):
    domain = make_domain()
    account = make_account(domain=make_domain(parent=domain))
    done(deploy(caller_of(account), cloud))
    done(ask(admin_caller(), "deleteDomain", id=domain, cleanup="true"))
    assert not Account.objects.filter(pk=account.pk).exists()
    assert_balanced(world)


def test_a_protected_machine_keeps_its_account(world, account, cloud):
    vm = make_vm(account=account, cloud=cloud, world=world, delete_protection=True)
    outcome = ask(admin_caller(), "deleteAccount", id=account)
    run_everything()
    outcome.job.refresh_from_db()
    assert outcome.job.status == JobStatus.FAILED
    assert f"{vm} is protected" in outcome.job.error_text
    account.refresh_from_db()
    assert (account.state, account.cleanup_needed) == ("disabled", True)


def test_disabling_an_account_stops_its_machines(world, caller, account, cloud):
    vm = done(deploy(caller, cloud))
    shown = ask(admin_caller(), "listAccounts", id=account).records[0]
    assert (shown["vmrunning"], shown["vmstopped"], shown["vmtotal"]) == (1, 0, 1)
    ask(admin_caller(), "disableAccount", id=account, lock="false")
    run_everything()
    vm.refresh_from_db()
    assert vm.state == "Stopped"
    shown = ask(admin_caller(), "listAccounts", id=account).records[0]
    assert (shown["state"], shown["vmrunning"], shown["vmstopped"]) == ("disabled", 0, 1)
    assert_balanced(world)
    with pytest.raises(PermissionDenied, match="is disabled; enable it"):
        ask(admin_caller(), "startVirtualMachine", id=vm)
    ask(admin_caller(), "enableAccount", id=account)
    done(ask(caller_of(account), "startVirtualMachine", id=vm))


def test_a_locked_accounts_machines_run_on_and_it_gets_no_more(world, caller, account, cloud):
    vm = done(deploy(caller, cloud))
    ask(admin_caller(), "lockAccount", account=account.name, domainid=account.domain)
    run_everything()
    vm.refresh_from_db()
    assert vm.state == "Running"
    with pytest.raises(PermissionDenied, match="is locked; enable it first"):
        deploy(admin_caller(), cloud, name="web-2", account=account.name,
               domainid=account.domain, networkids=vm.nics.get().network)  # fmt: skip
    done(ask(admin_caller(), "stopVirtualMachine", id=vm))  # the house may still act
    assert_balanced(world)


def test_users_cut_the_power_only_where_they_may(world, caller, account, cloud):
    vm = done(deploy(caller, cloud))
    configuration.set_value("allow.user.force.stop.vm", "false", account)
    with pytest.raises(PermissionDenied, match="allow.user.force.stop.vm"):
        ask(caller, "stopVirtualMachine", id=vm, forced="true")
    done(ask(admin_caller(), "stopVirtualMachine", id=vm, forced="true"))


def test_half_deleted_accounts_are_deleted_again_by_themselves(world, caller, account, cloud):
    vm = done(deploy(caller, cloud))
    VirtualMachine.objects.filter(pk=vm.pk).update(delete_protection=True)
    ask(admin_caller(), "deleteAccount", id=account)
    run_everything()
    account.refresh_from_db()
    assert account.cleanup_needed
    VirtualMachine.objects.filter(pk=vm.pk).update(delete_protection=False)
    assert delete_half_deleted() == 1
    assert delete_half_deleted() == 0  # its job is at work already
    run_everything()
    assert not Account.objects.filter(pk=account.pk).exists()
    assert_balanced(world)
