"""Lists: every filter, the detail groups, and as many queries for many rows as for few."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from compute.models import VirtualMachine, VmSample, VolumeAttachment
from core.errors import InvalidParameter
from infra.services.configuration import set_value
from tests.factories import (
    admin_caller,
    caller_of,
    make_account,
    make_affinity_group,
    make_caller,
    make_cloud,
    make_domain,
    make_instance_group,
    make_iso,
    make_key_pair,
    make_network,
    make_vm,
    make_volume,
)
from tests.unit.compute.asking import ask

pytestmark = pytest.mark.django_db

#: Read again every few seconds, whatever is asked.
_SETTINGS = "infra_configurationvalue"


def names(caller, command="listVirtualMachines", **given):
    return {r["name"] for r in ask(caller, command, **given).records}


@pytest.fixture
def crowd(account):
    """Machines that differ in everything one can filter by."""
    cloud = make_cloud(2)
    isolated, shared = cloud.network(account), cloud.network(account, guest_type="Shared")
    one = make_vm("Running", account=account, cloud=cloud, network=isolated, name="one",
                  group=make_instance_group(account), iso=make_iso(account), ha_enabled=True)
    two = make_vm("Stopped", account=account, cloud=cloud, network=shared, name="two",
                  display_name="Zweite")
    other = make_cloud()
    three = make_vm("Running", account=account, cloud=other, name="three", display=False)
    return account, cloud, one, two, three  # fmt: skip


def test_each_filter_narrows(crowd):
    account, cloud, one, two, three = crowd
    admin = admin_caller()
    pair, group = make_key_pair(account), make_affinity_group(account)
    one.key_pairs.add(pair)
    two.affinity_groups.add(group)
    given = {
        "state": "Stopped", "zoneid": cloud.zone, "hostid": one.host, "podid": one.host.pod,
        "clusterid": cloud.cluster, "storageid": cloud.pool, "groupid": one.group,
        "networkid": two.nics.get().network, "serviceofferingid": three.service_offering,
        "templateid": three.template, "isoid": one.iso, "affinitygroupid": group,
        "keypair": pair.name, "name": "wo", "keyword": "weite", "haenable": "true",
        "displayvm": "false", "forvirtualnetwork": "false", "id": one, "ids": [one, three],
        "hypervisor": "simulator", "account": account.name,
    }  # fmt: skip
    expected = {
        "state": "two", "zoneid": "one two", "hostid": "one", "podid": "one", "clusterid": "one",
        "storageid": "one two", "groupid": "one", "networkid": "two",
        "serviceofferingid": "three", "templateid": "three", "isoid": "one",
        "affinitygroupid": "two", "keypair": "one", "name": "two", "keyword": "two",
        "haenable": "one", "displayvm": "three", "forvirtualnetwork": "two", "id": "one",
        "ids": "one three", "hypervisor": "one two three", "account": "one two three",
    }  # fmt: skip
    for name, value in given.items():
        more = {"domainid": account.domain} if name == "account" else {"listall": "true"}
        assert names(admin, **{name: value}, **more) == set(expected[name].split()), name


def test_tags_filter(crowd):
    account, _, one, two, _ = crowd
    caller = caller_of(account)
    for vm, value in ((one, "prod"), (two, "test")):
        ask(caller, "createTags", resourceids=vm, resourcetype="UserVm",
            **{"tags[0].key": "env", "tags[0].value": value})  # fmt: skip
    key = {"tags[0].key": "env"}
    assert names(caller, **key) == {"one", "two"}
    assert names(caller, **key, **{"tags[0].value": "prod"}) == {"one"}
    assert names(caller, **key, **{"tags[1].key": "other"}) == set()


def test_users_see_their_own_and_no_secrets_of_the_house(crowd):
    account, *_ = crowd
    make_vm("Running")
    records = ask(caller_of(account), "listVirtualMachines").records
    assert {r["name"] for r in records} == {"one", "two"}  # three is hidden by an administrator
    house = {"hostid", "hostname", "instancename", "pooltype", "displayvm", "hostcontrolstate"}
    assert not house & set().union(*records)
    assert names(make_caller()) == set()


def test_domain_administrators_see_their_branch(account):
    domain = make_domain()
    below = make_account(domain=make_domain(parent=domain))
    make_vm(account=below, name="below")
    make_vm(account=account, name="beside")
    admin = make_caller("DomainAdmin", domain)
    assert names(admin, listall="true") == {"below"}
    assert names(admin) == set()
    assert names(admin, domainid=domain, isrecursive="true") == {"below"}


def test_the_bin_is_shown_to_administrators_only(account):
    make_vm("Destroyed", account=account, name="gone")
    caller = caller_of(account)
    assert names(caller) == set()
    assert names(admin_caller(), listall="true") == {"gone"}
    assert names(admin_caller(), listall="true", state="Present") == set()
    set_value("allow.user.view.destroyed.vm", "true")
    assert names(caller, state="Destroyed") == {"gone"}


def test_a_state_no_machine_has_is_refused(caller):
    with pytest.raises(InvalidParameter, match="never"):
        ask(caller, "listVirtualMachines", state="Sleeping")


def test_details_choose_what_is_shown(crowd):
    account, _, one, *_ = crowd
    caller = caller_of(account)
    VmSample.objects.create(machine=one, cpu_percent=12.5)
    VirtualMachine.objects.filter(pk=one.pk).update(user_data="aGk=")

    def record(**given):
        return ask(caller, "listVirtualMachines", id=one, **given).records[0]

    usual = record()
    assert {"nic", "ipaddress", "templatename", "affinitygroup"} <= set(usual)
    assert not {"cpuused", "userdata"} & set(usual)
    least = record(details="min")
    assert not {"nic", "templatename", "isoname", "groupid", "affinitygroup"} & set(least)
    assert record(details="stats")["cpuused"] == "12.50%"
    assert "nic" not in record(details="stats,tmpl")
    assert record(details="all")["cpuused"] == "12.50%"
    assert record(userdata="true")["userdata"] == "aGk="
    with pytest.raises(InvalidParameter, match="colour"):
        record(details="colour")


def test_a_record_says_what_clients_read(crowd):
    account, cloud, one, *_ = crowd
    record = ask(admin_caller(), "listVirtualMachines", id=one).records[0]
    nic = one.nics.get()
    wanted = {
        "state": "Running", "name": "one", "displayname": "one", "account": account.name,
        "zonename": cloud.zone.name, "hostname": one.host.name, "cpunumber": 1, "cpuspeed": 500,
        "memory": 512, "hypervisor": "Simulator", "haenable": True, "rootdeviceid": 0,
        "ipaddress": nic.address.ip4, "instancename": one.instance_name,
        "serviceofferingname": one.service_offering.name, "isoname": one.iso.name,
        "powerstate": "PowerOn", "templatename": one.template.name,
    }  # fmt: skip
    assert {k: record[k] for k in wanted} == wanted
    shown = record["nic"][0]
    assert (shown["macaddress"], shown["isdefault"], shown["gateway"]) == (
        nic.address.mac, True, "10.1.1.1",
    )  # fmt: skip


def test_a_job_at_work_is_shown_with_the_machine(world, caller, account):
    vm = make_vm("Running", account=account, world=world)
    job = ask(caller, "stopVirtualMachine", id=vm).job
    record = ask(caller, "listVirtualMachines").records[0]
    assert (record["jobid"], record["jobstatus"], record["state"]) == (job.uuid, 0, "Stopping")


@pytest.mark.parametrize(
    "command, given",
    [
        ("listVirtualMachines", {}),
        ("listVirtualMachines", {"details": "all"}),
        ("listVirtualMachines", {"details": "min"}),
        ("listVirtualMachinesMetrics", {}),
        ("listVolumes", {}),
        ("listServiceOfferings", {}),
        ("listAffinityGroups", {}),
        ("listTags", {}),
    ],
)
def test_many_rows_cost_as_many_queries_as_few(account, command, given):
    admin = admin_caller()
    cloud = make_cloud()
    network = cloud.network(account)

    def more(number):
        for index in range(number):
            vm = make_vm("Running" if index % 2 else "Stopped", account=account, cloud=cloud)
            vm.key_pairs.add(make_key_pair(account))
            vm.affinity_groups.add(make_affinity_group(account))
            VmSample.objects.create(machine=vm)
            ask(admin, "createTags", resourceids=vm, resourcetype="UserVm",
                **{"tags[0].key": "k"})  # fmt: skip
            make_cloud().offering.domains.add(account.domain)
        return network

    def cost():
        with CaptureQueriesContext(connection) as queries:
            found = ask(admin, command, listall="true", **given)
        return found.count, len([q for q in queries if _SETTINGS not in q["sql"]])

    more(2)
    few = cost()
    more(7)
    many = cost()
    assert many[0] > few[0]
    # The first call also asks once who the caller is.
    assert many[1] <= few[1]
    assert many[1] <= 16


def test_a_full_page_of_machines_takes_few_queries(account):
    make_vm("Running", account=account)
    with CaptureQueriesContext(connection) as queries:
        ask(admin_caller(), "listVirtualMachines", listall="true")
    assert len(queries) <= 14, "\n".join(q["sql"][:150] for q in queries)


# -- volumes ---------------------------------------------------------------------------------


def test_volumes_tell_of_their_machine(crowd):
    account, cloud, one, two, _ = crowd
    make_volume(account, pool=cloud.pool, name="loose")
    caller = caller_of(account)
    root = VolumeAttachment.objects.get(machine=one).volume
    record = ask(caller, "listVolumes", id=root).records[0]
    wanted = {
        "type": "ROOT", "deviceid": 0, "vmname": "one", "vmstate": "Running",
        "virtualmachineid": one.uuid, "serviceofferingname": one.service_offering.name,
    }  # fmt: skip
    assert {k: record[k] for k in wanted} == wanted
    assert "storage" not in record
    loose = ask(caller, "listVolumes", name="loose").records[0]
    assert not {"vmname", "deviceid", "serviceofferingid", "attached"} & set(loose)
    assert names(caller, "listVolumes", virtualmachineid=two) == {f"ROOT-{two.pk}"}
    admin = {"caller": admin_caller(), "command": "listVolumes", "listall": "true"}
    assert names(**admin, hostid=one.host) == {root.name}
    assert names(**admin, serviceofferingid=one.service_offering, type="root") == {
        f"ROOT-{one.pk}", f"ROOT-{two.pk}",
    }  # fmt: skip


def test_nics_of_a_machine(crowd):
    account, _, one, *_ = crowd
    caller = caller_of(account)
    records = ask(caller, "listNics", virtualmachineid=one).records
    assert [r["ipaddress"] for r in records] == [one.nics.get().address.ip4]
    elsewhere = make_network(account)
    assert ask(caller, "listNics", virtualmachineid=one, networkid=elsewhere).records == []
