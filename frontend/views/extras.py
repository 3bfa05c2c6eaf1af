"""Small changes made in place: tags of a thing, the rules of a role."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.errors import CloudError
from frontend import texts
from frontend.sections import SECTIONS
from frontend.views.gate import record_for, section_for, signed_in


@require_POST
@signed_in
def tags(request: HttpRequest, key: str, uuid: str) -> HttpResponse:
    section = section_for(request, key)
    record = record_for(request, section, uuid)
    about = {"resourceids": str(record["id"]), "resourcetype": section.resource_type}
    command, entry = "createTags", {
        "key": request.POST.get("key", "").strip(), "value": request.POST.get("value", "").strip(),
    }  # fmt: skip
    if request.POST.get("remove"):
        command, entry = "deleteTags", {"key": request.POST["remove"]}
    return changed(request, command, {**about, "tags": [entry]}, f"/{key}/{uuid}")


@require_POST
@signed_in
def rules(request: HttpRequest, uuid: str) -> HttpResponse:
    """Add, delete, turn or move a rule; ``do`` says which."""
    record_for(request, SECTIONS["roles"], uuid)
    what, rule = request.POST.get("do", ""), request.POST.get("rule", "")
    found = request.reader.run("listRolePermissions", {"roleid": uuid}).records or []
    order = [str(r["id"]) for r in found]
    current = next((r for r in found if str(r["id"]) == rule), None)
    command, params = "updateRolePermission", dict[str, Any](roleid=uuid)
    if what == "add":
        command = "createRolePermission"
        params |= {
            "rule": request.POST.get("pattern", "").strip(),
            "permission": request.POST.get("permission", "deny"),
            "description": request.POST.get("description", ""),
        }
    elif current is None:
        return redirect(f"/roles/{uuid}/rules")
    elif what == "delete":
        command, params = "deleteRolePermission", {"id": rule}
    elif what == "turn":
        other = "deny" if current["permission"] == "allow" else "allow"
        params |= {"ruleid": rule, "permission": other}
    else:
        params |= {"ruleorder": ",".join(_moved(order, rule, what == "down"))}
    return changed(request, command, params, f"/roles/{uuid}/rules")


@require_POST
@signed_in
def project_rules(request: HttpRequest, uuid: str) -> HttpResponse:
    """The same for a role inside a project."""
    record = record_for(request, SECTIONS["projectroles"], uuid)
    given = {"projectid": str(record["projectid"]), "projectroleid": uuid}
    what, rule = request.POST.get("do", ""), request.POST.get("rule", "")
    found = request.reader.run("listProjectRolePermissions", given).records or []
    order = [str(r["id"]) for r in found]
    current = next((r for r in found if str(r["id"]) == rule), None)
    command, params, back = "updateProjectRolePermission", given, f"/projectroles/{uuid}/rules"
    if what == "add":
        command, params = "createProjectRolePermission", given | {
            "rule": request.POST.get("pattern", "").strip(),
            "permission": request.POST.get("permission", "deny"),
            "description": request.POST.get("description", ""),
        }
    elif current is None:
        return redirect(back)
    elif what == "delete":
        command, params = "deleteProjectRolePermission", {
            "id": rule, "projectid": given["projectid"],
        }
    elif what == "turn":
        other = "deny" if current["permission"] == "allow" else "allow"
        params = given | {"projectrolepermissionid": rule, "permission": other}
    else:
        params = given | {"ruleorder": ",".join(_moved(order, rule, what == "down"))}
    return changed(request, command, params, back)


def _moved(order: list[str], rule: str, down: bool) -> list[str]:
    at = order.index(rule)
    to = max(0, min(len(order) - 1, at + (1 if down else -1)))
    order.insert(to, order.pop(at))
    return order


def changed(request: HttpRequest, command: str, params: dict[str, Any], back: str) -> HttpResponse:
    """Runs the command and goes back to the page, or says why it was refused."""
    try:
        request.reader.run(command, params)
    except CloudError as error:
        context = {"title": _("That was refused"), "message": texts.say(error.message)}
        return render(request, "frontend/problem.html", context, status=422)
    return redirect(back)
