"""The zone wizard: a kind is chosen, values are mended as they are typed, then it is built."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.errors import CloudError
from frontend import cards, htmx, texts
from frontend.views.gate import administrators
from frontend.zones import defaults, jobs, parts, trial
from frontend.zones.drawing import draw
from frontend.zones.fields import KINDS
from frontend.zones.models import ZoneDraft

_LONGEST = 4096
_DRAFTS = "frontend/zones/drafts.html"


@require_http_methods(["GET", "POST"])
@administrators
def begin(request: HttpRequest) -> HttpResponse:
    """Which kind; the draft that follows has a value for everything."""
    _check_role(request)
    if request.method == "GET":
        return htmx.render(
            request, "frontend/zone_kinds.html",
            {"kinds": KINDS.values(), **cards.load(_DRAFTS, request.reader, {})},
        )  # fmt: skip
    kind = KINDS.get(request.POST.get("kind", ""))
    if kind is None:
        raise Http404
    draft = ZoneDraft.objects.create(
        kind=kind.key, values=defaults.values(kind), user=request.reader.caller.user
    )
    return htmx.redirect(request, f"/zones/wizard/{draft.uuid}")


@require_http_methods(["GET", "POST"])
@administrators
def wizard(request: HttpRequest, uuid: str) -> HttpResponse:
    """The page; sent, it begins to build or goes on where that stopped."""
    draft = _draft(request, uuid)
    caller = request.reader.caller
    if request.method == "GET":
        return _page(request, draft)
    if draft.removed:
        return htmx.redirect(request, f"/zones/wizard/{draft.uuid}")
    if not draft.is_running:
        _keep(request, draft)
        found = trial.problems(caller, draft)
        if found:
            return _page(request, draft, found, status=422)
    try:
        jobs.launch(caller, draft)
    except CloudError as error:
        return _page(request, draft, problem=texts.say(error.message), status=422)
    return htmx.redirect(request, f"/zones/wizard/{draft.uuid}")


@require_POST
@administrators
def check(request: HttpRequest, uuid: str) -> HttpResponse:
    """What was just typed is kept and tried; the answer says what is wrong at each field."""
    draft = _draft(request, uuid)
    if draft.removed or draft.is_running:
        return HttpResponse(status=204)
    _keep(request, draft)
    drawing = draw(draft, trial.problems(request.reader.caller, draft))
    if _draft(request, uuid).is_running:  # it was launched meanwhile: the fields are gone
        return HttpResponse(status=204)
    return htmx.render(
        request, "frontend/zone_wizard.html", {"drawing": drawing, "checked": True},
        fragment="frontend/zones/checked.html",
    )  # fmt: skip


@require_POST
@administrators
def discard(request: HttpRequest, uuid: str) -> HttpResponse:
    draft = _draft(request, uuid)
    try:
        jobs.discard(request.reader.caller, draft)
    except CloudError as error:
        return _page(request, draft, problem=texts.say(error.message), status=422)
    gone = not ZoneDraft.objects.filter(pk=draft.pk).exists()
    return htmx.redirect(request, "/zones" if gone else f"/zones/wizard/{draft.uuid}")


@require_GET
@administrators
def progress(request: HttpRequest, uuid: str) -> HttpResponse:
    """The part of the page that changes while the zone is being built."""
    draft = _draft(request, uuid)
    context = {"drawing": draw(draft), "suggestions": defaults.suggestions()}
    return htmx.render(
        request, "frontend/zone_wizard.html", context, fragment="frontend/zones/body.html"
    )


def _page(
    request: HttpRequest,
    draft: ZoneDraft,
    found: list[trial.Problem] | None = None,
    *,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    if found is None:
        at_rest = not (draft.removed or draft.is_running)
        found = trial.problems(request.reader.caller, draft) if at_rest else []
    context: dict[str, Any] = {
        "drawing": draw(draft, found),
        "suggestions": defaults.suggestions(),
        "problem": problem,
        "title": _("New zone"),
    }
    return htmx.render(request, "frontend/zone_wizard.html", context, status=status)


def _draft(request: HttpRequest, uuid: str) -> ZoneDraft:
    _check_role(request)
    rows = ZoneDraft.everything.all().visible_to(request.reader.caller)
    draft = rows.select_related("job", "user").filter(uuid=uuid).first()
    if draft is None or draft.kind not in KINDS:
        raise Http404
    return draft


def _check_role(request: HttpRequest) -> None:
    if not request.reader.may("createZone"):
        raise Http404


def _keep(request: HttpRequest, draft: ZoneDraft) -> None:
    """What was sent, for the fields there are; what has been made stays as it was made. A
    refusal is forgotten when one of the values behind it changes."""
    refused = draft.refused.get("part")
    blamed = {name for p in parts.of(draft) if p.key == refused for name in p.at.values()}
    locked = {f.field.name for group in draw(draft).groups for f in group.every if f.locked}
    for f in KINDS[draft.kind].fields:
        if f.name in locked:
            continue
        sent = request.POST.get(f.name, "")
        sent = sent.replace("\r\n", "\n").strip()[:_LONGEST]
        if f.name in blamed and sent != draft.values.get(f.name, ""):
            draft.refused = {}
        draft.values[f.name] = sent
    draft.save(update_fields=["values", "refused"])
