"""Machines in a Basic zone: addresses of their pod's range, and no other pod."""

import pytest

from compute.models import Nic
from core.errors import InsufficientCapacity
from network.models import IpRange
from tests.factories import (
    admin_caller,
    make_cloud,
    make_cluster,
    make_host,
    make_network,
    make_pod,
    make_pool,
)
from tests.unit.compute.asking import ask, deploy, done

pytestmark = pytest.mark.django_db


@pytest.fixture
def basic(world, account):
    """A zone with two pods of one host each, and a range of two addresses for each pod."""
    cloud = make_cloud(world=world)
    cloud.zone.network_type = "Basic"
    cloud.zone.save()
    other = make_cluster(make_pod(cloud.zone))
    make_host(other)
    make_pool(cluster=other)
    network = make_network(zone=cloud.zone, guest_type="Shared", cidr="10.5.0.0/24",
                           gateway="10.5.0.1", state="Setup")  # fmt: skip
    for third, cluster in ((5, cloud.cluster), (6, other)):
        IpRange.objects.create(
            network=network, pod=cluster.pod, gateway=f"10.{third}.0.1", netmask="255.255.255.0",
            start_ip=f"10.{third}.0.10", end_ip=f"10.{third}.0.11",
        )  # fmt: skip
    return cloud, other, network


def in_pod(basic, caller, pod, name):
    cloud, _, network = basic
    outcome = deploy(admin_caller(), cloud, networkids=network, name=name, podid=pod)
    return done(outcome)


def test_a_machine_has_an_address_of_its_pod_and_starts_there_again(world, basic, caller):
    cloud, other, _ = basic
    vm = in_pod(basic, caller, other.pod, "web-1")
    nic = Nic.objects.get(machine=vm)
    assert vm.host.pod == other.pod
    assert (nic.address.ip4, nic.address.gateway) == ("10.6.0.10", "10.6.0.1")
    shown = ask(admin_caller(), "listVirtualMachines", id=vm, listall="true").records[0]["nic"][0]
    assert (shown["gateway"], shown["netmask"]) == ("10.6.0.1", "255.255.255.0")
    done(ask(admin_caller(), "stopVirtualMachine", id=vm))
    other.hosts.update(resource_state="Disabled")
    with pytest.raises(InsufficientCapacity):
        ask(admin_caller(), "startVirtualMachine", id=vm)
    other.hosts.update(resource_state="Enabled")
    vm = done(ask(admin_caller(), "startVirtualMachine", id=vm))
    assert vm.host.pod == other.pod


def test_a_pod_whose_addresses_are_used_up_takes_no_more_machines(world, basic, caller):
    cloud, other, network = basic
    for number in (1, 2):
        in_pod(basic, caller, cloud.cluster.pod, f"web-{number}")
    with pytest.raises(InsufficientCapacity) as refused:
        in_pod(basic, caller, cloud.cluster.pod, "web-3")
    assert "its pod has no guest address left" in str(refused.value.details)
    vm = done(deploy(admin_caller(), cloud, networkids=network, name="web-3"))
    assert vm.host.pod == other.pod


def test_a_chosen_address_decides_about_the_pod(world, basic, caller):
    cloud, other, network = basic
    wish = {"iptonetworklist[0].networkid": network, "iptonetworklist[0].ip": "10.6.0.11"}
    vm = done(deploy(admin_caller(), cloud, name="web-1", **wish))
    assert vm.host.pod == other.pod
    assert Nic.objects.get(machine=vm).address.ip4 == "10.6.0.11"
