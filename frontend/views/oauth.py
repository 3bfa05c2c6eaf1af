"""Signing in at a provider's page and coming back. What must be remembered meanwhile is in a
sealed cookie: nothing is stored for people who are not signed in (rule R13)."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.oauth import identities
from accounts.oauth import signing_in as oauth
from accounts.services import sessions, throttle
from core import vault
from core.errors import CloudError, LoginFailed
from frontend import texts
from frontend.middleware import address_of
from frontend.views.signin import next_of, set_cookie, signed_in_reply
from jobs import sign_ins

_COOKIE = "errand"
_PATH = "/signin/oauth"
_GOOD_FOR_S = 600


@require_POST
def leave(request: HttpRequest, provider: str) -> HttpResponse:
    """Off to the provider. By way of a page of ours: the policy lets forms end on our own
    origin only, redirects included."""
    try:
        errand = identities.errand(oauth.provider_called(provider))
    except CloudError as error:
        return _refused(request, error)
    kept = {
        "provider": provider, "state": errand.state, "nonce": errand.nonce,
        "verifier": errand.verifier, "domain": request.POST.get("domain", ""),
        "next": next_of(request), "until": time.time() + _GOOD_FOR_S,
    }  # fmt: skip
    response = render(request, "frontend/onward.html", {"address": errand.address})
    set_cookie(response, request, _COOKIE, vault.seal(json.dumps(kept)), path=_PATH)
    return response


@require_GET
def back(request: HttpRequest) -> HttpResponse:
    """From the provider, with a code for this browser alone."""
    kept = _kept(request)
    given = request.GET.get("state", "")
    things = throttle.watched_source("oauth", address_of(request))
    try:
        throttle.refuse_if_paused(things)
        if kept is None or not secrets.compare_digest(given.encode(), kept["state"].encode()):
            raise LoginFailed("This sign-in was not begun here, or too long ago. Begin again.")
        if request.GET.get("error"):
            raise LoginFailed("The provider did not sign you in.")
        signed = _signed_in(request, kept)
    except CloudError as error:
        throttle.failed(things)
        return _refused(request, error)
    sign_ins.came(signed.caller)
    response = signed_in_reply(request, signed, kept["next"])
    response.delete_cookie(_COOKIE, path=_PATH)
    return response


def _signed_in(request: HttpRequest, kept: dict[str, Any]) -> sessions.SignedIn:
    identity = identities.identify(
        oauth.provider_called(kept["provider"]),
        request.GET.get("code", ""),
        nonce=kept["nonce"],
        verifier=kept["verifier"],
    )
    user = oauth.user_of(identity, sessions.domain_meant(kept["domain"]))
    return sessions.start(
        user,
        address_of(request),
        device=request.headers.get("User-Agent", ""),
        source=oauth.SOURCE,
    )


def _kept(request: HttpRequest) -> dict[str, Any] | None:
    try:
        kept: dict[str, Any] = json.loads(vault.unseal(request.COOKIES.get(_COOKIE, "")))
    except ValueError:
        return None
    return kept if kept["until"] > time.time() else None


def _refused(request: HttpRequest, error: CloudError) -> HttpResponse:
    context = {"title": _("Not signed in"), "message": texts.say(error.message)}
    response = render(request, "frontend/problem.html", context, status=403)
    response.delete_cookie(_COOKIE, path=_PATH)
    response["Referrer-Policy"] = "no-referrer"  # the address may hold a code
    return response
