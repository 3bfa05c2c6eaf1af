"""The second half of a sign-in, and the second factor on one's own page."""

from __future__ import annotations

from typing import Any

import segno
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from accounts import totp
from accounts.caller import Caller
from accounts.models import User
from accounts.services import factor_policy, sessions, two_factor
from api.dispatch import execute
from core.errors import CloudError
from frontend import texts
from frontend.middleware import SESSION_COOKIE, address_of
from frontend.views.gate import signed_in
from frontend.views.signin import dress, next_of

PROVIDERS = (
    (factor_policy.TOTP, _("An authenticator program"),
     _("Six digits that change every thirty seconds. Any program for one-time passwords will do.")),
    (factor_policy.STATIC_PIN, _("A fixed PIN"),
     _("Eight digits that stay the same: better than nothing, weaker than an authenticator.")),
)  # fmt: skip


@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
def at_sign_in(request: HttpRequest) -> HttpResponse:
    """Between the password and the first page: prove the factor, or set one up."""
    token = request.COOKIES.get(SESSION_COOKIE, "")
    caller = sessions.find(token, address_of(request), pending=True) if token else None
    if caller is None:
        return redirect("/signin")
    if not caller.session.pending:
        return redirect(next_of(request))
    done, context = answer(request, caller)
    if done and "codes" not in context:
        return dress(redirect(next_of(request)), caller.user)
    context |= {"next": next_of(request), "here": "/signin/factor"}
    _choosing_again(request, context)
    status = 403 if "error" in context else 200
    return render(request, "frontend/signin_factor.html", context, status=status)


@sensitive_post_parameters("code", "password")
@require_http_methods(["GET", "POST"])
@signed_in
def mine(request: HttpRequest) -> HttpResponse:
    """The same on one's own page; switching it off as well."""
    caller = request.reader.caller
    done, context = answer(request, caller)
    if done and "codes" not in context:
        return redirect("/me")
    context |= {"next": "/me", "here": "/me/factor"}
    _choosing_again(request, context)
    status = 422 if "error" in context else 200
    return render(request, "frontend/factor.html", context, status=status)


def _choosing_again(request: HttpRequest, context: dict[str, Any]) -> None:
    """Who has begun with one kind and not proven it may take another."""
    if request.method == "GET" and "again" in request.GET:
        context.pop("secret", None)


@sensitive_variables("given")
def answer(request: HttpRequest, caller: Caller) -> tuple[bool, dict[str, Any]]:
    """What was asked for by ``do``: set_up, prove, codes, off. Whether that ended it, and what
    the page shows."""
    what, given = request.POST.get("do", ""), request.POST
    error, codes = "", None
    was_new = not factor_policy.has_factor(_again(caller))
    try:
        if what == "set_up":
            execute(caller, "setupUserTwoFactorAuthentication", {"provider": given.get("provider")})
        elif what == "prove":
            code = {"codefor2fa": given.get("code", "")}
            execute(caller, "validateUserTwoFactorAuthenticationCode", code)
            if was_new:
                codes = execute(caller, "createUserTwoFactorRecoveryCodes").value["codes"]
        elif what == "codes":
            code = {"codefor2fa": given.get("code") or None}
            codes = execute(caller, "createUserTwoFactorRecoveryCodes", code).value["codes"]
        elif what == "off":
            about = {"password": given.get("password"), "codefor2fa": given.get("code")}
            execute(caller, "setupUserTwoFactorAuthentication", {"enable": "false", **about})
    except CloudError as refused:
        error = texts.say(refused.message)
    context = shown(_again(caller))
    context |= {"error": error} if error else {}
    context |= {"codes": codes} if codes else {}
    return what in ("prove", "codes", "off") and not error, context


def shown(user: User) -> dict[str, Any]:
    """Where the user stands. The secret is shown until a code of it has been proven."""
    context: dict[str, Any] = {
        "person": user,
        "has_factor": factor_policy.has_factor(user),
        "may_have": factor_policy.ENABLED.get(user.domain),
        "is_mandated": factor_policy.is_mandated(user.two_factor_mandated, user.domain),
        "has_password": user.source in ("native", "ldap"),
        "providers": PROVIDERS,
        "preferred": factor_policy.DEFAULT_PROVIDER.get(user.domain),
    }
    unproven = two_factor.unproven(user)
    if unproven is not None:
        provider, secret = unproven
        context |= {"provider": provider, "secret": secret}
        if provider == factor_policy.TOTP:
            issuer = factor_policy.ISSUER.get(user.domain)
            context["qr"] = _qr(totp.address(secret, user.username, issuer))
    return context


def _again(caller: Caller) -> User:
    return User.objects.select_related("second_factor", "domain").get(pk=caller.user.pk)


def _qr(text: str) -> SafeString:
    """Black on white in both themes: cameras want it so."""
    made = segno.make(text, error="m")
    svg = made.svg_inline(border=4, omitsize=True, dark="#000", light="#fff", svgclass="qr")
    return mark_safe(svg)  # drawn by the library from digits alone
