"""One's own page: password, second factor, sessions, API keys."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.models import ApiKey, RetiredKey, User
from core.errors import CloudError
from frontend import devices, texts
from frontend.views import second_factor
from frontend.views.gate import signed_in


@require_GET
@signed_in
def me(request: HttpRequest) -> HttpResponse:
    reader = request.reader
    user = User.objects.select_related("second_factor", "domain", "account__role").get(
        pk=reader.caller.user.pk
    )
    context = {
        "person": user,
        "factor": second_factor.shown(user),
        "sessions": sessions_of(request, user),
        "key": ApiKey.objects.filter(user=user).first(),
        "retired": RetiredKey.objects.filter(user=user).order_by("until"),
        "do": f"from=users&of={user.uuid}",
    }
    return render(request, "frontend/profile.html", context)


def sessions_of(request: HttpRequest, user: User) -> list[dict[str, Any]]:
    if not request.reader.may("listSessions"):
        return []
    about = {"userid": str(user.uuid), "listall": "true", "pagesize": "100", "page": "1"}
    found = request.reader.run("listSessions", about).records or []
    return [{**s, "words": devices.words(s.get("device", ""))} for s in found]


@require_POST
@signed_in
def end_sessions(request: HttpRequest) -> HttpResponse:
    """One of them (``id``), or all but this one."""
    chosen = request.POST.get("id", "")
    try:
        if chosen:
            request.reader.run("deleteSession", {"id": chosen})
        else:
            request.reader.run("deleteOtherSessions")
    except CloudError as error:
        context = {"title": _("That was refused"), "message": texts.say(error.message)}
        return render(request, "frontend/problem.html", context, status=422)
    return redirect("/me#sessions")
