"""What hosts say of their guests against what we think of them.

A report says at ``taken_at`` which domains a host has. A machine whose state moved after that,
or that a job is at work on, knows better than the report and is left alone; so a report never
races a stop or a start. Everything else is made true: a guest that is off is Stopped (with an
event and an alert, its addresses kept and its capacity free), one that runs is Running.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from agent.protocol import DomainState
from compute.models import VirtualMachine
from compute.services import holdings
from compute.states import Power, VmEvent, VmState
from core import live
from core.errors import NotAllowedInState
from core.locking import locked
from infra.models import Host
from infra.services import alerts, capacity
from infra.services.alerts import AlertType
from infra.services.reports import on_host_lost, on_power_report
from jobs import events
from jobs.models import AsyncJob, JobStatus, Lease

#: How long a domain must be missing altogether before its machine counts as off: a hypervisor
#: that is just coming up may not have all of its list yet.
MISSING_FOR = timedelta(seconds=2)

_ON_HOST = (VmState.STARTING, VmState.RUNNING, VmState.STOPPING)


@on_power_report
def heard(host: Host, states: Sequence[DomainState], taken_at: datetime) -> None:
    """One report. Reads the host's machines in one query, and no more when all is as known."""
    seen = {s.uuid: s for s in states}
    ours = list(VirtualMachine.objects.filter(host=host).only(*_COLUMNS))
    known = {str(vm.uuid) for vm in ours}
    doubtful = [vm for vm in ours if _differs(vm, seen.get(str(vm.uuid)))]
    strangers = [
        uuid for uuid, s in seen.items() if uuid not in known and s.power == Power.ON
    ]
    if strangers:
        rows = VirtualMachine.objects.filter(uuid__in=strangers, host=None, state=VmState.STOPPED)
        doubtful += list(rows.only(*_COLUMNS))
    for vm in _left_alone(doubtful, taken_at):
        _settle(vm, host, seen.get(str(vm.uuid)), taken_at)


_COLUMNS = ("uuid", "name", "state", "state_at", "power_state", "power_at", "host", "account")


def _power(seen: DomainState | None) -> str:
    if seen is None or seen.power == "PowerMissing":
        return Power.MISSING
    return seen.power


def _differs(vm: VirtualMachine, seen: DomainState | None) -> bool:
    power = _power(seen)
    expected = vm.state == VmState.RUNNING and power == Power.ON
    return power != vm.power_state or not expected


def _left_alone(
    machines: Iterable[VirtualMachine], taken_at: datetime
) -> Iterable[VirtualMachine]:
    """Those that nothing has happened to since, and that no job is at work on."""
    rows = [vm for vm in machines if vm.state_at < taken_at]
    busy = at_work(rows)
    return [vm for vm in rows if vm.pk not in busy]


def at_work(machines: Iterable[VirtualMachine]) -> set[int]:
    """Keys of those that a job is about, or holds."""
    rows = list(machines)
    if not rows:
        return set()
    by_uuid = {vm.uuid: vm.pk for vm in rows}
    pending = AsyncJob.objects.filter(status=JobStatus.PENDING)
    about = pending.filter(instance_uuid__in=list(by_uuid)).values_list("instance_uuid", flat=True)
    names = {f"virtualmachine:{uuid}": pk for uuid, pk in by_uuid.items()}
    held = Lease.objects.filter(resource__in=list(names), job__in=pending)
    return {by_uuid[u] for u in about} | {
        names[name] for name in held.values_list("resource", flat=True)
    }


def _settle(
    vm: VirtualMachine, host: Host, seen: DomainState | None, taken_at: datetime
) -> None:
    power = _power(seen)
    if power == Power.MISSING and not _missing_long_enough(vm, taken_at):
        return
    try:
        if power == Power.ON:
            _seen_on(vm, host)
        elif power in (Power.OFF, Power.MISSING) and vm.state in _ON_HOST:
            _seen_off(vm, host, power, seen.reason if seen else "")
        else:
            _note(vm, power)
    except NotAllowedInState:
        return  # somebody moved it just now: the next report will tell


def _missing_long_enough(vm: VirtualMachine, taken_at: datetime) -> bool:
    if vm.power_state != Power.MISSING or vm.power_at is None:
        _note(vm, Power.MISSING)
        return False
    return taken_at - vm.power_at >= MISSING_FOR


def _note(vm: VirtualMachine, power: str) -> None:
    if vm.power_state != power:
        VirtualMachine.objects.filter(pk=vm.pk).update(
            power_state=power, power_at=timezone.now()
        )
        live.changed(vm)


def _seen_on(vm: VirtualMachine, host: Host) -> None:
    if vm.state == VmState.RUNNING:
        _note(vm, Power.ON)
        return
    with transaction.atomic():
        row = _locked(vm)
        adopted = row.host_id is None
        row.apply(
            VmEvent.SEEN_ON, host=host, last_host=host, power_state=Power.ON,
            power_at=timezone.now(),
        )  # fmt: skip
        if adopted:
            capacity.take_over(
                host, cpu_mhz=row.cpu_mhz, memory_mb=row.memory_mb, cores=row.vcpus
            )
        events.record(
            "VM.START",
            f"Virtual machine {row} runs on host {host}: it was found running there",
            account=row.account,
            row=row,
            level="WARN",
        )
        alerts.resolve(AlertType.USERVM, row)


def _seen_off(vm: VirtualMachine, host: Host, power: str, reason: str) -> None:
    words = _REASONS.get(reason, "is off, and nobody asked for that")
    if power == Power.MISSING:
        words = "is not there any more"
    with transaction.atomic():
        row = _locked(vm)
        sentence = f"Virtual machine {row} {words} (host {host}); it is Stopped now"
        holdings.leave_host(row, VmEvent.SEEN_OFF, power_state=power, power_at=timezone.now())
        events.record("VM.STOP", sentence, account=row.account, row=row, level="WARN")
        alerts.raise_alert(
            AlertType.USERVM, row, f"Virtual machine {row} went down", f"{sentence}.",
            zone=host.zone, pod=host.pod, cluster=host.cluster,
        )  # fmt: skip


_REASONS = {
    "shutdown": "was shut down from inside",
    "crashed": "crashed",
    "failed": "failed on its host",
    "destroyed": "had its power cut on the host",
}


def _locked(vm: VirtualMachine) -> VirtualMachine:
    return locked(vm, "account__domain", "host")


@on_host_lost
def lost(host: Host) -> None:
    """Nobody knows whether the guests of a host that is Down still run."""
    rows = VirtualMachine.objects.filter(host=host).exclude(power_state=Power.UNKNOWN)
    for vm in rows:
        _note(vm, Power.UNKNOWN)
