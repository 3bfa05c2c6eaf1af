"""The record of what happened, as a file for an auditor."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from api import dispatch
from core.errors import CloudError
from frontend import texts
from frontend.views.gate import signed_in
from jobs import audit


@require_GET
@signed_in
def exported(request: HttpRequest) -> HttpResponse:
    """As the list of events is narrowed; to those who rule nobody the file does not exist."""
    reader = request.reader
    if not reader.rules:
        raise Http404
    form = request.GET.get("format", "csv")
    given = {name: value for name, value in request.GET.items() if value}
    scope = reader.scope_params() or {"listall": "true"}
    try:
        audit.check_form(form)
        pages = dispatch.stream(reader.caller, "listEvents", {**scope, **given})
    except CloudError as error:
        context = {"title": _("That was refused"), "message": texts.say(error.message)}
        return render(request, "frontend/problem.html", context, status=422)
    return audit.answer(pages, form)
