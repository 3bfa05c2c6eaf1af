"""Routers operated by people."""

from __future__ import annotations

from typing import Annotated

from accounts.caller import Caller
from core.commands import DOMAIN_ADMIN, Operate, command
from core.responses import SUCCESS
from core.steps import Plan
from network.models import Router
from network.responses import router
from network.services import router_power

_ID = "The router"


@command(roles=DOMAIN_ADMIN, event="ROUTER.START", response=router)
def startRouter(caller: Caller, id: Annotated[Router, Operate, _ID]) -> Plan:
    """Starts a router."""
    return router_power.start(id)


@command(roles=DOMAIN_ADMIN, event="ROUTER.STOP", response=router)
def stopRouter(
    caller: Caller,
    id: Annotated[Router, Operate, _ID],
    forced: Annotated[bool, "Also when its host does not answer"] = False,
) -> Plan:
    """Stops a router; it stays off until it is started, or a machine of its network needs it."""
    return router_power.stop(id, forced=forced)


@command(roles=DOMAIN_ADMIN, event="ROUTER.REBOOT", response=router)
def rebootRouter(caller: Caller, id: Annotated[Router, Operate, _ID]) -> Plan:
    """Takes a router down and brings it up anew."""
    return router_power.reboot(id)


@command(roles=DOMAIN_ADMIN, event="ROUTER.DESTROY", response=SUCCESS)
def destroyRouter(caller: Caller, id: Annotated[Router, Operate, _ID]) -> Plan:
    """Destroys a router; the next machine that starts in its network has another one made."""
    return router_power.destroy(id)
