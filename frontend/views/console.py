"""A machine's console: the page, and new tickets for it (also to reconnect, silently)."""

from __future__ import annotations

from secrets import token_urlsafe

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_POST

from core.errors import CloudError
from frontend import texts
from frontend.middleware import policy
from frontend.sections import SECTIONS
from frontend.views.gate import record_for, signed_in

KINDS = ("vnc", "serial")
WITHOUT_SCREEN = ("Stopped", "Destroyed", "Error")


@require_GET
@xframe_options_sameorigin
@signed_in
def console(request: HttpRequest, uuid: str) -> HttpResponse:
    """Shown by itself, or inside the dock of another of our pages (``?dock=1``)."""
    section = SECTIONS["instances"]
    record = record_for(request, section, uuid)
    kind = request.GET.get("kind", "")
    nonce = token_urlsafe(16)
    context = {
        "record": record,
        "name": section.name_of(record),
        "kind": kind if kind in KINDS else "vnc",
        "docked": request.GET.get("dock") == "1",
        "nonce": nonce,
    }
    response = render(request, "frontend/console.html", context)
    # xterm.js and noVNC write style elements of their own; the nonce is for those alone.
    response["Content-Security-Policy"] = policy(style=f"'nonce-{nonce}'", ancestors="'self'")
    return response


@require_POST
@signed_in
def ticket(request: HttpRequest, uuid: str) -> JsonResponse:
    """A fresh ticket; rights are checked anew each time."""
    kind = request.POST.get("kind", "vnc")
    section = SECTIONS["instances"]
    record = record_for(request, section, uuid)
    if record["state"] in WITHOUT_SCREEN:  # asked again and again: no event for each refusal
        problem = _("%(name)s is off. Start it to see its console.")
        return JsonResponse({"problem": problem % {"name": section.name_of(record)}}, status=409)
    try:
        outcome = request.reader.run(
            "createConsoleEndpoint",
            {"virtualmachineid": uuid, "kind": kind if kind in KINDS else "vnc"},
        )
    except CloudError as error:
        return JsonResponse({"problem": texts.say(error.message)}, status=409)
    found = outcome.record()["websocket"]
    if found["gateway"]:
        problem = _("Its host is another machine; a console gateway there shows its screen.")
        return JsonResponse({"problem": problem}, status=409)
    return JsonResponse({"path": found["path"], "keyboard": found["keyboard"]})
