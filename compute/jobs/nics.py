"""NICs of machines that are there already."""

from __future__ import annotations

from contextlib import suppress

from agent import protocol as p
from compute import guestdata, spec
from compute.jobs.rows import fresh
from compute.models import Nic, VirtualMachine
from compute.services import nics
from compute.states import VmState
from core.steps import Run, Step, plan
from infra import agents
from network.models import Network, Router
from network.services import guests, routers


@plan()
def add_nic(vm: VirtualMachine, *, nic: Nic) -> list[Step]:
    return [
        Step(prepare_network, undo=release_nic, label="Prepare the network"),
        Step(plug_into_guest, undo=pull_from_guest, label="Plug the NIC in"),
    ]


def prepare_network(run: Run, vm: VirtualMachine, nic: Nic) -> None:
    """Only for a running guest: one that is off gets all of this at its next start."""
    vm, nic = fresh(vm), _fresh(nic)
    if vm.state == VmState.RUNNING:
        entries = guestdata.entries(vm, nic.address.ip4)
        guests.set_metadata(nic.address, entries, user_data=vm.user_data)
        routers.apply(run, nic.network, vm.host)


def plug_into_guest(run: Run, vm: VirtualMachine, nic: Nic) -> None:
    vm, nic = fresh(vm), _fresh(nic)
    if vm.state == VmState.RUNNING:
        wanted = p.AttachNic(str(vm.uuid), spec.nic(nic))
        agents.call(vm.host, "domain.attach_nic", wanted, run)


def pull_from_guest(run: Run, vm: VirtualMachine, nic: Nic) -> None:
    vm, nic = fresh(vm), _fresh(nic)
    if vm.state == VmState.RUNNING and nic.address is not None:
        wanted = p.DetachNic(str(vm.uuid), nic.address.mac)
        agents.call(vm.host, "domain.detach_nic", wanted, run)


def release_nic(nic: Nic) -> None:
    nics.unplug(nic)


@plan(cancellable=False)
def remove_nic(vm: VirtualMachine, *, nic: Nic) -> list[Step]:
    return [
        Step(unplug_nic, undo=plug_again, label="Pull the NIC out"),
        Step(tell_router, label="Tell the router"),
    ]


def unplug_nic(run: Run, vm: VirtualMachine, nic: Nic) -> None:
    """A guest that does not let go keeps it, and the command fails."""
    pull_from_guest(run, vm, nic)
    nics.unplug(nic)


def plug_again(run: Run, vm: VirtualMachine, nic: Nic) -> None:
    """If the guest let go after all, it has the NIC again, because the machine still does."""
    nic.refresh_from_db()
    if nic.removed is None:
        plug_into_guest(run, vm, nic)


@plan()
def readdress_nic(vm: VirtualMachine, *, nic: Nic) -> list[Step]:
    return [Step(tell_router, label="Tell the router")]


def tell_router(run: Run, nic: Nic) -> None:
    """The network's router, where it runs, knows who is in the network now."""
    rows = Network.everything.select_related("offering", "zone", "physical_network")
    network = rows.get(pk=nic.network_id)
    router = Router.objects.filter(network=network).select_related("host").first()
    if router is not None and router.host is not None and router.host.status == "Up":
        with suppress(p.NetworkFailed, p.OperationFailed):  # its next apply is as good
            routers.apply(run, network, router.host)


def _fresh(nic: Nic) -> Nic:
    rows = Nic.everything.select_related(
        "address", "machine", "network__offering", "network__physical_network"
    )
    return rows.get(pk=nic.pk)
