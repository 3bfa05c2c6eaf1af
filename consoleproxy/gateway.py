"""What a gateway on another machine asks: where the screen behind a ticket is."""

from __future__ import annotations

import json

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from agent.protocol import AgentError
from consoleproxy import tickets
from consoleproxy.consumers import _where


@csrf_exempt  # a program's call, with a secret of its own and no cookies
@require_POST
def redeem(request: HttpRequest) -> HttpResponse:
    """Off (404) unless CLOUDPORTAL_GATEWAY_SECRET is set; a refusal says nothing more."""
    secret = settings.GATEWAY_SECRET
    if not secret:
        return HttpResponse(status=404)
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not constant_time_compare(given, secret):
        return HttpResponse(status=403)
    try:
        ticket = str(json.loads(request.body)["ticket"])
        address = request.META["REMOTE_ADDR"]
        row = tickets.redeem(ticket, None, address=address, proxy=f"gateway-{address}")
        found = _where(row)
    except (ValueError, KeyError, TypeError, tickets.Refused, AgentError):
        return HttpResponse(status=403)
    return JsonResponse({"host": found.vnc_host, "port": found.vnc_port})
