"""Many at once, with real transactions: no room, no address and no disk is given twice."""

import threading

import pytest
from django.db import OperationalError, connections
from django.utils import timezone

from compute.models import VirtualMachine, VolumeAttachment
from compute.services import power
from core.errors import CloudError, InsufficientCapacity
from infra.models import HostCapacity
from infra.services.configuration import set_value
from jobs.worker import run_everything
from network.models import GuestAddress
from tests.factories import (
    caller_of,
    make_account,
    make_affinity_group,
    make_cloud,
    make_vm,
    make_volume,
)
from tests.unit.compute.asking import ask, deploy
from tests.unit.compute.books import assert_balanced

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(count, act):
    """``act(i)`` in so many threads that start together; what each returned or raised.

    SQLite has one writer, who may have to be waited for longer than the dispatcher does.
    """
    gate, found = threading.Barrier(count), [None] * count

    def work(i):
        gate.wait()
        try:
            for _ in range(10):
                try:
                    found[i] = act(i)
                except (CloudError, OperationalError) as error:
                    found[i] = error
                    if "database is not answering" in str(error):
                        continue
                return
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def test_the_last_room_is_taken_once(world):
    cloud = make_cloud(2, world=world)
    HostCapacity.objects.update(memory_limit_mb=1024)  # two machines each
    set_value("cluster.memory.allocated.capacity.disablethreshold", "1")
    callers = [caller_of(make_account()) for _ in range(7)]
    networks = [cloud.network(c.account) for c in callers]
    found = at_once(7, lambda i: deploy(callers[i], cloud, networkids=networks[i]))
    refused = [f for f in found if isinstance(f, InsufficientCapacity)]
    assert len(refused) == 3, found
    run_everything()
    assert VirtualMachine.objects.filter(state="Running").count() == 4
    assert_balanced(world)


def test_machines_to_be_kept_apart_never_meet(world):
    cloud = make_cloud(3, world=world)
    account = make_account()
    caller, group = caller_of(account), make_affinity_group(account)
    network = cloud.network(account)
    found = at_once(
        6, lambda i: deploy(caller, cloud, name=f"n{i}", affinitygroupids=group,
                            networkids=network),
    )  # fmt: skip
    assert sum(isinstance(f, InsufficientCapacity) for f in found) == 3, found
    run_everything()
    placed = list(VirtualMachine.objects.filter(state="Running").values_list("host", flat=True))
    assert len(placed) == len(set(placed)) == 3
    assert len(set(GuestAddress.objects.values_list("ip4", flat=True))) == 3
    assert_balanced(world)


def test_of_many_starts_one_wins(world):
    cloud = make_cloud(world=world)
    vm = make_vm("Stopped", cloud=cloud, world=world)
    caller = caller_of(vm.account)
    found = at_once(5, lambda i: ask(caller, "startVirtualMachine", id=vm))
    assert sum(isinstance(f, CloudError) for f in found) == 4, found
    run_everything()
    assert_balanced(world)


def test_of_many_machines_one_gets_the_disk(world):
    cloud = make_cloud(world=world)
    account = make_account()
    network = cloud.network(account)
    machines = [
        make_vm("Stopped", account=account, cloud=cloud, network=network, world=world)
        for _ in range(4)
    ]
    volume = make_volume(account, zone=cloud.zone)
    caller = caller_of(account)
    found = at_once(
        4, lambda i: ask(caller, "attachVolume", id=volume, virtualmachineid=machines[i])
    )
    assert sum(isinstance(f, CloudError) for f in found) == 3, found
    assert VolumeAttachment.objects.filter(volume=volume).count() == 1


def test_a_report_and_a_stop_meet(world):
    """The guest died, and at the same moment its owner stops it and the host reports it."""
    cloud = make_cloud(world=world)
    vm = make_vm("Running", cloud=cloud, world=world)
    caller = caller_of(vm.account)
    world.kill_guest(str(cloud.host.uuid), str(vm.uuid))
    states = [world.domain(str(cloud.host.uuid), str(vm.uuid))]
    report = [power.DomainState(str(vm.uuid), d.power, reason=d.reason) for d in states]

    def act(i):
        if i:
            return power.heard(cloud.host, report, timezone.now())
        return ask(caller, "stopVirtualMachine", id=vm)

    at_once(3, act)
    run_everything()
    vm.refresh_from_db()
    assert (vm.state, vm.host) == ("Stopped", None)
    assert HostCapacity.objects.get().memory_used_mb == 0
