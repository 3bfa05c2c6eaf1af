"""Comments, details and icons of a thing, changed from its page."""

from __future__ import annotations

import base64
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_http_methods, require_POST

from accounts.services.icons import MOST_BYTES
from frontend import pinning
from frontend.views.extras import changed
from frontend.views.gate import record_for, section_for, signed_in


@require_POST
@signed_in
def comments(request: HttpRequest, key: str, uuid: str) -> HttpResponse:
    """Adds one, removes one, or says who reads it; ``do`` says which."""
    section = section_for(request, key)
    record = record_for(request, section, uuid)
    kind = pinning.kind_of(section)
    if kind is None:
        raise Http404
    what = request.POST.get("do", "add")
    params: dict[str, Any] = {"id": request.POST.get("id", "")}
    command = {"remove": "removeAnnotation", "show": "updateAnnotationVisibility"}.get(what, "")
    if what == "show":
        params["adminsonly"] = request.POST.get("adminsonly", "false")
    if not command:
        command = "addAnnotation"
        params = {
            "entitytype": kind.entity,
            "entityid": str(record["id"]),
            "annotation": request.POST.get("text", "").replace("\r\n", "\n"),
            "adminsonly": "true" if request.POST.get("adminsonly") else "false",
        }
    return changed(request, command, params, f"/{key}/{uuid}/comments")


@require_POST
@signed_in
def details(request: HttpRequest, key: str, uuid: str) -> HttpResponse:
    section = section_for(request, key)
    record = record_for(request, section, uuid)
    about = {"resourceid": str(record["id"]), "resourcetype": section.resource_type}
    back = f"/{key}/{uuid}/details"
    if request.POST.get("remove"):
        params = {**about, "key": request.POST["remove"]}
        return changed(request, "removeResourceDetail", params, back)
    pair = {"key": request.POST.get("key", "").strip(), "value": request.POST.get("value", "")}
    shown = "false" if request.POST.get("hidden") else "true"
    params = {**about, "details": [pair], "fordisplay": shown}
    return changed(request, "addResourceDetail", params, back)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def icon(request: HttpRequest, key: str, uuid: str) -> HttpResponse:
    """The picture; by POST another one, or none."""
    section = section_for(request, key)
    if request.method != "POST":
        return _picture(request, key, uuid)
    record = record_for(request, section, uuid)
    about = {"resourceids": str(record["id"]), "resourcetype": section.resource_type}
    if request.POST.get("remove"):
        return changed(request, "deleteResourceIcon", about, f"/{key}/{uuid}")
    sent = request.FILES.get("icon")
    data = sent.read(MOST_BYTES + 1) if sent else b""
    params = {**about, "base64image": base64.b64encode(data).decode()}
    return changed(request, "uploadResourceIcon", params, f"/{key}/{uuid}")


def _picture(request: HttpRequest, key: str, uuid: str) -> HttpResponse:
    found = pinning.picture(request.reader, section_for(request, key), uuid)
    if not found:
        raise Http404
    response = HttpResponse(base64.b64decode(found), content_type="image/png")
    patch_cache_control(response, private=True, max_age=86400)
    return response

