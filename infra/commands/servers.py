"""Taking a process of the portal out of work: it takes no new jobs and ends its own."""

from __future__ import annotations

from typing import Annotated, Any

from accounts.caller import Caller
from core.commands import ADMIN, Uuid, command
from infra.metric_responses import maintenance
from infra.services import resting, servers

Server = Annotated[Uuid, "The process of the portal"]


@command(roles=ADMIN, event="MS.MAINTENANCE.PREPARE", response=maintenance)
def prepareForMaintenance(
    caller: Caller,
    managementserverid: Server,
    forced: Annotated[bool, "Rest at once; what runs is finished all the same"] = False,
) -> dict[str, Any]:
    """Lets a process end what it does and take no new jobs; the others go on."""
    worker = servers.one("prepareForMaintenance", managementserverid)
    return resting.prepare_maintenance(worker, forced=forced)


@command(roles=ADMIN, event="MS.MAINTENANCE.CANCEL", response=maintenance)
def cancelMaintenance(caller: Caller, managementserverid: Server) -> dict[str, Any]:
    """Puts a process back to work."""
    return resting.cancel_maintenance(servers.one("cancelMaintenance", managementserverid))


@command(roles=ADMIN, event="MS.SHUTDOWN.PREPARE", response=maintenance)
def prepareForShutdown(caller: Caller, managementserverid: Server) -> dict[str, Any]:
    """Lets a process end what it does and take no new jobs, so that it can be stopped."""
    return resting.prepare_shutdown(servers.one("prepareForShutdown", managementserverid))


@command(roles=ADMIN, event="MS.SHUTDOWN.CANCEL", response=maintenance)
def cancelShutdown(caller: Caller, managementserverid: Server) -> dict[str, Any]:
    """Puts a process that was to be stopped back to work."""
    return resting.cancel_shutdown(servers.one("cancelShutdown", managementserverid))


@command(roles=ADMIN, event="MS.SHUTDOWN", response=maintenance)
def triggerShutdown(caller: Caller, managementserverid: Server) -> dict[str, Any]:
    """Stops a process as soon as it has ended what it does."""
    return resting.shut_down(servers.one("triggerShutdown", managementserverid))


@command(roles=ADMIN, response=maintenance)
def readyForShutdown(caller: Caller, managementserverid: Server) -> dict[str, Any]:
    """Tells whether a process has ended what it did."""
    return resting.record(servers.one("readyForShutdown", managementserverid))
