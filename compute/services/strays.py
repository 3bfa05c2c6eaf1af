"""Domains on hosts where the database wants none.

What is off is only a leftover definition, and what belongs to a machine that is gone for good
has no disks any more: both are taken away by a job that holds the machine's lease. What runs
is left to a person, under *Needs attention*.
"""

from __future__ import annotations

import time
import uuid as uuids
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.caller import Caller
from agent import protocol as p
from compute import jobs
from compute.models import SystemVm, VirtualMachine
from compute.services import power
from compute.states import Power, VmState
from core.steps import Plan
from infra.models import Host
from infra.services.reconciler import Finding
from infra.services.reports import on_power_report
from jobs.models import AsyncJob, JobStatus, Trouble
from jobs.submit import submit
from jobs.troubles import open_trouble, repair

TWICE, UNWANTED, UNKNOWN = "vm.twice", "vm.unwanted", "domain.unknown"
KINDS = (TWICE, UNWANTED, UNKNOWN)

EVERY_S = 15.0

#: Host key → when its strays were last looked for, in this process.
_looked: dict[int, float] = {}


@dataclass(frozen=True)
class DomainOnHost:
    """A domain that no row of ours stands for."""

    uuid: uuids.UUID
    name: str

    def __str__(self) -> str:
        return self.name or str(self.uuid)


@on_power_report
def look(host: Host, states: Sequence[p.DomainState], taken_at: datetime) -> None:
    """Reports come every few seconds; strays can wait for every few of those."""
    now = time.monotonic()
    if now - _looked.get(host.pk, -EVERY_S) >= EVERY_S:
        _looked[host.pk] = now
        compare(host, states, taken_at)


def compare(host: Host, states: Sequence[p.DomainState], taken_at: datetime) -> int:
    """Opens a trouble for each stray that runs, closes those that are gone; returns how many."""
    found = list(_strays(host, states, taken_at))
    for finding in found:
        open_trouble(
            finding.kind, finding.row, finding.sentence,
            evidence=finding.evidence, repair=finding.repair,
        )  # fmt: skip
    still = {(f.kind, f.row.uuid) for f in found}
    open_here = Trouble.objects.filter(
        kind__in=KINDS, closed=None, evidence__remove_from=str(host.uuid)
    )
    gone = [t.pk for t in open_here if (t.kind, t.resource_uuid) not in still]
    Trouble.objects.filter(pk__in=gone).update(closed=timezone.now())
    return len(found)


def _strays(
    host: Host, states: Iterable[p.DomainState], taken_at: datetime
) -> Iterable[Finding]:
    seen = {s.uuid: s for s in states}
    here = VirtualMachine.objects.filter(host=host).values_list("uuid", flat=True)
    left = set(seen) - {str(uuid) for uuid in here}
    if left:
        left -= _system_vms(host, left)
    if not left:
        return
    rows = VirtualMachine.everything.filter(uuid__in=list(left)).select_related("host")
    elsewhere = {str(vm.uuid): vm for vm in rows}
    busy = power.at_work(elsewhere.values())
    for uuid, vm in elsewhere.items():
        if vm.pk not in busy and vm.state_at < taken_at:
            yield from _stray(host, vm, seen[uuid])
    for uuid in left - set(elsewhere):
        yield _stranger(host, seen[uuid])


def _system_vms(host: Host, uuids: Iterable[str]) -> set[str]:
    """Those of the cloud's own machines. One that belongs elsewhere holds nothing of worth: it
    is taken away."""
    known = set()
    for vm in SystemVm.everything.filter(uuid__in=list(uuids)):
        known.add(str(vm.uuid))
        busy = AsyncJob.objects.filter(instance_uuid=vm.uuid, status=JobStatus.PENDING)
        if vm.host_id != host.pk and not busy.exists():
            with transaction.atomic():
                submit(
                    Plan(jobs.remove_stranger, host, {"uuid": str(vm.uuid)}),
                    account=Caller.system().account,
                )
    return known


def _stray(host: Host, vm: VirtualMachine, seen: p.DomainState) -> Iterable[Finding]:
    is_gone = vm.removed or vm.state in (VmState.EXPUNGING, VmState.ERROR)
    if seen.power == Power.OFF or (is_gone and seen.power == Power.ON):
        _clean(host, vm)
        return
    evidence = {
        "host": host.name, "power": seen.power, "state": vm.state,
        "wanted_on": vm.host.name if vm.host else "", "remove_from": str(host.uuid),
    }  # fmt: skip
    if vm.host is not None:
        words = f"should run on host {vm.host}, and host {host} has one of the same identity"
        yield Finding(TWICE, vm, f"Virtual machine {vm} {words}.", evidence, "domain.remove")
    elif vm.state == VmState.DESTROYED:
        words = f"is destroyed, and host {host} runs it"
        yield Finding(UNWANTED, vm, f"Virtual machine {vm} {words}.", evidence, "domain.remove")


def _stranger(host: Host, seen: p.DomainState) -> Finding:
    return Finding(
        UNKNOWN,
        DomainOnHost(uuids.UUID(seen.uuid), seen.name),
        f"Host {host} has a domain {seen.name or seen.uuid} of this portal that no machine here "
        "stands for.",
        {"host": host.name, "power": seen.power, "remove_from": str(host.uuid)},
        "domain.remove",
    )


def _clean(host: Host, vm: VirtualMachine) -> None:
    system = Caller.system()
    with transaction.atomic():
        submit(Plan(jobs.clean_host, vm, {"host": host}), account=system.account)


@repair("domain.remove")
def remove_domain(trouble: Trouble) -> None:
    """Cuts its power and takes the definition off the host that the evidence names."""
    host = Host.objects.filter(uuid=trouble.evidence.get("remove_from")).first()
    if host is None:
        return
    vm = VirtualMachine.everything.filter(uuid=trouble.resource_uuid).first()
    if vm is not None:
        _clean(host, vm)
        return
    plan = Plan(jobs.remove_stranger, host, {"uuid": str(trouble.resource_uuid)})
    with transaction.atomic():
        submit(plan, account=Caller.system().account)
