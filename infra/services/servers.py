"""The processes of the portal: which there are, whether they live, what they use."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q

from accounts.models import Session
from agent.protocol import VERSION
from core.errors import NoSuchObject
from infra.models import Host
from infra.services import database
from jobs import clock
from jobs.models import JobStatus, Worker, WorkerSample

SILENT_AFTER_S = 10


def found(name: str = "", keyword: str = "", id: str = "") -> list[Worker]:
    wanted = _parsed(id) if id else None
    pending = Count("jobs", filter=Q(jobs__status=JobStatus.PENDING))
    rows = Worker.objects.select_related("sample").annotate(pending=pending).order_by("started")
    if name:
        rows = rows.filter(name=name)
    rows = rows.filter(name__icontains=keyword) if keyword else rows
    return [worker for worker in rows if wanted in (None, worker.uuid)]


def _parsed(text: str) -> uuids.UUID:
    try:
        return uuids.UUID(text.strip())
    except ValueError:
        raise NoSuchObject("listManagementServers", "id", text) from None


def one(command: str, text: str) -> Worker:
    """By its uuid. Raises NoSuchObject."""
    for worker in found():
        if str(worker.uuid) == text.strip().lower():
            return worker
    raise NoSuchObject(command, "managementserverid", text)


def is_alive(worker: Worker) -> bool:
    return worker.heartbeat >= clock.now() - timedelta(seconds=SILENT_AFTER_S)


def record(worker: Any) -> dict[str, Any]:
    """As CloudStack's management server."""
    sample = getattr(worker, "sample", None)
    facts: dict[str, Any] = {
        "id": worker.uuid,
        "name": worker.name,
        "state": worker.state if is_alive(worker) else "Down",
        "version": f"4.22.0.{VERSION}",
        "lastserverstart": worker.started,
        "pendingjobscount": worker.pending,
    }
    if sample:
        facts |= {
            "kernelversion": sample.kernel,
            "osdistribution": sample.system,
            "lastboottime": sample.booted,
            "ipaddress": sample.address or None,
        }
    return {name: value for name, value in facts.items() if value is not None}


def with_measures(workers: Sequence[Worker]) -> list[dict[str, Any]]:
    """What belongs to the whole cloud (sessions, agents) is said of each alike."""
    sessions = Session.objects.count()
    agents = Host.objects.filter(status="Up").count()
    local = database.is_local()
    return [
        {
            **record(worker),
            "sessions": sessions,
            "agentcount": agents,
            "dbislocal": local,
            **_measured(getattr(worker, "sample", None)),
        }
        for worker in workers
    ]


def _measured(sample: WorkerSample | None) -> dict[str, Any]:
    if sample is None:
        return {}
    used = sample.memory_total_bytes - sample.memory_free_bytes
    return {
        "availableprocessors": sample.cpus,
        "cpuload": f"{sample.cpu_percent:.2f} %",
        "systemloadaverages": [sample.load_1m, sample.load_5m, sample.load_15m],
        "systemmemorytotal": _gib(sample.memory_total_bytes),
        "systemmemoryfree": _gib(sample.memory_free_bytes),
        "systemmemoryused": _gib(used),
        "threadstotalcount": sample.threads,
        "collectiontime": sample.at,
    }


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / 2**30:.2f} GiB"
