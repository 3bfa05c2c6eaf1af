"""Where machines go, and the words for where they do not."""

import random

import pytest

from compute.models import VirtualMachine
from compute.placement import hosts
from compute.placement.explain import explain
from compute.services import places
from compute.services.offerings import Size
from compute.services.places import Choice
from core.errors import InsufficientCapacity
from infra.models import HostCapacity
from infra.services import capacity
from infra.services.configuration import set_value
from storage.models import StoragePool
from tests.factories import (
    admin_caller,
    make_affinity_group,
    make_cloud,
    make_cluster,
    make_host,
    make_pod,
    make_pool,
    make_service_offering,
    make_vm,
)
from tests.unit.compute.asking import ask, deploy, done

pytestmark = pytest.mark.django_db


def wanted(cloud, *, size=None, tags=(), groups=(), choice=None, disks=()):
    return places.wanted(
        zone=cloud.zone, hypervisor="Simulator", size=size or Size(1, 500, 512),
        template=cloud.template, host_tags=tags, disks=disks, groups=groups,
        choice=choice or Choice(),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_the_query_and_the_words_agree(seed):
    """Of any cloud, exactly the hosts that the query finds are those without a reason."""
    dice = random.Random(seed)
    cloud = make_cloud(0)
    pods = [make_pod(cloud.zone, allocation_state=dice.choice(["Enabled", "Disabled"]))
            for _ in range(2)]  # fmt: skip
    clusters = [
        make_cluster(
            dice.choice(pods),
            allocation_state=dice.choice(["Enabled", "Enabled", "Disabled"]),
            managed_state=dice.choice(["Managed", "Managed", "Unmanaged"]),
            hypervisor=dice.choice(["Simulator", "Simulator", "KVM"]),
        )
        for _ in range(4)
    ]
    made = [
        make_host(
            dice.choice(clusters),
            status=dice.choice(["Up", "Up", "Up", "Down", "Alert"]),
            resource_state=dice.choice(["Enabled", "Enabled", "Disabled", "Maintenance"]),
            cpus=dice.choice([1, 4, 16]),
            memory_mb=dice.choice([256, 1024, 65536]),
            tags=dice.choice([[], ["ssd"], ["ssd", "gpu"], ["SSD"], ["显卡"]]),
            arch=dice.choice(["x86_64", "x86_64", "aarch64"]),
        )
        for _ in range(40)
    ]
    for host in dice.sample(made, 10):
        HostCapacity.objects.filter(host=host).update(memory_used_mb=host.memory_mb)
    for cluster in dice.sample(clusters, 3):
        kind = dice.choice(["cpu", "memory"])
        share = dice.choice(["0.01", "0.1", "0.3", "1"])
        set_value(f"cluster.{kind}.allocated.capacity.disablethreshold", share, cluster)
    HostCapacity.objects.filter(host=made[0]).delete()
    asked = wanted(
        cloud,
        size=Size(dice.choice([1, 2, 8]), 500, dice.choice([128, 512, 2048])),
        tags=dice.choice([(), ("ssd",), ("gpu", "ssd"), ("显卡",)]),
        choice=dice.choice([Choice(), Choice(cluster=clusters[0]), Choice(pod=pods[0])]),
    )
    friends = hosts.Company(must_avoid=frozenset({made[1].pk}))
    by_query = {h.pk for some in hosts.candidates(asked, friends, 3) for h in some}
    there = hosts.all_of(asked)
    friends = hosts.with_headroom(friends, asked, there)
    by_words = {h.pk for h in there if hosts.refusal(h, asked, friends) is None}
    assert by_query == by_words


def test_no_room_is_explained_to_administrators_host_by_host(world):
    cloud = make_cloud(3, world=world)
    cloud.hosts[0].move("PingTimeout", "gone")
    HostCapacity.objects.filter(host=cloud.hosts[1]).update(memory_used_mb=65536)
    offering = make_service_offering(host_tags=["gpu"])
    network = cloud.network(admin_caller().account)
    with pytest.raises(InsufficientCapacity) as refused:
        deploy(admin_caller(), cloud, serviceofferingid=offering, networkids=network)
    rows = {r["name"]: r["refused"] for r in refused.value.details["host"]}
    assert rows[cloud.hosts[0].name] == "it is Alert"
    assert "lacks the tag gpu" in rows[cloud.hosts[2].name]
    assert "None of the 3 hosts" in refused.value.message
    assert not VirtualMachine.everything.exists()


def test_tenants_learn_the_reason_but_no_names(world, caller):
    cloud = make_cloud(1, world=world)
    HostCapacity.objects.update(memory_used_mb=65536)
    with pytest.raises(InsufficientCapacity) as refused:
        deploy(caller, cloud)
    assert "memory" in refused.value.message
    assert cloud.host.name not in str(refused.value.details) + refused.value.message


def test_anti_affinity_keeps_machines_apart(world, caller):
    cloud = make_cloud(2, world=world)
    group = make_affinity_group(caller.account)
    network = cloud.network(caller.account)
    pair = [
        done(deploy(caller, cloud, name=f"n{i}", affinitygroupids=group, networkids=network))
        for i in range(2)
    ]
    assert {vm.host for vm in pair} == set(cloud.hosts)
    with pytest.raises(InsufficientCapacity, match="affinity"):
        deploy(caller, cloud, name="n3", affinitygroupids=group, networkids=network)
    wish = make_affinity_group(caller.account, "non-strict host anti-affinity")
    outcome = deploy(caller, cloud, name="n4", affinitygroupids=wish, networkids=network)
    assert done(outcome).state == "Running"


def test_affinity_keeps_machines_together(world, caller):
    cloud = make_cloud(5, world=world)
    group = make_affinity_group(caller.account, "host affinity")
    network = cloud.network(caller.account)
    trio = [
        done(deploy(caller, cloud, name=f"n{i}", affinitygroupnames=group.name,
                    networkids=network))
        for i in range(3)
    ]  # fmt: skip
    assert len({vm.host_id for vm in trio}) == 1


def test_a_host_filled_meanwhile_is_passed_over(world, caller, monkeypatch):
    cloud = make_cloud(3, world=world)
    real, refused = capacity.reserve, []

    def taken(host, **amounts):
        if not refused:
            refused.append(host)
            raise InsufficientCapacity("Somebody was quicker.")
        real(host, **amounts)

    monkeypatch.setattr(capacity, "reserve", taken)
    vm = done(deploy(caller, cloud))
    assert vm.host != refused[0]


def test_overcommit_counts(world, caller):
    cloud = make_cloud(world=world)
    HostCapacity.objects.update(memory_used_mb=65536, memory_limit_mb=2 * 65536)
    assert done(deploy(caller, cloud)).state == "Running"


def test_disks_go_where_tags_and_room_are(world, caller):
    cloud = make_cloud(world=world)
    StoragePool.objects.update(allocated_bytes=2**42)
    with pytest.raises(InsufficientCapacity, match="storage"):
        deploy(caller, cloud)
    fast = make_pool(cluster=cloud.cluster, tags=["fast"])
    offering = make_service_offering(storage_tags=["fast"])
    vm = done(deploy(caller, cloud, serviceofferingid=offering))
    assert vm.attachments.get().volume.pool == fast
    with pytest.raises(InsufficientCapacity):
        deploy(
            caller, cloud, name="w2", serviceofferingid=make_service_offering(storage_tags=["x"])
        )


def test_local_disks_bind_a_machine_to_its_host(world, caller):
    cloud = make_cloud(3, shared=False, world=world)
    vm = done(deploy(caller, cloud))
    host = vm.host
    done(ask(caller, "stopVirtualMachine", id=vm))
    HostCapacity.objects.filter(host=host).update(memory_used_mb=65536)
    with pytest.raises(InsufficientCapacity) as refused:
        ask(admin_caller(), "startVirtualMachine", id=vm)
    rows = {r["name"]: r["refused"] for r in refused.value.details["host"]}
    others = [words for name, words in rows.items() if name != host.name]
    assert all("local storage of another host" in words for words in others)


def test_administrators_choose_the_host_and_users_do_not(world, caller):
    cloud = make_cloud(4, world=world)
    admin = admin_caller()
    network = cloud.network(admin.account)
    chosen = cloud.hosts[2]
    vm = done(deploy(admin, cloud, hostid=chosen, networkids=network))
    assert vm.host == chosen
    with pytest.raises(InsufficientCapacity):
        deploy(admin, cloud, name="w2", hostid=_full(cloud.hosts[1]), networkids=network)
    assert done(deploy(caller, cloud, hostid=cloud.hosts[1])).host != cloud.hosts[1]


def _full(host):
    HostCapacity.objects.filter(host=host).update(memory_used_mb=65536)
    return host


def test_the_last_host_is_tried_first(world, caller):
    cloud = make_cloud(6, world=world)
    for _ in range(3):
        vm = make_vm("Stopped", account=caller.account, cloud=cloud, world=world,
                     last_host=cloud.hosts[4])  # fmt: skip
        assert done(ask(caller, "startVirtualMachine", id=vm)).host == cloud.hosts[4]


def test_a_dry_run_says_where_and_takes_nothing(world, caller):
    cloud = make_cloud(3, world=world)
    _full(cloud.hosts[0])
    given = {"zoneid": cloud.zone, "serviceofferingid": cloud.offering,
             "templateid": cloud.template}  # fmt: skip
    before = list(HostCapacity.objects.order_by("pk").values())
    answer = ask(admin_caller(), "explainPlacement", **given).value
    assert answer["possible"] is True
    assert answer["summary"] == "Fits on 2 of 3 hosts; 1 refused: 1 memory."
    assert [r["fits"] for r in answer["host"]] == [False, True, True]
    tenant = ask(caller, "explainPlacement", **given).value
    assert tenant["possible"] is True
    assert "host" not in tenant
    assert "pool" not in tenant
    assert list(HostCapacity.objects.order_by("pk").values()) == before
    assert not VirtualMachine.everything.exists()


def test_placement_reads_as_little_of_many_hosts_as_of_few(
    world, django_assert_max_num_queries
):
    few, many = make_cloud(2, world=world), make_cloud(120, world=world)
    for cloud in (few, many):
        with django_assert_max_num_queries(4):  # three, and settings now and then
            table = explain(wanted(cloud, disks=[_disk(cloud)]))
        assert len(table.fitting) == len(cloud.hosts)


def _disk(cloud):
    return places.root_wish(2**31, cloud.offering, None, cloud.template)


def test_every_host_is_tried_before_it_is_said_that_none_fits(world, caller):
    """Only the last of many hosts reaches storage with room; wishes make no difference."""
    cloud = make_cloud(50, shared=False, world=world)
    StoragePool.objects.exclude(pk=cloud.pools[37].pk).update(allocated_bytes=2**42)
    assert done(deploy(caller, cloud)).host == cloud.hosts[37]
    wish = make_affinity_group(caller.account, "non-strict host anti-affinity")
    vm = done(deploy(caller, cloud, name="w2", affinitygroupids=wish))
    assert vm.host == cloud.hosts[37]


def test_a_cluster_beyond_its_threshold_takes_no_more(world, caller):
    """Two hosts of 65,536 MB: 85 % of both are 111,411."""
    cloud = make_cloud(2, world=world)
    HostCapacity.objects.filter(host=cloud.hosts[0]).update(memory_used_mb=65536)
    HostCapacity.objects.filter(host=cloud.hosts[1]).update(memory_used_mb=45500)
    admin = admin_caller()
    given = {"networkids": cloud.network(admin.account)}
    with pytest.raises(InsufficientCapacity) as refused:
        deploy(admin, cloud, **given)
    words = refused.value.details["host"][1]["refused"]
    assert "of its cluster's memory would be given away" in words
    assert "beyond 85%" in words
    reasons = {reason["name"]: reason["count"] for reason in refused.value.details["reason"]}
    assert reasons == {"full cluster": 1, "memory": 1}
    # A host that an administrator chose only needs room.
    assert done(deploy(admin, cloud, name="w2", hostid=cloud.hosts[1], **given)).state == "Running"
    # At another scope another share counts, the nearest first.
    set_value("cluster.memory.allocated.capacity.disablethreshold", "0.9", cloud.zone)
    vm = done(deploy(admin, cloud, name="w3", **given))
    assert vm.host == cloud.hosts[1]
    set_value("cluster.memory.allocated.capacity.disablethreshold", "0.5", cloud.cluster)
    done(ask(admin, "stopVirtualMachine", id=vm))
    with pytest.raises(InsufficientCapacity):
        ask(admin, "startVirtualMachine", id=vm)
    # What has run before may be let start all the same; new machines may not.
    set_value("cluster.threshold.enabled", "false")
    assert done(ask(admin, "startVirtualMachine", id=vm)).state == "Running"
    with pytest.raises(InsufficientCapacity, match="full cluster"):
        deploy(admin, cloud, name="w4", **given)


def test_a_cluster_without_cpu_to_give_says_so(world, caller):
    cloud = make_cloud(2, world=world)
    set_value("cluster.cpu.allocated.capacity.disablethreshold", "0")
    with pytest.raises(InsufficientCapacity, match="full cluster"):
        deploy(caller, cloud)
