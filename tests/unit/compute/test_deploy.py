"""Deploying: the request decides, the job builds, and a refusal leaves nothing."""

import base64
import json

import pytest

from accounts.models import ResourceCount
from accounts.resources import Resource
from accounts.services import limits
from agent import protocol
from api.results import of_jobs
from compute import guestdata, spec
from compute.jobs.rows import fresh
from compute.models import Nic, VirtualMachine, VolumeAttachment
from core.errors import (
    CloudError,
    InvalidParameter,
    LimitExceeded,
    NoSuchObject,
)
from core.units import GIB
from infra.models import HostCapacity
from jobs.models import AsyncJob, JobStatus
from jobs.worker import run_everything
from network.models import GuestAddress
from storage.models import Volume
from tests.factories import (
    admin_caller,
    caller_of,
    make_account,
    make_affinity_group,
    make_cloud,
    make_disk_offering,
    make_domain,
    make_iso,
    make_key_pair,
    make_network,
    make_service_offering,
    make_template,
    make_vm,
    put_image,
)
from tests.unit.compute.asking import ask, deploy, done
from tests.unit.compute.books import assert_balanced

pytestmark = pytest.mark.django_db


def spec_of(world, vm):
    return world.domain(str(vm.host.uuid), str(vm.uuid)).spec


def test_a_machine_is_deployed_and_runs(world, caller, cloud):
    outcome = deploy(caller, cloud)
    assert outcome.value.state == "Starting"
    vm = done(outcome)
    assert (vm.state, vm.host, vm.power_state) == ("Running", cloud.host, "PowerOn")
    assert vm.instance_name == f"i-{vm.account_id}-{vm.pk}-VM"
    domain = world.domain(str(cloud.host.uuid), str(vm.uuid))
    assert domain.power == "PowerOn"
    assert domain.spec.nics[0].mac == Nic.objects.get(machine=vm).address.mac
    root = VolumeAttachment.objects.get(machine=vm).volume
    assert (root.state, root.type, root.pool) == ("Ready", "ROOT", cloud.pool)
    used = HostCapacity.objects.get(host=cloud.host)
    assert (used.cpu_used_mhz, used.memory_used_mb, used.cores_used) == (500, 512, 1)
    assert_balanced(world)


def test_it_counts_against_its_owners_limits(world, caller, account, cloud):
    done(deploy(caller, cloud))
    counts = {
        Resource(r): n
        for r, n in ResourceCount.objects.filter(account=account).values_list("resource", "used")
    }
    assert counts[Resource.INSTANCE] == 1
    assert counts[Resource.CPU] == 1
    assert counts[Resource.MEMORY] == 512
    assert counts[Resource.VOLUME] == 1
    assert counts[Resource.PRIMARY_STORAGE] == 2 * GIB


@pytest.mark.parametrize(
    "resource", [Resource.INSTANCE, Resource.CPU, Resource.MEMORY, Resource.VOLUME]
)
def test_a_limit_is_never_overrun_and_nothing_is_left(world, caller, account, cloud, resource):
    limits.set_limit(account, resource, 0)
    with pytest.raises(LimitExceeded):
        deploy(caller, cloud)
    assert not VirtualMachine.everything.exists()
    assert not GuestAddress.objects.exists()
    assert_balanced(world)


def test_names_may_be_in_any_script(world, caller, cloud):
    vm = done(deploy(caller, cloud, name="数据库-1", displayname="主数据库"))
    assert vm.name == "数据库-1"
    assert vm.hostname.isascii()
    meta = json.loads(files_of(vm)["openstack/latest/meta_data.json"])
    assert meta["local-hostname"] == vm.hostname


def files_of(vm):
    """The config drive, made once more: simulated hosts keep none."""
    return guestdata.config_drive(fresh(vm), spec.nics_of(vm)).files


def test_without_a_name_it_gets_one(world, caller, cloud):
    vm = done(deploy(caller, cloud, name=None))
    assert vm.name == f"VM-{vm.uuid}"


def test_one_name_is_used_once_in_a_network(world, caller, cloud):
    network = cloud.network(caller.account)
    deploy(caller, cloud, networkids=network)
    with pytest.raises(InvalidParameter, match="known as web-1"):
        deploy(caller, cloud, networkids=network, name="Web-1")
    assert VirtualMachine.objects.count() == 1
    deploy(caller, cloud)  # in another network it may


