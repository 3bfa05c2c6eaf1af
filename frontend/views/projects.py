"""Invitations to projects: answered from a page, or by the token that was mailed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from core.errors import CloudError
from frontend import texts
from frontend.views.gate import signed_in


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@signed_in
def invitation(request: HttpRequest) -> HttpResponse:
    """Accept or decline; the project's own page opens for whoever joined."""
    sent = request.POST if request.method == "POST" else request.GET
    given = {k: sent.get(k, "").strip() for k in ("project", "token")}
    context: dict[str, object] = {**given, "asked": bool(given["project"] and given["token"])}
    if request.method == "GET":
        return _drawn(request, context)
    accept = request.POST.get("answer") != "decline"
    wanted = {"projectid": given["project"], "accept": "true" if accept else "false"}
    if given["token"]:
        wanted["token"] = given["token"]
    try:
        request.reader.run("updateProjectInvitation", wanted)
    except CloudError as error:
        return _drawn(request, context | {"error": texts.say(error.message)}, status=422)
    return redirect(f"/projects/{given['project']}" if accept else "/projects")


def _drawn(request: HttpRequest, context: dict[str, object], status: int = 200) -> HttpResponse:
    # The address may hold the token. It stays with us: every page's Referrer-Policy is same-origin.
    # Under no-referrer browsers would send the form without an Origin, and it would be refused.
    return render(request, "frontend/invitation.html", context, status=status)
