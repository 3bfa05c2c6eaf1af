"""Hosts, where the machines on them come into it."""

from __future__ import annotations

from typing import Annotated

from accounts.caller import Caller
from compute.services import maintenance
from core.commands import ADMIN, Operate, command
from core.steps import Plan
from infra.models import Host
from infra.responses import host


@command(roles=ADMIN, event="MAINT.PREPARE", response=host)
def prepareHostForMaintenance(
    caller: Caller, id: Annotated[Host, Operate, "The host to be worked on"]
) -> Plan:
    """Takes a host on which nothing runs out of service; otherwise says what runs there, and
    where each machine could go."""
    return maintenance.prepare(id)


@command(roles=ADMIN, event="MAINT.CANCEL", response=host)
def cancelHostMaintenance(
    caller: Caller, id: Annotated[Host, Operate, "The host that was worked on"]
) -> Plan:
    """Puts a host back into service."""
    return maintenance.cancel(id)
