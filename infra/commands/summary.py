"""The whole at a glance, and the processes of the portal."""

from __future__ import annotations

import platform
import uuid as uuids
from datetime import timedelta
from typing import Annotated

from django.db.models import Count, Q
from django.utils import timezone

from accounts.caller import Caller
from agent.protocol import VERSION
from core.commands import ADMIN, command
from infra.responses import infrastructure, managementserver
from infra.services import summary
from jobs.models import JobStatus, Worker

_SERVERS = uuids.UUID("b4a55d0e-0d6a-5a43-a7a0-6f0b39ad4a3c")
_SILENT_AFTER_S = 10


@command(roles=ADMIN, response=infrastructure)
def listInfrastructure(caller: Caller) -> dict:
    """Counts zones, pods, clusters, hosts and what is built on them."""
    return summary.counts()


@command(roles=ADMIN, response=managementserver)
def listManagementServers(
    caller: Caller,
    name: Annotated[str, "Only of this name"] = "",
    keyword: Annotated[str, "Only those with this in their name"] = "",
) -> list:
    """Lists the processes of the portal that run jobs."""
    alive = timezone.now() - timedelta(seconds=_SILENT_AFTER_S)
    workers = Worker.objects.annotate(
        pending=Count("jobs", filter=Q(jobs__status=JobStatus.PENDING))
    )
    return [
        {
            "id": uuids.uuid5(_SERVERS, worker.name),
            "name": worker.name,
            "state": "Up" if worker.heartbeat >= alive else "Down",
            "version": f"4.22.0.{VERSION}",
            "kernelversion": platform.release(),
            "lastserverstart": worker.started,
            "pendingjobscount": worker.pending,
        }
        for worker in workers.order_by("started")
        if (not name or worker.name == name) and keyword.lower() in worker.name.lower()
    ]
