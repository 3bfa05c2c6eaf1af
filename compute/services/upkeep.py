"""What happens to machines by themselves: the bin is emptied, what got stuck is freed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.caller import Caller
from compute.models import VirtualMachine
from compute.services import holdings, machines, power
from compute.services.recount import recount_hosts
from compute.states import Power, VmEvent, VmState
from core.config import Setting
from core.errors import CloudError
from infra.services.reconciler import Finding, reconcile
from jobs.models import Trouble
from jobs.schedules import every
from jobs.submit import submit
from jobs.troubles import repair

EXPUNGE_DELAY = Setting(
    "expunge.delay", 86400, "Seconds that a destroyed machine can still be recovered.", minimum=0,
)  # fmt: skip
EXPUNGE_INTERVAL = Setting(
    "expunge.interval", 86400,
    "Seconds between two looks for machines whose time is over; at most a minute here.",
    minimum=1,
)  # fmt: skip

_AT_ONCE = 50
_PATIENCE = timedelta(seconds=30)


# -- the bin -------------------------------------------------------------------------------


@every(lambda: min(EXPUNGE_INTERVAL.get(), 60), "compute.expunge")
def expunge_due() -> int:
    """Destroyed machines whose delay is over, failed deployments of that age, and expunging
    that did not get through the first time."""
    limit = timezone.now() - timedelta(seconds=EXPUNGE_DELAY.get())
    over = Q(state=VmState.DESTROYED, destroyed_at__lte=limit)
    over |= Q(state=VmState.ERROR, state_at__lte=limit)
    over |= Q(state=VmState.EXPUNGING, state_at__lt=timezone.now() - _PATIENCE)
    rows = list(VirtualMachine.objects.filter(over).order_by("pk")[:_AT_ONCE])
    busy = power.at_work(rows)
    started = 0
    for vm in rows:
        if vm.pk not in busy:
            started += _expunge(vm)
    return started


def _expunge(vm: VirtualMachine) -> int:
    system = Caller.system()
    with transaction.atomic():
        try:
            plan = machines.expunge_now(vm)
        except CloudError:
            return 0  # recovered, or taken by somebody else just now
        submit(plan, account=system.account, command="expungeVirtualMachine",
               event_type="VM.EXPUNGE")  # fmt: skip
    return 1


# -- what is not as it should be -----------------------------------------------------------

STUCK = "vm.stuck"


@reconcile("machines", STUCK)
def compare() -> Iterable[Finding]:
    """In a state that a job should lead out of, and no job. What hosts report frees Starting
    and Stopping; where there is no host to report, nothing can be running."""
    recount_hosts()
    rows = VirtualMachine.objects.filter(
        state__in=(VmState.STARTING, VmState.STOPPING, VmState.RESTORING),
        state_at__lt=timezone.now() - _PATIENCE,
    ).select_related("host")
    found = list(rows)
    busy = power.at_work(found)
    for vm in (v for v in found if v.pk not in busy):
        if vm.state == VmState.RESTORING:
            vm.apply(VmEvent.FAILED)
        elif vm.host is None:
            holdings.leave_host(vm, VmEvent.SEEN_OFF)
        else:
            yield Finding(
                STUCK,
                vm,
                f"Virtual machine {vm} is {vm.state}, no job is at work on it, and host "
                f"{vm.host} ({vm.host.status}) has not said whether it runs.",
                {"state": vm.state, "since": vm.state_at.isoformat(), "host": vm.host.name},
                repair="vm.declare_stopped",
            )


@repair("vm.declare_stopped")
def declare_stopped(trouble: Trouble) -> None:
    """A person says that the guest does not run any more."""
    vm = VirtualMachine.objects.filter(uuid=trouble.resource_uuid).first()
    if vm is not None and vm.state in (VmState.STARTING, VmState.STOPPING):
        holdings.leave_host(vm, VmEvent.SEEN_OFF, power_state=Power.UNKNOWN)
