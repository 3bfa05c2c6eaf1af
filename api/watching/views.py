"""``/metrics``, ``/healthz`` and ``/readyz``."""

from __future__ import annotations

from collections.abc import Callable

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from api import settings
from api.addresses import client_address, is_within
from api.watching import exposition, gauges
from infra.models import Host
from infra.services import servers
from jobs.models import WorkerState
from jobs.worker import own_state


@require_safe
@gzip_page
def metrics(request: HttpRequest) -> HttpResponse:
    """404 unless it is switched on and asked from an allowed address."""
    is_on = settings.METRICS.get()
    if not is_on or not is_within(client_address(request), settings.METRICS_FOR.get()):
        return HttpResponse("Not found.\n", status=404, content_type="text/plain")
    body = "".join(exposition.text(gauges.families()))
    return HttpResponse(body, content_type=exposition.CONTENT_TYPE)


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process lives: restart it when it does not say so."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether to send requests here. Hosts that do not answer are named, and are no reason not
    to: the portal is what tells people about them."""
    checks = {"database": _database(), "workers": "unknown", "agents": "unknown"}
    if checks["database"] == "ok":
        checks["workers"] = _told(_workers)
        checks["agents"] = _told(_agents)
    checks["process"] = "ok" if own_state() == WorkerState.UP else own_state()
    is_ready = all(checks[name] == "ok" for name in ("database", "workers", "process"))
    return JsonResponse({"ready": is_ready, **checks}, status=200 if is_ready else 503)


def _told(check: Callable[[], str]) -> str:
    try:
        return check()
    except DatabaseError:
        return "unknown"


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError:
        return "not answering"
    return "ok"


def _workers() -> str:
    return "ok" if any(servers.is_alive(worker) for worker in servers.found()) else "none"


def _agents() -> str:
    hosts = Host.objects.exclude(status__in=("Removed", "Creating"))
    if not hosts.exists():
        return "no hosts"
    lost = hosts.exclude(status="Up").exists()
    return "some do not answer" if lost else "ok"