def test_a_stopped_machine_is_only_written_down(world, caller, cloud):
    vm = done(deploy(caller, cloud, startvm="false"))
    assert (vm.state, vm.host) == ("Stopped", None)
    assert Volume.objects.get().state == "Allocated"
    assert_balanced(world)
    vm = done(ask(caller, "startVirtualMachine", id=vm))
    assert vm.state == "Running"
    assert_balanced(world)


# -- sizes ---------------------------------------------------------------------------------


def test_a_custom_offering_takes_its_numbers_from_details(world, caller, cloud):
    offering = make_service_offering(is_customized=True)
    vm = done(
        deploy(
            caller, cloud, serviceofferingid=offering,
            **{"details[0].cpuNumber": 2, "details[0].cpuSpeed": 700, "details[0].memory": 1024},
        )
    )  # fmt: skip
    assert (vm.vcpus, vm.cpu_speed_mhz, vm.memory_mb) == (2, 700, 1024)
    assert spec_of(world, vm).memory_mb == 1024
    assert vm.details == {}


@pytest.mark.parametrize(
    "details, words",
    [
        ({}, "give cpunumber"),
        ({"cpuNumber": "x", "cpuSpeed": "1", "memory": "64"}, "whole number"),
        ({"cpuNumber": "9", "memory": "256"}, "from 1 to 4"),
        ({"cpuNumber": "2", "memory": "9999"}, "from 128 to 512"),
        ({"cpuNumber": "2", "memory": "256", "cpuSpeed": "5"}, "always 1000"),
    ],
)
def test_custom_numbers_stay_within_the_offering(caller, cloud, details, words):
    offering = make_service_offering(
        is_customized=True, cpu_speed_mhz=1000, min_cpu_number=1, max_cpu_number=4,
        min_memory_mb=128, max_memory_mb=512,
    )  # fmt: skip
    given = {f"details[0].{k}": v for k, v in details.items()}
    with pytest.raises(InvalidParameter, match=words):
        deploy(caller, cloud, serviceofferingid=offering, **given)


def test_a_fixed_offering_leaves_nothing_to_choose(caller, cloud):
    with pytest.raises(InvalidParameter, match="not a custom one"):
        deploy(caller, cloud, **{"details[0].memory": "4096"})


def test_the_root_disk_may_be_larger_but_never_smaller_than_the_template(caller, cloud):
    deploy(caller, cloud, rootdisksize=10)
    assert Volume.objects.get().size_bytes == 10 * GIB
    with pytest.raises(InvalidParameter, match="cannot be smaller"):
        deploy(caller, cloud, rootdisksize=1)
    deploy(caller, cloud, **{"details[0].rootdisksize": "12"})
    assert Volume.objects.order_by("pk").last().size_bytes == 12 * GIB
    offering = make_service_offering(root_disk_size_bytes=20 * GIB)
    deploy(caller, cloud, serviceofferingid=offering)
    assert Volume.objects.order_by("pk").last().size_bytes == 20 * GIB


