"""Machines and volumes that get another owner."""

import pytest

from accounts.models import ResourceTag
from accounts.resources import Resource
from accounts.services import limits, recounting
from compute.models import Nic
from core.errors import (
    CloudError,
    InvalidParameter,
    LimitExceeded,
    NotAllowedInState,
    PermissionDenied,
)
from network.models import GuestAddress, Network
from storage.models import Volume
from tests.factories import (
    admin_caller,
    caller_of,
    make_account,
    make_disk_offering,
    make_domain,
    make_key_pair,
    make_template,
    make_user,
    make_volume,
)
from tests.unit.compute.asking import ask, deploy, done
from tests.unit.compute.books import assert_balanced

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(db):
    return make_account(domain=make_domain())


@pytest.fixture
def heir(db):
    return make_account(domain=make_domain())


@pytest.fixture
def machine(world, cloud, caller):
    """Stopped, with a root disk and a data disk."""
    vm = done(deploy(caller, cloud, diskofferingid=make_disk_offering(size_gb=2)))
    return done(ask(caller, "stopVirtualMachine", id=vm))


def give(vm, to, **more):
    more = {"account": to.name, "domainid": to.domain, **more}
    return ask(admin_caller(), "assignVirtualMachine", virtualmachineid=vm, **more)


def used(holder, resource):
    ask_for = limits.used_by_domains if hasattr(holder, "path") else limits.used_by_accounts
    return ask_for([holder.pk]).get(holder.pk, {}).get(resource, 0)


def test_a_machine_goes_with_its_disks_its_tags_and_all_that_counts(
    world, cloud, account, heir, machine
):
    network = cloud.network(heir)
    ask(caller_of(account), "createTags", resourcetype="UserVm", resourceids=machine,
        tags=[{"key": "env", "value": "prod"}])  # fmt: skip
    shown = give(machine, heir).record()
    assert (shown["account"], shown["domain"]) == (heir.name, heir.domain.name)
    machine.refresh_from_db()
    assert machine.account == heir
    assert set(Volume.objects.values_list("account", flat=True)) == {heir.pk}
    assert [n.network for n in Nic.objects.filter(machine=machine)] == [network]
    assert not GuestAddress.objects.exclude(network=network).exists()
    for resource, amount in ((Resource.INSTANCE, 1), (Resource.VOLUME, 2)):
        assert (used(account, resource), used(heir, resource)) == (0, amount)
        assert (used(account.domain, resource), used(heir.domain, resource)) == (0, amount)
    assert used(account, Resource.PRIMARY_STORAGE) == 0
    assert ResourceTag.objects.get(resource_uuid=machine.uuid).account == heir
    assert recounting.mend() == 0
    done(ask(caller_of(heir), "startVirtualMachine", id=machine))
    assert_balanced(world)
    with pytest.raises(CloudError, match="virtual"):
        ask(caller_of(account), "stopVirtualMachine", id=machine)


def test_nothing_moves_when_the_new_owner_has_no_room(world, cloud, account, heir, machine):
    cloud.network(heir)
    limits.set_limit(heir, Resource.VOLUME, 1)
    with pytest.raises(LimitExceeded, match="volumes"):
        give(machine, heir)
    machine.refresh_from_db()
    assert machine.account == account
    assert used(heir, Resource.INSTANCE) == 0
    assert used(account, Resource.INSTANCE) == 1
    assert Nic.objects.get(machine=machine).network.account == account


def test_the_domain_above_both_counts_it_once(world, cloud, machine, account):
    above = account.domain
    heir = make_account(domain=make_domain(parent=above))
    cloud.network(heir)
    limits.set_limit(above, Resource.INSTANCE, 1)  # full, and stays so
    give(machine, heir)
    assert used(above, Resource.INSTANCE) == 1
    assert recounting.mend() == 0


def test_it_is_plugged_into_the_networks_named(world, cloud, heir, machine):
    first, second = cloud.network(heir), cloud.network(heir)
    with pytest.raises(InvalidParameter, match="several networks"):
        give(machine, heir)
    give(machine, heir, networkids=[second, first])
    rows = Nic.objects.filter(machine=machine).order_by("device_id")
    assert [n.network for n in rows] == [second, first]
    assert [n.is_default for n in rows] == [True, None]


def test_a_network_of_the_old_owner_is_refused(world, cloud, account, heir, machine):
    mine = Network.objects.get(account=account)
    with pytest.raises(InvalidParameter, match="may not use network"):
        give(machine, heir, networkids=mine)


