"""What an operator wants of a process of the portal. It reads its orders with each heartbeat
(jobs.worker) and says itself when it is at rest."""

from __future__ import annotations

from typing import Any

from core.errors import NotAllowedInState
from infra.models import Host
from infra.services import servers
from jobs.models import AsyncJob, JobStatus, Worker, WorkerState

_MAINTENANCE = (WorkerState.PREPARING_MAINTENANCE, WorkerState.MAINTENANCE)
_SHUTDOWN = (WorkerState.PREPARING_SHUTDOWN, WorkerState.READY, WorkerState.SHUTTING_DOWN)


def prepare_maintenance(worker: Worker, *, forced: bool = False) -> dict[str, Any]:
    """Raises NotAllowedInState for the last one at work: its jobs would wait for nobody."""
    others = [w for w in servers.found() if w.pk != worker.pk and servers.is_alive(w)]
    if not any(w.state == WorkerState.UP for w in others):
        raise NotAllowedInState(
            f"No other process of the portal is at work; {worker.name} cannot rest."
        )
    return _move(worker, (WorkerState.UP,), WorkerState.PREPARING_MAINTENANCE, forced=forced)


def cancel_maintenance(worker: Worker) -> dict[str, Any]:
    return _move(worker, _MAINTENANCE, WorkerState.UP)


def prepare_shutdown(worker: Worker) -> dict[str, Any]:
    wanted = (WorkerState.UP, WorkerState.MAINTENANCE)
    return _move(worker, wanted, WorkerState.PREPARING_SHUTDOWN)


def cancel_shutdown(worker: Worker) -> dict[str, Any]:
    return _move(worker, _SHUTDOWN, WorkerState.UP)


def shut_down(worker: Worker) -> dict[str, Any]:
    wanted = (WorkerState.UP, WorkerState.MAINTENANCE, *_SHUTDOWN[:2])
    return _move(worker, wanted, WorkerState.SHUTTING_DOWN)


def _move(
    worker: Worker, source: tuple[str, ...], state: str, *, forced: bool = False
) -> dict[str, Any]:
    moved = Worker.objects.filter(pk=worker.pk, state__in=source).update(
        state=state, forced=forced
    )
    if not moved:
        raise NotAllowedInState(f"{worker.name} is {worker.state}; that cannot be done now.")
    worker.refresh_from_db()
    return record(worker)


def record(worker: Worker) -> dict[str, Any]:
    pending = AsyncJob.objects.filter(worker=worker, status=JobStatus.PENDING).count()
    return {
        "managementserverid": worker.uuid,
        "state": worker.state if servers.is_alive(worker) else "Down",
        "maintenanceinitiated": worker.state in _MAINTENANCE,
        "shutdowntriggered": worker.state == WorkerState.SHUTTING_DOWN,
        "readyforshutdown": worker.state == WorkerState.READY,
        "pendingjobscount": pending,
        "agentscount": Host.objects.filter(status="Up").count(),
    }
