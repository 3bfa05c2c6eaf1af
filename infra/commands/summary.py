"""The whole at a glance, and the processes of the portal."""

from __future__ import annotations

from typing import Annotated

from accounts.caller import Caller
from core.commands import ADMIN, Uuid, command
from infra.responses import infrastructure, managementserver
from infra.services import servers, summary


@command(roles=ADMIN, response=infrastructure)
def listInfrastructure(caller: Caller) -> dict:
    """Counts zones, pods, clusters, hosts and what is built on them."""
    return summary.counts()


@command(roles=ADMIN, response=managementserver, paged=True)
def listManagementServers(
    caller: Caller,
    id: Annotated[Uuid, "Only this one"] = "",
    name: Annotated[str, "Only of this name"] = "",
    keyword: Annotated[str, "Only those with this in their name"] = "",
) -> list:
    """Lists the processes of the portal that run jobs."""
    return [servers.record(worker) for worker in servers.found(name, keyword, id)]
