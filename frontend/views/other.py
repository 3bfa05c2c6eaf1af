"""Pages of their own kind: needs attention, the API, oneself, the icons, what went wrong."""

from __future__ import annotations

import logging
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_POST

from core.errors import CloudError
from frontend import htmx, icons, texts
from frontend.sections import SECTIONS
from frontend.views.gate import administrators
from jobs.models import Trouble

#: What a registered repair does, as its button says it.
REPAIRS = {
    "domain.remove": gettext_lazy("Remove it from the host"),
    "vm.declare_stopped": gettext_lazy("Declare the instance stopped"),
    "jobs.retry_now": gettext_lazy("Try again now"),
    "storage.delete_leftovers": gettext_lazy("Delete the leftover files"),
    "storage.expunge_again": gettext_lazy("Delete it again"),
}

log = logging.getLogger(__name__)


@require_GET
@administrators
def attention(request: HttpRequest) -> HttpResponse:
    """What the reconciler found and would not mend by itself, with its evidence."""
    found = Trouble.objects.all().visible_to(request.reader.caller).filter(closed=None)
    context = {
        "troubles": [_shown(t) for t in found.order_by("-last_seen")[:200]],
        "may_repair": request.reader.may("repairTrouble"),
    }
    return htmx.render(
        request, "frontend/attention.html", context, fragment="frontend/parts/attention.html"
    )


def _shown(trouble: Trouble) -> dict[str, object]:
    section = next(
        (s for s in SECTIONS.values() if s.model and s.model.__name__ == trouble.resource_type),
        None,
    )
    return {
        "row": trouble,
        "sentence": texts.say(trouble.sentence),
        "section": section,
        "url": f"/{section.key}/{trouble.resource_uuid}" if section else "",
        "evidence": sorted(trouble.evidence.items()),
        "repair": REPAIRS.get(trouble.repair, trouble.repair),
    }


@require_POST
@administrators
def repair(request: HttpRequest, uuid: str) -> HttpResponse:
    try:
        request.reader.run("repairTrouble", {"id": uuid})
    except CloudError as error:
        context = {"title": _("It could not be repaired"), "message": texts.say(error.message)}
        return render(request, "frontend/problem.html", context, status=422)
    return htmx.redirect(request, "/attention")


@require_GET
@cache_control(public=True, max_age=31536000, immutable=True)
def sprite(request: HttpRequest) -> HttpResponse:
    return HttpResponse(icons.sprite(), content_type="image/svg+xml")


# -- what went wrong ---------------------------------------------------------------------


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    context = {
        "title": _("Not found"),
        "message": _("There is nothing at this address, or it is not yours to see."),
    }
    return render(request, "frontend/problem.html", context, status=404)


def failed(request: HttpRequest) -> HttpResponse:
    """A defect of ours: the log has everything under the reference that the reader gets."""
    reference = str(uuid4())[:8]
    log.error("page %s failed, reference %s", request.path, reference)
    context = {
        "title": _("Something broke on our side"),
        "message": _("Nothing that you typed is at fault. Tell your administrator this reference:"),
        "detail": reference,
    }
    return render(request, "frontend/problem.html", context, status=500)
