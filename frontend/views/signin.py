"""Signing in and out, and what the pages remember."""

from __future__ import annotations

from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.oauth import signing_in as oauth
from accounts.saml import providers as saml
from accounts.saml import signing_out
from accounts.services import forgotten, sessions
from core.config import SETTINGS
from core.errors import CloudError
from frontend import texts
from frontend.middleware import KEY_COOKIE, SESSION_COOKIE, address_of
from frontend.models import Preference
from frontend.reader import SCOPE_COOKIE
from frontend.views.gate import back, signed_in
from jobs import sign_ins

_YEAR = 365 * 86400


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.reader is not None:
        return redirect(next_of(request))
    context = {
        "next": next_of(request),
        "can_reset": forgotten.is_available(),
        "providers": oauth.offered(),
        "idps": saml.offered(),
        "username": request.POST.get("username", ""),
        "domain": request.POST.get("domain", request.GET.get("domain", "")),
    }
    if request.method != "POST":
        return render(request, "frontend/signin.html", context)
    try:
        signed = sessions.log_in(
            request.POST.get("username", "").strip(),
            request.POST.get("password", ""),
            domain_path=request.POST.get("domain", "").strip(),
            address=address_of(request),
            device=request.headers.get("User-Agent", ""),
        )
        sign_ins.came(signed.caller)
    except CloudError as error:
        context["error"] = texts.say(error.message)
        return render(
            request, "frontend/signin.html", context, status=429 if error.code == 429 else 403
        )
    return signed_in_reply(request, signed)


def signed_in_reply(
    request: HttpRequest, signed: sessions.SignedIn, wanted: str = ""
) -> HttpResponse:
    """On to the page that was wanted, by way of the second factor if one is asked for."""
    wanted = wanted or next_of(request)
    if signed.session.pending:
        response = redirect(f"/signin/factor?next={quote(wanted)}")
    else:
        response = dress(redirect(wanted), signed.caller.user)
    set_cookie(response, request, SESSION_COOKIE, signed.token)
    # The key that the query API wants beside the session, should a script of the same
    # browser call it; pages never read it.
    set_cookie(response, request, KEY_COOKIE, signed.key, path="/client")
    return response


def set_cookie(
    response: HttpResponse, request: HttpRequest, name: str, value: str, *, path: str = "/"
) -> None:
    response.set_cookie(
        name, value, path=path, httponly=True, samesite="Lax",
        secure=request.is_secure() or SETTINGS["enable.secure.session.cookie"].get(),
    )  # fmt: skip


def dress(response: HttpResponse, user: object) -> HttpResponse:
    """Language, theme and density as this person left them, on whichever machine."""
    kept = dict(
        Preference.objects.filter(user=user, key__in=("language", "theme", "density")).values_list(
            "key", "value"
        )
    )
    cookies = {"language": settings.LANGUAGE_COOKIE_NAME, "theme": "theme", "density": "density"}
    for key, value in kept.items():
        response.set_cookie(cookies[key], value, max_age=_YEAR, samesite="Lax")
    return response


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Here at once; then where the session came from, if that takes log-outs. By way of a page
    of ours: the policy lets forms end on our own origin only, redirects included."""
    token = request.COOKIES.get(SESSION_COOKIE, "")
    caller = sessions.find(token, address_of(request), pending=True) if token else None
    response = redirect("/signin")
    if caller is not None:
        sessions.log_out(caller.session)
        sign_ins.went(caller)
        onward = signing_out.farewell(caller.session)
        if onward:
            context = {"address": onward, "is_leaving": True}
            response = render(request, "frontend/onward.html", context)
        elif caller.session.source == signing_out.SOURCE:
            response = redirect("/signedout?where=here")
    response.delete_cookie(SESSION_COOKIE)
    response.delete_cookie(KEY_COOKIE, path="/client")
    response.delete_cookie(SCOPE_COOKIE)
    return response


@require_GET
def signed_out(request: HttpRequest) -> HttpResponse:
    """How far a log-out went, for those who came by an identity provider."""
    is_everywhere = request.GET.get("where") == "everywhere"
    return render(request, "frontend/signed_out.html", {"is_everywhere": is_everywhere})


def next_of(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if safe and wanted.startswith("/") else "/"


_CHOICES = {
    "language": {code for code, _name in settings.LANGUAGES},
    "theme": {"light", "dark", "system"},
    "density": {"dense", "roomy"},
    "sidebar": {"wide", "narrow"},
}


@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Language, theme, density, side bar: kept in a cookie, and for whoever is signed in."""
    response = redirect(back(request))
    for key, allowed in _CHOICES.items():
        value = request.POST.get(key, "")
        if value not in allowed:
            continue
        name = settings.LANGUAGE_COOKIE_NAME if key == "language" else key
        response.set_cookie(name, value, max_age=_YEAR, samesite="Lax")
        if request.reader is not None:
            request.reader.remember(key, value)
    if request.headers.get("X-Requested-With") == "fetch":
        quiet = HttpResponse(status=204)
        quiet.cookies = response.cookies
        return quiet
    return response


@require_POST
@signed_in
def scope(request: HttpRequest) -> HttpResponse:
    """Where to act: all one may see, a domain, an account, or a project."""
    response = redirect(back(request))
    wanted = request.POST.get("scope", "")
    if wanted.startswith("project:") or wanted and request.reader.rules:
        response.set_cookie(SCOPE_COOKIE, quote(wanted), httponly=True, samesite="Lax")
    else:
        response.delete_cookie(SCOPE_COOKIE)
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    message = _("This form was open for too long, or came from another site. Load the page again.")
    context = {"title": _("Not accepted"), "message": message, "detail": reason}
    return render(request, "frontend/problem.html", context, status=403)
