"""Machines of an account that is closed or deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Count, QuerySet

from accounts import cleaning
from accounts.caller import Caller
from accounts.figures import figure
from accounts.models import Account, Domain, ResourceTag
from accounts.resources import Resource
from compute.models import AffinityGroup, InstanceGroup, SshKeyPair, UserData, VirtualMachine
from compute.models.groups import DEDICATED
from compute.services import dedication, machines, securitygroups
from compute.states import VmState
from core.steps import Plan, Run
from jobs import batches


@cleaning.cleaner(
    "virtual machines", Resource.INSTANCE, order=10, rows=VirtualMachine.objects.all
)
def remove_machines(accounts: QuerySet[Account], run: Run) -> int:
    """Every machine for good, the bin included. Data disks are storage's to remove."""
    mine = VirtualMachine.objects.filter(account__in=accounts)
    return batches.for_each(
        run, mine, _expunge, command="destroyVirtualMachine", event_type="VM.DESTROY"
    )


def _expunge(vm: VirtualMachine) -> Plan:
    if vm.state == VmState.EXPUNGING:  # an earlier try did not get through
        return machines.expunge_now(vm)
    return machines.destroy(Caller.system(), vm, expunge=True)


_SOME = 200  # rows at a time


@cleaning.cleaner("groups and keys", order=60)
def remove_belongings(accounts: QuerySet[Account], run: Run) -> int:
    """What is only a row, some at a time; groups of dedications go with those."""
    left = 0
    for model in (InstanceGroup, AffinityGroup, SshKeyPair, UserData):
        mine = model.objects.filter(account__in=accounts)
        if model is AffinityGroup:
            mine = mine.exclude(type=DEDICATED)
        for row in mine[:_SOME]:
            row.remove()
        left += mine.count()
    return left


@cleaning.forgetter
def let_go(holder: Account | Domain) -> None:
    """What was kept for it alone is for everybody again."""
    dedication.release_all_of(holder)
    if isinstance(holder, Account):
        securitygroups.remove_all(holder)
        ResourceTag.objects.filter(account=holder).delete()


def _running() -> QuerySet:
    """What starts at the time will run when it is done with that, and is stopped then."""
    running = (VmState.RUNNING, VmState.STARTING, VmState.MIGRATING)
    return VirtualMachine.objects.filter(state__in=running)


@cleaning.stopper("virtual machines", rows=_running)
def stop_machines(accounts: QuerySet[Account], run: Run) -> int:
    running = _running().filter(account__in=accounts)
    return batches.for_each(
        run, running, _stop, command="stopVirtualMachine", event_type="VM.STOP"
    )


def _stop(vm: VirtualMachine) -> Plan:
    return machines.stop(Caller.system(), vm, forced=True)


@figure("vmrunning")
def running(keys: Sequence[int]) -> Mapping[int, int]:
    return _counted(keys, (VmState.RUNNING,))


@figure("vmstopped")
def stopped(keys: Sequence[int]) -> Mapping[int, int]:
    return _counted(keys, (VmState.STOPPED,))


def _counted(keys: Sequence[int], states: tuple[str, ...]) -> Mapping[int, int]:
    rows = VirtualMachine.objects.filter(account__in=list(keys), state__in=states)
    return dict(rows.values_list("account").annotate(n=Count("pk")))
