"""Why somebody may or may not use a command."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from core.commands import COMMANDS
from core.errors import CloudError
from frontend import htmx, texts
from frontend.views.gate import signed_in

#: What is looked at, as a person calls it.
CHECKS = {
    "user": _("User"),
    "account": _("Account"),
    "domain": _("Domain"),
    "role": _("Role"),
    "rule": _("Rule"),
    "setting": _("Setting"),
    "projectrole": _("Project role"),
    "object": _("The thing itself"),
    "apikey": _("API keys"),
    "address": _("Address"),
}
_ASKED = ("name", "roleid", "userid", "objectid", "address")


@require_GET
@signed_in
def explained(request: HttpRequest) -> HttpResponse:
    if not request.reader.may("explainPermission"):
        raise Http404
    asked = {name: request.GET.get(name, "").strip() for name in _ASKED}
    context: dict[str, Any] = {"asked": asked, "commands": sorted(COMMANDS)}
    if asked["name"]:
        given = {name: value for name, value in asked.items() if value}
        try:
            found = request.reader.run("explainPermission", given).record()
            context |= {"found": found, "reason": texts.say(found["reason"]),
                        "checks": [_check(c) for c in found["check"]]}  # fmt: skip
        except CloudError as error:
            context["message"] = texts.say(error.message)
    return htmx.render(request, "frontend/why.html", context, fragment="frontend/parts/why.html")


def _check(check: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": CHECKS.get(check["name"], check["name"]),
        "text": texts.say(check["text"]),
        "passed": check.get("passed"),
    }
