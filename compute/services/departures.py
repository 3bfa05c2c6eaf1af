"""Machines of an account that is closed or deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Count

from accounts import cleaning
from accounts.caller import Caller
from accounts.figures import figure
from accounts.models import Account, ResourceTag
from accounts.resources import Resource
from compute.models import (
    AffinityGroup,
    InstanceGroup,
    SshKeyPair,
    UserData,
    VirtualMachine,
)
from compute.services import dedication, machines
from compute.states import VmState
from core.steps import Plan, Run
from jobs import batches


@cleaning.cleaner("virtual machines", Resource.INSTANCE, order=10)
def remove_machines(account: Account, run: Run) -> int:
    """Every machine for good, the bin included. Data disks are storage's to remove."""
    mine = VirtualMachine.objects.filter(account=account)
    return batches.for_each(
        run, mine, _expunge, command="destroyVirtualMachine", event_type="VM.DESTROY"
    )


def _expunge(vm: VirtualMachine) -> Plan:
    if vm.state == VmState.EXPUNGING:  # an earlier try did not get through
        return machines.expunge_now(vm)
    return machines.destroy(Caller.system(), vm, expunge=True)


@cleaning.cleaner("groups and keys", order=60)
def remove_belongings(account: Account, run: Run) -> int:
    """What is only a row."""
    dedication.release_all_of(account)
    for model in (InstanceGroup, AffinityGroup, SshKeyPair, UserData):
        for row in model.objects.filter(account=account):
            row.remove()
    ResourceTag.objects.filter(account=account).delete()
    return 0


@cleaning.stopper("virtual machines")
def stop_machines(account: Account, run: Run) -> int:
    running = VirtualMachine.objects.filter(account=account, state=VmState.RUNNING)
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
