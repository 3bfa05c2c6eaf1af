"""Rules of security groups, brought to the hosts."""

from __future__ import annotations

import logging

from agent import protocol as p
from compute import spec
from compute.models import SecurityGroup, VirtualMachine
from compute.services import filtering
from core.steps import Run, Step, plan
from jobs.schedules import every

log = logging.getLogger(__name__)

_AT_ONCE = 200


@plan()
def apply_group(group: SecurityGroup) -> list[Step]:
    return [Step(apply_to_members, label="Apply the rules on the hosts")]


def apply_to_members(run: Run, group: SecurityGroup) -> None:
    """Hosts that do not answer get the rules when they are back."""
    members = list(filtering.lagging().filter(security_groups=group))
    for done, vm in enumerate(members):
        run.progress(100 * done / len(members), f"{done} of {len(members)} machines")
        _bring_up_to_date(vm, run)


@every(2, "compute.security_group_rules")
def apply_lagging() -> int:
    """What other changes brought about: members that came, went or moved."""
    return sum(_bring_up_to_date(vm) for vm in filtering.lagging()[:_AT_ONCE])


def _bring_up_to_date(vm: VirtualMachine, run: Run | None = None) -> bool:
    version = filtering.wanted_of(vm)
    nics = [spec.nic(nic) for nic in spec.nics_of(vm)]
    try:
        filtering.apply_to(vm, nics, version, run)
    except p.NoSuchDomain:
        return False  # its power report says so; the next start brings the rules
    except p.AgentError as error:
        log.warning("security group rules of %s are not applied yet: %s", vm, error.message)
        return False
    return True
