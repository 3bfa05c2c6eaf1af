"""A new instance, on one page; the summary at its side follows each choice."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from core.errors import CloudError
from frontend import deploying, equivalents, htmx, texts
from frontend.views.gate import signed_in


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
@signed_in
def new_instance(request: HttpRequest) -> HttpResponse:
    if not request.reader.may(deploying.COMMAND):
        raise Http404
    request.reader.act_for(request.GET if request.method == "GET" else request.POST)
    if request.method == "GET":
        return _page(request, request.GET)
    params = deploying.params(request.reader, request.POST)
    try:
        outcome = request.reader.run(deploying.COMMAND, params)
    except CloudError as error:
        refused = {"error": texts.say(error.message), "details": error.details}
        return _page(request, request.POST, refused, status=422)
    return htmx.redirect(request, f"/instances/{outcome.value.uuid}")


def _page(
    request: HttpRequest, data: QueryDict, refused: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    reader = request.reader
    zones = deploying.enabled_zones(reader)
    ids = [str(z["id"]) for z in zones]
    zone = data.get("zoneid", "") if data.get("zoneid") in ids else (ids[0] if ids else "")
    offer = deploying.offer(reader, zone, zones)
    chosen = _chosen(data, offer, zone)
    context = {
        "offer": offer,
        "data": chosen,
        "owner": {k: data[k] for k in ("account", "domainid", "projectid") if data.get(k)},
        "data_networks": chosen.getlist("networkids"),
        "data_keys": chosen.getlist("keypairs"),
        "data_security": chosen.getlist("securitygroupids"),
        "data_affinity": chosen.getlist("affinitygroupids"),
        "zone": zone,
        "keyboards": deploying.KEYBOARDS,
        "summary": deploying.summary(reader, chosen, offer),
        "equivalents": equivalents.of(deploying.COMMAND, deploying.params(reader, chosen)),
        "disk_rows": _disk_rows(chosen),
        **(refused or {}),
    }
    return htmx.render(request, "frontend/wizard.html", context, status=status)


def _chosen(data: QueryDict, offer: deploying.Offer, zone: str) -> QueryDict:
    """What was sent, with defaults that work for what was not."""
    chosen = data.copy()
    chosen["zoneid"] = zone
    if not chosen.get("templateid") and offer.templates:
        chosen["templateid"] = str(offer.templates[0]["id"])
    if not chosen.get("serviceofferingid") and offer.sizes:
        chosen["serviceofferingid"] = str(offer.sizes[0]["id"])
    known = {str(n["id"]) for n in offer.networks}
    networks = [n for n in chosen.getlist("networkids") if n in known]
    if not networks and offer.networks and not chosen.get("started"):
        networks = [str(offer.networks[0]["id"])]
    chosen.setlist("networkids", networks)
    if not chosen.get("started"):
        chosen["startvm"] = "true"
    return chosen


def _disk_rows(data: QueryDict) -> list[tuple[str, str]]:
    sizes = data.getlist("disksize")
    rows = [
        (offering, sizes[i] if i < len(sizes) else "")
        for i, offering in enumerate(data.getlist("diskoffering"))
    ]
    return ([row for row in rows if row[0]] + [("", ""), ("", "")])[:4]


@sensitive_post_parameters("password")
@require_POST
@signed_in
def summary(request: HttpRequest) -> HttpResponse:
    if not request.reader.may(deploying.COMMAND):
        raise Http404
    request.reader.act_for(request.POST)
    context = {
        "summary": deploying.summary(request.reader, request.POST),
        "equivalents": equivalents.of(
            deploying.COMMAND, deploying.params(request.reader, request.POST)
        ),
        "title": _("Summary"),
    }
    return htmx.render(
        request, "frontend/wizard_summary.html", context, fragment="frontend/parts/summary.html"
    )
