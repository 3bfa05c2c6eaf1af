"""The cloud's own machines. A zone of simulated hosts has one for consoles and one for images
as soon as it is enabled and has a host and storage; hosts of this machine and real ones do that
work in processes of the portal, so there is nothing to list for them.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, CharField, Value, When
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from accounts.caller import Caller
from agent.protocol import DomainState
from compute.jobs import system_vms as jobs
from compute.models import ServiceOffering, SystemVm
from compute.models.system_vms import CONSOLE_PROXY, SECONDARY_STORAGE, TYPES
from compute.placement import DiskWish, Wanted, place
from compute.states import Power, VmEvent, VmState
from core import live
from core.config import Scope, Setting
from core.errors import CloudError, InvalidParameter, NotAllowedInState, ResourceUnavailable
from core.locking import locked
from core.steps import Plan
from core.units import GIB
from infra.models import Host, Zone
from infra.services import capacity, pod_ranges, summary
from infra.services.reports import on_host_lost, on_power_report
from jobs.models import AsyncJob, JobStatus
from jobs.schedules import every
from jobs.submit import submit
from storage import states as storage_states
from storage.models import StoragePool
from storage.services import allocation

log = logging.getLogger(__name__)

SIMULATED = Setting(
    "simulator.system.vms",
    True,
    "Whether zones of simulated hosts have system VMs of their own.",
    scopes=(Scope.GLOBAL, Scope.ZONE),
)
DISK_BYTES = 2 * GIB
#: A start that failed is tried again after this long.
AGAIN_S = 30.0

_HYPERVISOR = "Simulator"
_known_homes: dict[str, tuple[float, frozenset[int]]] = {}


# -- by themselves -----------------------------------------------------------------------


@every(5, "compute.system_vms")
def ensure() -> int:
    """Make what is missing and start what is off; returns how many were begun."""
    _free_stuck()
    return sum(ensure_in(zone) for zone in _zones())


def _zones() -> list[Zone]:
    """Enabled zones of simulated hosts, with a host and a pool that can take something."""
    hosts = Host.objects.usable().filter(hypervisor=_HYPERVISOR)
    pools = StoragePool.objects.filter(state=storage_states.Pools.UP)
    zones = Zone.objects.filter(
        pk__in=hosts.values("zone"), allocation_state="Enabled"
    ).filter(pk__in=pools.values("zone"))
    running = SystemVm.objects.filter(state=VmState.RUNNING).values_list("zone", flat=True)
    whole = [key for key, count in Counter(running).items() if count == len(TYPES)]
    return [zone for zone in zones.exclude(pk__in=whole) if SIMULATED.get(zone)]


def _free_stuck() -> None:
    """In a state that a job should lead out of, and no job: what was lost is begun again."""
    late = timezone.now() - timedelta(seconds=AGAIN_S)
    moving = (VmState.STARTING, VmState.STOPPING, VmState.MIGRATING, VmState.DESTROYED)
    for vm in SystemVm.objects.filter(state__in=moving, state_at__lt=late):
        if _at_work(vm):
            continue
        if vm.state == VmState.DESTROYED:
            _begin(lambda vm=vm: Plan(jobs.destroy_system_vm, vm), "destroySystemVm", "DESTROY")
        else:
            jobs.leave_host(vm, VmEvent.SEEN_OFF, power_state=Power.UNKNOWN)


def ensure_in(zone: Zone) -> int:
    there = {vm.type: vm for vm in SystemVm.objects.filter(zone=zone)}
    begun = 0
    for kind in TYPES:
        vm = there.get(kind)
        if vm is None:
            begun += _begin(lambda kind=kind: start(make(zone, kind)))
        elif _may_start(vm):
            begun += _begin(lambda vm=vm: start(vm))
    return begun


def _may_start(vm: SystemVm) -> bool:
    if vm.state != VmState.STOPPED or vm.rests:
        return False
    failed = AsyncJob.objects.filter(
        instance_uuid=vm.uuid,
        status=JobStatus.FAILED,
        completed__gt=timezone.now() - timedelta(seconds=AGAIN_S),
    )
    return not failed.exists()


def _begin(planned: Any, command: str = "startSystemVm", verb: str = "START") -> int:
    """A zone without room is tried again; nobody waits for it here."""
    try:
        with transaction.atomic():
            plan = planned()
            about = "PROXY" if plan.subject.type == CONSOLE_PROXY else "SSVM"
            submit(
                plan,
                account=Caller.system().account,
                command=command,
                event_type=f"{about}.{verb}",
            )
    except CloudError as error:
        log.info("a system VM cannot start: %s", error.message)
        return 0
    return 1


def make(zone: Zone, kind: str) -> SystemVm:
    """A new one, Stopped, with its disk allocated."""
    offering = offering_for(kind)
    vm = SystemVm.objects.create(
        type=kind, zone=zone, service_offering=offering, **_size(offering)
    )
    vm.volume = allocation.allocate(
        Caller.system().account, zone, name=f"ROOT-{vm.pk}", size_bytes=DISK_BYTES, type="ROOT",
        display=False,
    )  # fmt: skip
    vm.save(update_fields=["volume"])
    live.changed(vm)
    return vm


def offering_for(kind: str) -> ServiceOffering:
    found = ServiceOffering.objects.filter(is_system=True, system_vm_type=kind, state="Active")
    offering = found.order_by("-default_use", "pk").first()
    if offering is None:
        raise ResourceUnavailable(f"There is no system offering for {kind}; create one first.")
    return offering


def _size(offering: ServiceOffering) -> dict[str, int]:
    return {
        "vcpus": offering.cpu_number or 1,
        "cpu_speed_mhz": offering.cpu_speed_mhz or 500,
        "memory_mb": offering.memory_mb or 512,
    }


#: How they are called, for the database to look in.
NAME = Concat(
    Case(When(type=SECONDARY_STORAGE, then=Value("s-")), default=Value("v-")),
    Cast("pk", CharField()),
    Value("-VM"),
)


def named(rows: Any, name: str) -> Any:
    """Names are made of type and number, so they are taken apart to be looked for."""
    letter, _, rest = name.partition("-")
    kind = {"s": SECONDARY_STORAGE, "v": CONSOLE_PROXY}.get(letter)
    number = rest.removesuffix("-VM")
    if kind is None or not number.isdecimal() or len(number) > 18:
        return rows.none()
    return rows.filter(type=kind, pk=int(number))


# -- what a person asks for --------------------------------------------------------------


def start(vm: SystemVm, *, host: Host | None = None, avoid: Host | None = None) -> Plan:
    """Stopped → Starting, with room on a host. Raises InsufficientCapacity."""
    vm = _held(vm)
    _take_place(vm, VmEvent.START, host=host, avoid=avoid)
    return Plan(jobs.start_system_vm, vm, resources=[vm.volume])


def _take_place(vm: SystemVm, event: str, *, host: Host | None, avoid: Host | None) -> None:
    volume = vm.volume
    wish = DiskWish(DISK_BYTES, label="the disk", volume=volume, pool=volume.pool)
    wanted = Wanted(
        zone=vm.zone,
        hypervisor=_HYPERVISOR,
        vcpus=vm.vcpus,
        cpu_mhz=vm.cpu_mhz,
        memory_mb=vm.memory_mb,
        disks=(wish,),
        host=host,
        avoid=frozenset({avoid.pk} if avoid else ()),
    )
    if not vm.can(event):
        raise vm.refused(event)
    chosen = place(wanted, for_admin=True).host
    if vm.private_address is None:
        vm.private_address = pod_ranges.take(
            vm.zone, chosen.pod, holder=vm.name, for_system_vms=True
        )
    vm.apply(
        event, host=chosen, pod=chosen.pod, private_address=vm.private_address, rests=False
    )


def stop(vm: SystemVm, *, forced: bool) -> Plan:
    vm.apply(VmEvent.STOP, rests=True)
    return Plan(jobs.stop_system_vm, vm, {"forced": forced})


def reboot(vm: SystemVm, *, forced: bool) -> Plan:
    if vm.state != VmState.RUNNING:
        raise vm.refused("REBOOT")
    return Plan(jobs.reboot_system_vm, vm, {"forced": forced})


def destroy(vm: SystemVm) -> Plan:
    """It is gone for good; while its zone is enabled another one is made in its stead."""
    vm.apply(VmEvent.DESTROY)
    return Plan(jobs.destroy_system_vm, vm)


def migrate(vm: SystemVm, *, host: Host | None, autoselect: bool) -> Plan:
    """To another host, by stopping here and starting there. Raises InsufficientCapacity."""
    if host is None and not autoselect:
        raise InvalidParameter("Say where it goes: hostid, or autoselect=true.")
    if vm.state != VmState.RUNNING:
        raise vm.refused("MIGRATE")
    if host is not None and host.pk == vm.host_id:
        raise InvalidParameter(f"{vm} runs on host {host} already.")
    vm = _held(vm)
    source = vm.host
    capacity.release(source, **_share(vm))
    _take_place(vm, "MIGRATE", host=host, avoid=source)
    return Plan(jobs.migrate_system_vm, vm, {"source": source})


def resize(vm: SystemVm, offering: ServiceOffering) -> SystemVm:
    """Another system offering, while it is off."""
    _check_offering(vm, offering)
    vm = _held(vm)
    if vm.state != VmState.STOPPED:
        raise NotAllowedInState(f"{vm} is {vm.state}; stop it first, or use scaleSystemVm.")
    _write_size(vm, offering)
    return vm


def scale(vm: SystemVm, offering: ServiceOffering) -> Plan:
    """Another system offering; one that runs starts anew with it, where there is room."""
    _check_offering(vm, offering)
    vm = _held(vm)
    if vm.state == VmState.STOPPED:
        _write_size(vm, offering)
        return Plan(jobs.nothing_to_do, vm)
    if vm.state != VmState.RUNNING:
        raise vm.refused("SCALE")
    source = vm.host
    capacity.release(source, **_share(vm))
    _write_size(vm, offering)
    _take_place(vm, "MIGRATE", host=None, avoid=None)
    return Plan(jobs.migrate_system_vm, vm, {"source": source})


def _check_offering(vm: SystemVm, offering: ServiceOffering) -> None:
    if not offering.is_system or offering.system_vm_type not in ("", vm.type):
        raise InvalidParameter(
            f"Service offering {offering} is not one for system VMs of type {vm.type}."
        )


def _write_size(vm: SystemVm, offering: ServiceOffering) -> None:
    fields = {"service_offering": offering, **_size(offering)}
    SystemVm.objects.filter(pk=vm.pk).update(**fields)
    for name, value in fields.items():
        setattr(vm, name, value)
    live.changed(vm)


def _held(vm: SystemVm) -> SystemVm:
    return locked(vm, "zone", "host", "volume__pool", "private_address", "service_offering")


def _share(vm: SystemVm) -> dict[str, int]:
    return {"cpu_mhz": vm.cpu_mhz, "memory_mb": vm.memory_mb, "cores": vm.vcpus}


# -- what hosts say ----------------------------------------------------------------------


@on_power_report
def heard(host: Host, states: Sequence[DomainState], taken_at: datetime) -> None:
    """One that is not running any more is off, and is started again."""
    if host.hypervisor != _HYPERVISOR or host.pk not in _homes():
        return
    here = SystemVm.objects.filter(host=host, state=VmState.RUNNING, state_at__lt=taken_at)
    on = {s.uuid for s in states if s.power == Power.ON}
    for vm in here:
        if str(vm.uuid) not in on and not _at_work(vm):
            jobs.leave_host(vm, VmEvent.SEEN_OFF, power_state=Power.OFF)


def _homes() -> frozenset[int]:
    """Keys of the hosts that have one, read once for the reports of a second: of ten thousand
    hosts nearly all have none."""
    now = time.monotonic()
    read_at, found = _known_homes.get("read", (-1.0, frozenset()))
    if now - read_at > 1.0:
        rows = SystemVm.objects.exclude(host=None).values_list("host", flat=True)
        found = frozenset(rows)
        _known_homes["read"] = (now, found)
    return found


@on_host_lost
def lost(host: Host) -> None:
    """They hold nothing that two of them could spoil, so they start elsewhere at once."""
    for vm in SystemVm.objects.filter(host=host):
        # It may still run there; when the host is back, it is taken away as a stray.
        if vm.can(VmEvent.SEEN_OFF) and not _at_work(vm):
            jobs.leave_host(vm, VmEvent.SEEN_OFF, power_state=Power.UNKNOWN)
    ensure()


def _at_work(vm: SystemVm) -> bool:
    return AsyncJob.objects.filter(instance_uuid=vm.uuid, status=JobStatus.PENDING).exists()


summary.register_counter("systemvms", lambda: SystemVm.objects.count())