def test_data_disks_come_with_it(world, caller, cloud):
    custom, fixed = make_disk_offering(size_gb=0), make_disk_offering()
    vm = done(
        deploy(
            caller, cloud,
            **{
                "datadisksdetails[0].diskofferingid": custom.uuid,
                "datadisksdetails[0].size": "7",
                "datadisksdetails[1].diskofferingid": fixed.uuid,
            },
        )
    )  # fmt: skip
    disks = VolumeAttachment.objects.filter(machine=vm).order_by("device_id")
    sizes = [(a.device_id, a.volume.size_bytes // GIB) for a in disks]
    assert sizes == [(0, 2), (1, 7), (2, 5)]
    assert [d.device_id for d in spec_of(world, vm).disks] == [0, 1, 2]


def test_a_disk_offering_of_another_domain_is_not_found(caller, cloud):
    theirs = make_disk_offering(domains=[make_domain()])
    with pytest.raises(NoSuchObject):
        deploy(caller, cloud, **{"datadisksdetails[0].diskofferingid": theirs.uuid})


def test_an_iso_boots_into_an_empty_disk(world, caller, cloud):
    iso = make_iso(caller.account, store=cloud.store)
    with pytest.raises(InvalidParameter, match="hypervisor"):
        deploy(caller, cloud, templateid=iso)
    with pytest.raises(InvalidParameter, match="diskofferingid"):
        deploy(caller, cloud, templateid=iso, hypervisor="Simulator")
    put_image(world, iso)
    vm = done(
        deploy(caller, cloud, templateid=iso, hypervisor="Simulator",
               diskofferingid=make_disk_offering(size_gb=0), size=8)
    )  # fmt: skip
    spec = spec_of(world, vm)
    assert spec.boot_from_cdrom
    assert spec.cdrom.source is not None
    root = Volume.objects.get()
    assert (root.type, root.size_bytes, root.base) == ("ROOT", 8 * GIB, None)


# -- getting in ------------------------------------------------------------------------------


def test_the_password_is_shown_once_and_handed_to_the_guest_once(world, caller):
    cloud = make_cloud(world=world, password_enabled=True)
    outcome = deploy(caller, cloud)
    given = VirtualMachine.objects.get().sealed_password
    assert given
    done(outcome)
    vm = VirtualMachine.objects.get()
    assert vm.sealed_password == ""
    job = AsyncJob.objects.get()
    password = of_jobs([job], caller)[str(job.uuid)]["virtualmachine"]["password"]
    assert len(password) == 16
    assert vm.nics.get().address.sealed_password
    rows = json.dumps([job.args, job.subject, list(job.steps.values_list("result", flat=True))])
    assert password not in rows


def test_a_chosen_password_needs_a_template_that_takes_one(world, caller, cloud):
    with pytest.raises(InvalidParameter, match="does not take passwords"):
        deploy(caller, cloud, password="correct horse battery")


def test_ssh_keys_reach_the_guest(world, caller, cloud):
    key, other = make_key_pair(caller.account), make_key_pair(caller.account)
    vm = done(deploy(caller, cloud, keypair=key.name, keypairs=other.name))
    assert set(vm.ssh_public_keys.splitlines()) == {key.public_key, other.public_key}
    assert vm.nics.get().address.metadata["public-keys"] == vm.ssh_public_keys
    with pytest.raises(InvalidParameter, match="no key pair named"):
        deploy(caller, cloud, name="w2", keypair=make_key_pair().name)


def test_user_data_is_checked_and_kept(world, caller, cloud):
    text = base64.b64encode(b"#!/bin/sh\necho hi\n").decode()
    vm = done(deploy(caller, cloud, userdata=text))
    assert vm.user_data == text
    assert vm.nics.get().address.user_data == text
    with pytest.raises(InvalidParameter, match="base64"):
        deploy(caller, cloud, name="w2", userdata="not base64!")
    long = base64.b64encode(b"x" * 40000).decode()
    with pytest.raises(InvalidParameter, match=r"40000 bytes .* 32768"):
        deploy(caller, cloud, name="w3", userdata=long)


# -- networks --------------------------------------------------------------------------------


def test_addresses_can_be_chosen(world, caller, cloud):
    first, second = cloud.network(caller.account), cloud.network(caller.account)
    vm = done(
        deploy(
            caller, cloud,
            **{
                "iptonetworklist[0].networkid": str(second.uuid),
                "iptonetworklist[0].ip": "10.1.1.77",
                "iptonetworklist[1].networkid": str(first.uuid),
                "iptonetworklist[1].mac": "02:00:4c:00:00:01",
            },
        )
    )  # fmt: skip
    nics = list(vm.nics.order_by("device_id"))
    assert [n.network for n in nics] == [second, first]
    assert (nics[0].address.ip4, nics[0].is_default) == ("10.1.1.77", True)
    assert nics[1].address.mac == "02:00:4c:00:00:01"
    with pytest.raises(InvalidParameter, match="in use"):
        deploy(caller, cloud, name="w2", networkids=second, ipaddress="10.1.1.77")
    assert VirtualMachine.objects.count() == 1


def test_without_networks_it_goes_to_the_only_one_there_is(world, caller, cloud):
    with pytest.raises(InvalidParameter, match="has no network"):
        deploy(caller, cloud, networkids=[])
    network = cloud.network(caller.account)
    assert done(deploy(caller, cloud, networkids=[])).nics.get().network == network
    cloud.network(caller.account)
    with pytest.raises(InvalidParameter, match="several networks"):
        deploy(caller, cloud, name="w2", networkids=[])


def test_a_network_elsewhere_is_refused(caller, cloud):
    with pytest.raises(InvalidParameter, match="not in zone"):
        deploy(caller, cloud, networkids=make_network(caller.account))
    with pytest.raises(NoSuchObject):
        deploy(caller, cloud, networkids=cloud.network(make_account()))


# -- whose it is -----------------------------------------------------------------------------


def test_an_administrator_deploys_for_others(world, cloud):
    owner = make_account(domain=make_domain())
    network = cloud.network(owner)
    outcome = deploy(
        admin_caller(), cloud, account=owner.name, domainid=owner.domain, networkids=network
    )
    vm = done(outcome)
    assert vm.account == owner
    assert ResourceCount.objects.get(account=owner, resource=Resource.INSTANCE).used == 1
    with pytest.raises(NoSuchObject):
        deploy(caller_of(make_account()), cloud, account=owner.name, domainid=owner.domain)
    with pytest.raises(InvalidParameter, match="no account"):
        deploy(caller_of(make_account()), cloud, account=make_account().name)


def test_what_the_owner_may_not_use_is_refused(cloud):
    admin = admin_caller()
    owner = make_account(domain=make_domain())
    for_owner = {"account": owner.name, "domainid": owner.domain,
                 "networkids": cloud.network(owner)}  # fmt: skip
    private = make_template(store=cloud.store)
    with pytest.raises(InvalidParameter, match="may not use template"):
        deploy(admin, cloud, templateid=private, **for_owner)
    elsewhere = make_service_offering(domains=[make_domain()])
    with pytest.raises(InvalidParameter, match="not for domain"):
        deploy(admin, cloud, serviceofferingid=elsewhere, **for_owner)
    group = make_affinity_group(make_account())
    with pytest.raises(InvalidParameter, match="another account"):
        deploy(admin, cloud, affinitygroupids=group, **for_owner)


@pytest.mark.parametrize(
    "given, words",
    [
        ({"keyboard": "klingon"}, "no keyboard"),
        ({"bootmode": "Secure"}, "needs boot type UEFI"),
        ({"details[0].extraconfig-1": "<hostdev/>"}, "extraconfig"),
        ({"size": "5"}, "diskofferingid"),
        ({"ipaddress": "10.1.1.9", "networkids": []}, "which network"),
        ({"userdatadetails[0].a": "b"}, "userdataid"),
    ],
)
def test_what_does_not_go_together_is_refused(caller, cloud, given, words):
    with pytest.raises(InvalidParameter, match=words):
        deploy(caller, cloud, **given)
    assert not VirtualMachine.everything.exists()


def test_a_template_that_is_not_there_yet_is_refused(caller, cloud):
    soon = make_template(caller.account, store=cloud.store, ready=False)
    with pytest.raises(InvalidParameter, match="not ready in zone"):
        deploy(caller, cloud, templateid=soon)


def test_a_withdrawn_offering_is_refused(caller, cloud):
    cloud.offering.remove(state="Inactive")
    with pytest.raises(CloudError):
        deploy(caller, cloud)


# -- failing and cancelling ------------------------------------------------------------------


def test_a_failed_deployment_is_an_error_that_holds_nothing(world, caller, cloud):
    world.faults.fail("domain.start", protocol.OperationFailed("no"))
    outcome = deploy(caller, cloud)
    run_everything()
    outcome.job.refresh_from_db()
    assert outcome.job.status == JobStatus.FAILED
    vm = VirtualMachine.objects.get()
    assert (vm.state, vm.host, vm.counted) == ("Error", None, False)
    assert not Volume.objects.exists()
    assert_balanced(world)
    # Its name is free again, and it can be thrown away.
    deploy(caller, cloud, networkids=Nic.everything.get(machine=vm).network)
    run_everything()
    ask(admin_caller(), "destroyVirtualMachine", id=vm)
    run_everything()
    assert not VirtualMachine.objects.filter(pk=vm.pk).exists()
    assert_balanced(world)


def test_a_deployment_that_waits_can_be_cancelled(world, caller, cloud):
    outcome = deploy(caller, cloud)
    AsyncJob.objects.update(cancel_asked=True)
    run_everything()
    outcome.job.refresh_from_db()
    assert outcome.job.status == JobStatus.CANCELLED
    assert_balanced(world)


def test_twenty_machines_of_two_accounts_keep_the_books(world, cloud):
    accounts = [make_account() for _ in range(2)]
    networks = {a.pk: cloud.network(a) for a in accounts}
    for number in range(20):
        owner = accounts[number % 2]
        deploy(caller_of(owner), cloud, name=f"n{number}", networkids=networks[owner.pk])
    run_everything()
    assert VirtualMachine.objects.filter(state="Running").count() == 20
    addresses = GuestAddress.objects.values_list("network", "ip4")
    assert len(set(addresses)) == 20
    assert_balanced(world)


def test_make_vm_makes_what_the_books_expect(world):
    cloud = make_cloud(world=world)
    for state in ("Running", "Stopped", "Destroyed"):
        make_vm(state, cloud=cloud, world=world)
    assert_balanced(world)
