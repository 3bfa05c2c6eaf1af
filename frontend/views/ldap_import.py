"""Making users here of users of the directory: looked at first, then done."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from core.errors import CloudError
from frontend import texts
from frontend.views.gate import signed_in

_FIELDS = ("domainid", "group", "keyword", "account", "roleid")


@require_http_methods(["GET", "POST"])
@signed_in
def imported(request: HttpRequest) -> HttpResponse:
    reader = request.reader
    if not reader.may("importLdapUsers"):
        raise Http404
    given = {name: request.POST.get(name, "").strip() for name in _FIELDS}
    wanted = {name: value for name, value in given.items() if value}
    context: dict[str, Any] = {
        "given": given,
        "domains": _choices(reader, "listDomains", "path"),
        "roles": _choices(reader, "listRoles", "name"),
    }
    what = request.POST.get("do", "")
    status = 200
    if request.method == "POST":
        try:
            dry = {} if what == "import" else {"dryrun": "true"}
            outcome = reader.run("importLdapUsers", {**wanted, **dry})
            context |= {"found": outcome.records or [], "done": what == "import"}
            context["new"] = sum(not _is_out(f) for f in context["found"])
        except CloudError as error:
            context["error"] = texts.say(error.message)
            status = 422
    return render(request, "frontend/ldap_import.html", context, status=status)


def _is_out(found: dict[str, Any]) -> bool:
    return bool(found.get("conflictingusersource") or found.get("reason"))


def _choices(reader: Any, command: str, field: str) -> list[tuple[str, str]]:
    """The first few hundred; a domain further down is imported to from its own page."""
    listall = {"listall": "true"} if command == "listDomains" else {}
    records = reader.run(command, {**listall, "page": "1", "pagesize": "200"}).records or []
    return sorted((str(r.get(field, "")), str(r["id"])) for r in records)
