"""A forgotten password: asking for the link, and choosing a new one with it."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.services import forgotten
from api.dispatch import Visitor, execute
from core.errors import CloudError
from frontend import texts
from frontend.middleware import address_of


@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Says the same whether there is such a user or not."""
    if not forgotten.is_available():
        raise Http404
    given = {name: request.POST.get(name, "").strip() for name in ("username", "domain")}
    context = {**given, "title": _("Forgotten password")}
    if request.method != "POST":
        return render(request, "frontend/forgotten.html", context)
    try:
        execute(Visitor(address_of(request)), "forgotPassword", given)
    except CloudError as error:
        context["error"] = texts.say(error.message)
        return render(request, "frontend/forgotten.html", context, status=error.code)
    context["done"] = _(
        "If there is such a user with an e-mail address, a link is on its way. It is good for a "
        "short while only."
    )
    return render(request, "frontend/forgotten.html", context)


@sensitive_post_parameters("token", "password", "again")
@require_http_methods(["GET", "POST"])
def choose(request: HttpRequest) -> HttpResponse:
    if not forgotten.is_available():
        raise Http404
    source = request.POST if request.method == "POST" else request.GET
    given = {name: source.get(name, "") for name in ("username", "domain", "token")}
    context = {**given, "title": _("New password")}
    password = request.POST.get("password", "")
    if request.method == "POST" and password != request.POST.get("again", ""):
        context["error"] = _("The two passwords differ.")
    elif request.method == "POST":
        try:
            execute(Visitor(address_of(request)), "resetPassword", {**given, "password": password})
            context["done"] = _("Your new password counts from now on. All sessions were ended.")
        except CloudError as error:
            context["error"] = texts.say(error.message)
    # The address holds the token. It stays with us: every page's Referrer-Policy is same-origin.
    # Under no-referrer browsers would send the form without an Origin, and it would be refused.
    status = 422 if "error" in context else 200
    return render(request, "frontend/forgotten.html", context, status=status)
