"""Where only running machines count towards limits (``resource.count.running.vms.only``)."""

import pytest

from accounts.resources import Resource
from accounts.services import limits, recounting
from core.errors import LimitExceeded
from infra.services import configuration
from tests.factories import caller_of, make_account, make_domain
from tests.unit.compute.asking import ask, deploy, done
from tests.unit.compute.books import assert_balanced

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(db):
    return make_account(domain=make_domain())


def counted(account):
    used = limits.used_by_accounts([account.pk]).get(account.pk, {})
    return used.get(Resource.INSTANCE, 0), used.get(Resource.MEMORY, 0)


def switch(on):
    configuration.set_value("resource.count.running.vms.only", "true" if on else "false")


def test_a_stopped_machine_counts_nothing_and_a_start_takes_its_place(world, cloud, account):
    switch(True)
    caller = caller_of(account)
    first = done(deploy(caller, cloud))
    assert counted(account) == (1, first.memory_mb)
    done(ask(caller, "stopVirtualMachine", id=first))
    assert counted(account) == (0, 0)
    limits.set_limit(account, Resource.INSTANCE, 1)
    done(deploy(caller, cloud, name="web-2"))
    with pytest.raises(LimitExceeded):
        ask(caller, "startVirtualMachine", id=first)
    limits.set_limit(account, Resource.INSTANCE, 2)
    done(ask(caller, "startVirtualMachine", id=first))
    assert counted(account)[0] == 2
    assert recounting.mend() == 0
    assert_balanced(world)


def test_one_that_is_made_stopped_counts_when_it_starts(world, cloud, account):
    switch(True)
    vm = done(deploy(caller_of(account), cloud, startvm="false"))
    assert counted(account) == (0, 0)
    done(ask(caller_of(account), "startVirtualMachine", id=vm))
    assert counted(account)[0] == 1
    assert_balanced(world)


def test_switching_it_counts_stopped_machines_anew(world, cloud, account):
    caller = caller_of(account)
    vm = done(deploy(caller, cloud))
    done(ask(caller, "stopVirtualMachine", id=vm))
    assert counted(account)[0] == 1
    switch(True)
    assert counted(account) == (0, 0)
    switch(False)
    assert counted(account) == (1, vm.memory_mb)
    assert_balanced(world)


def test_a_recovered_machine_counts_when_it_starts(world, cloud, account):
    switch(True)
    vm = done(deploy(caller_of(account), cloud))
    done(ask(caller_of(account), "stopVirtualMachine", id=vm))
    done(ask(caller_of(account), "destroyVirtualMachine", id=vm))
    configuration.set_value("allow.user.expunge.recover.vm", "true")
    ask(caller_of(account), "recoverVirtualMachine", id=vm)
    assert counted(account) == (0, 0)
    done(ask(caller_of(account), "startVirtualMachine", id=vm))
    assert counted(account)[0] == 1
    assert_balanced(world)
