"""Back from an identity provider of SAML, with what it said and what this browser kept."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.saml import settings, signing_in
from core.errors import CloudError
from frontend import texts
from frontend.middleware import address_of
from frontend.views.signin import signed_in_reply
from jobs import sign_ins

COOKIE, PATH = "saml", "/signin/saml"


@require_GET
def back(request: HttpRequest) -> HttpResponse:
    try:
        signed = signing_in.log_in(
            signing_in.Proof.opened(request.GET.get("proof", "")),
            request.COOKIES.get(COOKIE, ""),
            address=address_of(request),
            device=request.headers.get("User-Agent", ""),
        )
    except CloudError as error:
        context = {"title": _("Not signed in"), "message": texts.say(error.message)}
        return render(request, "frontend/problem.html", context, status=403)
    sign_ins.came(signed.caller)
    wanted = settings.REDIRECT_URL.get()
    is_ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    response = signed_in_reply(request, signed, wanted if is_ours else "/")
    response.delete_cookie(COOKIE, path=PATH)
    return response
