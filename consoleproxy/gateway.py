"""What a gateway on another machine asks: what is behind a ticket, and whether it may go on.

Both answer 404 unless CLOUDPORTAL_GATEWAY_SECRET is set, and 403 to whatever is refused.
"""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from agent.protocol import AgentError
from consoleproxy import screens, tickets, watch
from consoleproxy.models import ConsoleSession
from core import live
from jobs.schedules import every

log = logging.getLogger(__name__)

PREFIX = "gateway "  # with a space, as no host name has
#: A gateway asks every 3 seconds; one that is silent so long carries nothing any more.
SILENT_S = 20

Asked = dict[str, Any]


def gateways_only(view: Callable[[HttpRequest, Asked], HttpResponse]) -> Any:
    """A program's call: a JSON body and a secret of its own, no cookies."""

    @csrf_exempt
    @require_POST
    @functools.wraps(view)
    def checked(request: HttpRequest) -> HttpResponse:
        if not settings.GATEWAY_SECRET:
            return HttpResponse(status=404)
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not constant_time_compare(given, settings.GATEWAY_SECRET):
            return HttpResponse(status=403)
        try:
            return view(request, dict(json.loads(request.body)))
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            log.info("gateway asked badly: %s", error)
        except (tickets.Refused, AgentError) as reason:
            log.info("gateway refused: %s", reason)
        return HttpResponse(status=403)

    return checked


@gateways_only
def redeem(request: HttpRequest, asked: Asked) -> HttpResponse:
    """``{"ticket", "host"}``: the gateway's own host, because a screen is on its host's loopback
    and another host has another machine behind that port. Answers ``{"session", "host", "port",
    "password"}``."""
    address = request.META["REMOTE_ADDR"]
    row = tickets.redeem(str(asked["ticket"]), None, address=address, proxy=PREFIX + address)
    try:
        if row.kind != "vnc":
            raise tickets.Refused("a gateway carries screens, not serial lines")
        host = row.machine.host
        if host is None or host.name.lower() != str(asked["host"]).lower():
            raise tickets.Refused(f"the machine is on host {host}, the gateway on {asked['host']}")
        found = screens.where(row)
    except (tickets.Refused, AgentError):
        tickets.close(row.pk)
        raise
    return JsonResponse(
        {
            "session": str(row.uuid),
            "host": found.vnc_host,
            "port": found.vnc_port,
            "password": found.vnc_password,
        }
    )


@gateways_only
def session(request: HttpRequest, asked: Asked) -> HttpResponse:
    """``{"session", "ended"}``, again and again while it is open; answers ``{"open"}``."""
    row = ConsoleSession.objects.filter(uuid=asked["session"], proxy__startswith=PREFIX).first()
    if row is None or row.removed:
        return JsonResponse({"open": False})
    if asked.get("ended") or watch.over([row.pk]):
        tickets.close(row.pk)
        return JsonResponse({"open": False})
    ConsoleSession.objects.filter(pk=row.pk).update(heard=timezone.now())
    return JsonResponse({"open": True})


@every(10, "consoleproxy.silent_gateways")
def close_silent() -> int:
    """Sessions of gateways that stopped asking: the gateway died, or its machine did."""
    since = timezone.now() - timedelta(seconds=SILENT_S)
    rows = ConsoleSession.objects.filter(proxy__startswith=PREFIX, removed=None)
    gone = [row for row in rows if (row.heard or row.acquired or row.created) < since]
    for row in gone:
        row.remove()
        live.changed(row)
    return len(gone)
