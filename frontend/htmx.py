"""Page or fragment: the same template serves the first load and every update."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render as django_render


def wants_fragment(request: HttpRequest) -> bool:
    """A script asked for a part. Whatever goes into ``#page`` (links, history) is a page."""
    headers = request.headers
    return bool(headers.get("HX-Request")) and not (
        headers.get("HX-Target") == "page"
        or headers.get("HX-Boosted")
        or headers.get("HX-History-Restore-Request")
    )


def render(
    request: HttpRequest,
    page: str,
    context: dict[str, Any],
    *,
    fragment: str = "",
    status: int = 200,
) -> HttpResponse:
    """``page`` includes ``fragment``; a script that asks gets the fragment alone."""
    chosen = fragment if fragment and wants_fragment(request) else page
    response = django_render(request, chosen, context, status=status)
    response["Vary"] = "HX-Request, Cookie, Accept-Language"
    return response


def redirect(request: HttpRequest, url: str) -> HttpResponse:
    """Go there, script or not. A script follows a plain redirect without telling the address
    bar, so it is told in its own way."""
    if request.headers.get("HX-Request"):
        response = HttpResponse(status=204)
        response["HX-Location"] = json.dumps(
            {"path": url, "target": "#page", "select": "#page", "swap": "outerHTML show:window:top"}
        )
        return response
    response = HttpResponse(status=303)
    response["Location"] = url
    return response


def trigger(response: HttpResponse, event: str) -> HttpResponse:
    response["HX-Trigger"] = event
    return response
