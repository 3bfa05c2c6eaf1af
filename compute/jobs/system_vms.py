"""What is done to system VMs on hosts."""

from __future__ import annotations

import contextlib
from typing import Any

from django.db import transaction

from agent import protocol as p
from compute.models import SystemVm
from compute.states import Power, VmEvent, VmState
from core.locking import locked
from core.steps import Run, Step, plan
from infra import agents
from infra.models import Host, PodAddress
from infra.services import capacity
from storage.services import disks, reach

BRIDGE = "cloudbr0"


@plan()
def start_system_vm(vm: SystemVm) -> list[Step]:
    return [
        Step(create_disk, undo=stay_stopped, label="Create the disk"),
        Step(start_guest, undo=remove_guest, label="Start the guest"),
        Step(mark_running),
    ]


@plan(cancellable=False)
def stop_system_vm(vm: SystemVm, *, forced: bool) -> list[Step]:
    return [Step(shut_down, undo=return_to_running, label="Shut the guest down")]


@plan(cancellable=False)
def reboot_system_vm(vm: SystemVm, *, forced: bool) -> list[Step]:
    return [Step(restart_guest, label="Restart the guest")]


@plan(cancellable=False)
def destroy_system_vm(vm: SystemVm) -> list[Step]:
    return [
        Step(remove_everywhere, label="Remove the guest", patience_s=60),
        Step(delete_disk, patience_s=60),
        Step(forget),
    ]


@plan(cancellable=False)
def migrate_system_vm(vm: SystemVm, *, source: Host) -> list[Step]:
    return [
        Step(leave_source, undo=stay_stopped, label="Stop the guest where it is"),
        Step(start_guest, undo=remove_guest, label="Start it where it goes"),
        Step(mark_moved),
    ]


@plan()
def nothing_to_do(vm: SystemVm) -> list[Step]:
    return [Step(agree)]


def agree(vm: SystemVm) -> None:
    """The request did all there was to do."""


# -- steps -------------------------------------------------------------------------------


def create_disk(run: Run, vm: SystemVm) -> None:
    vm = fresh(vm)
    disks.create_on_pool(run, vm.volume, vm.host)


def start_guest(run: Run, vm: SystemVm) -> None:
    vm = fresh(vm)
    agents.call(vm.host, "bridge.apply", p.BridgeSpec(BRIDGE), run)
    agents.call(vm.host, "domain.start", p.StartDomain(spec(vm)), run)


def spec(vm: SystemVm) -> p.DomainSpec:
    card = p.Nic(mac_of(vm.pk), BRIDGE, 0, ip4=str(vm.private_address or ""))
    return p.DomainSpec(
        uuid=str(vm.uuid),
        name=vm.name,
        title=vm.name,
        vcpus=vm.vcpus,
        memory_mb=vm.memory_mb,
        cpu_shares=vm.cpu_mhz,
        disks=(p.Disk(reach.disk_ref(vm.volume), 0),),
        nics=(card,),
    )


def mac_of(key: int) -> str:
    """``1e`` as CloudStack's, which no guest of a network here has."""
    return "1e:00:" + ":".join(f"{byte:02x}" for byte in (key % 2**32).to_bytes(4, "big"))


def mark_running(vm: SystemVm) -> None:
    vm = fresh(vm)
    if vm.state == VmState.STARTING:
        vm.apply(VmEvent.STARTED, power_state=Power.ON)


def mark_moved(vm: SystemVm) -> None:
    vm = fresh(vm)
    if vm.state == VmState.MIGRATING:
        vm.apply("MIGRATED", power_state=Power.ON)


def remove_guest(run: Run, vm: SystemVm) -> None:
    vm = fresh(vm)
    if vm.host is not None and vm.host.status != "Down":
        agents.call(vm.host, "domain.remove", p.RemoveDomain(str(vm.uuid)), run)


def stay_stopped(vm: SystemVm) -> None:
    """Undo of a start or a move: it keeps its disk, and is started again later."""
    vm = fresh(vm)
    if vm.can(VmEvent.FAILED) and vm.state in (VmState.STARTING, VmState.MIGRATING):
        leave_host(vm, VmEvent.FAILED, power_state=Power.OFF)


def leave_source(run: Run, vm: SystemVm, source: Host) -> None:
    """Gone from the host it was on, where it has not counted since the request."""
    vm = fresh(vm)
    if source.status != "Down":
        agents.call(source, "domain.remove", p.RemoveDomain(str(vm.uuid)), run)


def shut_down(run: Run, vm: SystemVm, forced: bool) -> None:
    vm = fresh(vm)
    if vm.state != VmState.STOPPING:
        return
    if vm.host is not None and not (forced and vm.host.status == "Down"):
        uuid = str(vm.uuid)
        agents.call(vm.host, "domain.stop", p.StopDomain(uuid, forced, 60), run)
        agents.call(vm.host, "domain.remove", p.RemoveDomain(uuid), run)
    leave_host(vm, VmEvent.STOPPED, power_state=Power.OFF)


def return_to_running(vm: SystemVm) -> None:
    vm = fresh(vm)
    if vm.state == VmState.STOPPING:
        vm.apply(VmEvent.FAILED, rests=False)


def restart_guest(run: Run, vm: SystemVm, forced: bool) -> None:
    vm = fresh(vm)
    if vm.state == VmState.RUNNING:
        wanted = p.RebootDomain(str(vm.uuid), forced, 60)
        agents.call(vm.host, "domain.reboot", wanted, run)
        vm.apply(VmEvent.REBOOTED)


def remove_everywhere(run: Run, vm: SystemVm) -> None:
    """A host that is Down has lost it already, or says so when it comes back."""
    vm = fresh(vm)
    if vm.host is None:
        return
    remove_guest(run, vm)
    with transaction.atomic():
        held = locked(vm, "host")
        if held.host is not None:
            capacity.release(held.host, **_share(held))
            SystemVm.everything.filter(pk=vm.pk).update(host=None, power_state=Power.OFF)


def delete_disk(run: Run, vm: SystemVm) -> None:
    volume = fresh(vm).volume
    if volume is not None:
        with contextlib.suppress(p.NoSuchPool):
            disks.expunge(run, volume)


def forget(vm: SystemVm) -> None:
    """The row stays for history; its name's number, disk and address are nobody's any more."""
    with transaction.atomic():
        held = fresh(vm)
        if held.removed:
            return
        address = held.private_address_id
        SystemVm.everything.filter(pk=held.pk).update(private_address=None, volume=None)
        PodAddress.objects.filter(pk=address).delete()
        held.private_address = held.volume = None
        held.remove()


# -- rows --------------------------------------------------------------------------------


def fresh(vm: SystemVm) -> SystemVm:
    rows = SystemVm.everything.select_related("host", "pod", "volume__pool", "private_address")
    return rows.get(pk=vm.pk)


def leave_host(vm: SystemVm, event: str, **also: Any) -> None:
    """Move along ``event`` to a state without a host, and give the host's capacity back."""
    with transaction.atomic():
        held = locked(vm, "host")
        host = held.host
        held.apply(event, host=None, **also)
        if host is not None:
            capacity.release(host, **_share(held))


def _share(vm: SystemVm) -> dict[str, int]:
    return {"cpu_mhz": vm.cpu_mhz, "memory_mb": vm.memory_mb, "cores": vm.vcpus}