def test_what_belonged_to_the_old_owner_is_let_go(world, cloud, account, heir, machine):
    cloud.network(heir)
    key = make_key_pair(account)
    machine.key_pairs.add(key)
    ask(caller_of(account), "updateVirtualMachine", id=machine, group="web")
    give(machine, heir)
    machine.refresh_from_db()
    assert (machine.group, machine.user, list(machine.key_pairs.all())) == (None, None, [])


def test_what_stands_in_the_way_is_named(world, cloud, caller, account, heir, machine):
    cloud.network(heir)
    with pytest.raises(InvalidParameter, match="belongs to account .* already"):
        give(machine, account)
    done(ask(caller, "startVirtualMachine", id=machine))
    with pytest.raises(NotAllowedInState, match="is Running; stop it"):
        give(machine, heir)
    done(ask(caller, "stopVirtualMachine", id=machine))
    machine.template = make_template(account, store=cloud.store)
    machine.save(update_fields=["template"])
    with pytest.raises(InvalidParameter, match="may not use template"):
        give(machine, heir)
    machine.template = cloud.template
    machine.save(update_fields=["template"])
    root = machine.attachments.get(device_id=0).volume
    done(ask(caller, "createSnapshot", volumeid=root))
    with pytest.raises(InvalidParameter, match="has snapshots"):
        give(machine, heir)


def test_a_job_that_waits_keeps_the_machine_where_it_is(world, cloud, caller, heir, machine):
    cloud.network(heir)
    data = machine.attachments.exclude(device_id=0).get().volume
    ask(caller, "detachVolume", id=data)  # only asked for
    with pytest.raises(NotAllowedInState, match="is being worked on"):
        give(machine, heir)


def test_a_closed_account_gets_nothing(world, cloud, heir, machine):
    cloud.network(heir)
    heir.state = "locked"
    heir.save(update_fields=["state"])
    with pytest.raises(PermissionDenied, match="is locked"):
        give(machine, heir)


def test_a_domain_administrator_gives_within_its_branch_only(world, cloud, account, machine):
    keeper = caller_of(make_user(role_type="DomainAdmin", domain=account.domain))
    near = make_account(domain=account.domain)
    cloud.network(near)
    far = make_account(domain=make_domain())
    about = {"virtualmachineid": machine}
    with pytest.raises(CloudError, match="domain"):
        ask(keeper, "assignVirtualMachine", account=far.name, domainid=far.domain, **about)
    ask(keeper, "assignVirtualMachine", account=near.name, domainid=account.domain, **about)
    machine.refresh_from_db()
    assert machine.account == near


def test_a_volume_goes_to_another_account(world, cloud, account, heir):
    volume = make_volume(account, pool=cloud.pools[0])
    recounting.mend()
    with pytest.raises(InvalidParameter, match="one of the two"):
        ask(admin_caller(), "assignVolume", volumeid=volume)
    ask(admin_caller(), "assignVolume", volumeid=volume, accountid=heir)
    volume.refresh_from_db()
    assert volume.account == heir
    assert recounting.mend() == 0


def test_an_attached_volume_stays(world, cloud, heir, machine):
    volume = machine.attachments.exclude(device_id=0).get().volume
    with pytest.raises(InvalidParameter, match="detach it, or assign the machine"):
        ask(admin_caller(), "assignVolume", volumeid=volume, accountid=heir)


def test_a_machine_goes_to_a_project(world, cloud, account, machine):
    project = ask(caller_of(account), "createProject", name="crew", displaytext="crew").value
    cloud.network(project.account)
    shown = ask(
        admin_caller(), "assignVirtualMachine", virtualmachineid=machine, projectid=project
    ).record()
    assert (shown["project"], shown.get("account")) == ("crew", None)
    assert used(project.account, Resource.INSTANCE) == 1


def test_new_volumes_go_to_the_accounts_own_zone(world, cloud, account):
    outcome = ask(admin_caller(), "markDefaultZoneForAccount", account=account.name,
                  domainid=account.domain, zoneid=cloud.zone)  # fmt: skip
    assert outcome.record()["defaultzoneid"] == cloud.zone.uuid
    volume = done(
        ask(caller_of(account), "createVolume", diskofferingid=make_disk_offering(size_gb=2))
    )
    assert volume.zone == cloud.zone
