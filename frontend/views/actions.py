"""Doing something: a form in a drawer (or a page), one thing or many, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from api.dispatch import Outcome
from core.errors import CloudError
from frontend import equivalents, forms, htmx, menus, texts
from frontend.reader import Reader
from frontend.sections import SECTIONS
from frontend.sections.base import Action, Record, Section
from frontend.views.gate import record_for, section_for, signed_in

MOST_AT_ONCE = 500

#: Sections about projects themselves, which name theirs.
OF_PROJECTS = ("projects", "projectmembers", "projectinvitations", "projectroles")

_ENDS = ("startip", "endip", "currentstartip", "currentendip")  # of a range, in addresses


@dataclass
class Task:
    """What a request of this module is about."""

    section: Section
    action: Action
    record: Record | None
    preset: dict[str, str]
    project: str = ""  # what is made is made for it

    @property
    def title(self) -> str:
        if self.record is None:
            return str(self.action.label)
        return texts.titled(self.action.label, self.name)

    @property
    def name(self) -> str:
        """Of what: the thing, or the range of it that the address names."""
        if self.record is None:
            return ""
        ends = [self.preset[name] for name in _ENDS if name in self.preset]
        named = self.action.hidden and len(ends) == 2
        return "–".join(ends) if named else self.section.name_of(self.record)

    @property
    def verb(self) -> Any:
        """What the button under the form says: what was edited is saved."""
        return _("Save") if self.action.label == _("Edit") else self.action.label

    @property
    def back(self) -> str:
        if self.record is not None and self.section.has_detail:
            return f"/{self.section.key}/{self.record['id']}"
        return f"/{self.section.key}"


def _task(request: HttpRequest, command: str) -> Task:
    """From the address: ``from`` is the section, ``of`` the thing, ``as`` the action's key;
    the rest is filled in to the form."""
    query = request.GET
    section = section_for(request, query.get("from", ""))
    uuid, key = query.get("of", ""), query.get("as", "")
    name = f"{command}.{key}" if key else command
    among = section.actions if uuid else section.create
    action = next((a for a in among if a.name == name), None)
    if action is None or not request.reader.may(command):
        raise Http404
    record = record_for(request, section, uuid) if uuid else None
    preset = {k: v for k, v in query.items() if k not in ("from", "of", "as", "stay")}
    request.reader.act_in(record or preset)
    project = "" if section.key in OF_PROJECTS else request.reader.scope.get("projectid", "")
    return Task(section, action, record, preset, project)


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@signed_in
def do(request: HttpRequest, command: str) -> HttpResponse:
    task = _task(request, command)
    data = request.POST if request.method == "POST" else None
    bound = forms.bind(
        request.reader, task.action, record=task.record, data=data, preset=task.preset
    )
    if data is None:
        return _drawn(request, task, bound)
    try:
        outcome = request.reader.run(command, _params(task, bound))
    except CloudError as error:
        forms.refuse(bound, error)
        return _drawn(request, task, bound, status=422)
    return _done(request, task, outcome)


def _params(task: Task, bound: forms.BoundForm) -> dict[str, Any]:
    prefill = bool(task.action.form and task.action.form.prefill)
    given = forms.collect(bound, changed_only=prefill)
    given |= {k: v for k, v in task.preset.items() if k in bound.command.by_name and k not in given}
    if task.record is not None:
        given |= menus.params_of(task.action, task.record)
    elif task.project and "projectid" in bound.command.by_name and "account" not in given:
        given.setdefault("projectid", task.project)
    return given


def _drawn(
    request: HttpRequest, task: Task, bound: forms.BoundForm, status: int = 200
) -> HttpResponse:
    context = {
        "task": task,
        "form": bound,
        "equivalents": equivalents.of(bound.command.name, _params(task, bound)),
        "address": request.get_full_path(),
    }
    return htmx.render(
        request, "frontend/form.html", context, fragment="frontend/parts/form.html", status=status
    )


def _done(request: HttpRequest, task: Task, outcome: Outcome) -> HttpResponse:
    """Show what is to be seen this once; else go where the result is."""
    secrets = shown_once(outcome)
    if secrets:
        context = {"task": task, "secrets": secrets}
        return htmx.render(
            request, "frontend/secrets.html", context, fragment="frontend/parts/secrets.html"
        )
    url = None if "stay" in request.GET else _destination(task, outcome)
    if htmx.wants_fragment(request) and url is None:
        response = HttpResponse(status=204)
        return htmx.trigger(response, "done")
    return htmx.redirect(request, url or task.back)


def _destination(task: Task, outcome: Outcome) -> str | None:
    """A new thing opens; a thing that was deleted leads back to its list; else stay."""
    if task.record is None:
        value = getattr(outcome.value, "uuid", None)
        if value and task.section.has_detail and task.section.model is type(outcome.value):
            return f"/{task.section.key}/{value}"
        return None
    if task.action.danger and task.action.command.startswith(("delete", "expunge", "remove")):
        return f"/{task.section.key}"
    return None


def shown_once(outcome: Outcome) -> list[tuple[str, str]]:
    """(name, text) of what the answer holds that will not be shown again."""
    names = {
        "apikey": _("API key"), "secretkey": _("Secret key"), "privatekey": _("Private key"),
        "password": _("Password"), "token": _("Token"),
    }  # fmt: skip
    answer = outcome.value if isinstance(outcome.value, dict) else {}
    held = {**answer, **outcome.secrets}
    return [(name, str(held[key])) for key, name in names.items() if held.get(key)]


@require_GET
@signed_in
def new(request: HttpRequest, key: str) -> HttpResponse:
    """``/volumes/new``: the section's first create form, by an address one can remember."""
    section = section_for(request, key)
    action = next((a for a in section.create if request.reader.may(a.command)), None)
    if action is None:
        raise Http404
    query = urlencode({**request.GET.dict(), "from": key})
    return redirect(action.url or f"/do/{action.command}?{query}")


# -- many at once --------------------------------------------------------------------------


@dataclass
class Result:
    name: str
    id: str
    problem: str = ""
    is_job: bool = False


@require_POST
@signed_in
def bulk(request: HttpRequest, key: str, command: str) -> HttpResponse:
    """The same done to each chosen thing, one by one; each has its own result.

    A dangerous action, or one with a form, asks first (``sure`` is not sent yet).
    """
    section = section_for(request, key)
    action = next((a for a in section.actions if a.bulk and a.name == command), None)
    if action is None or not request.reader.may(action.command):
        raise Http404
    ids = list(dict.fromkeys(request.POST.getlist("id")))[:MOST_AT_ONCE]
    data = request.POST if request.POST.get("sure") else None
    bound = forms.bind(request.reader, action, data=data)
    context: dict[str, Any] = {"section": section, "action": action, "ids": ids, "form": bound}
    if action.asks and not request.POST.get("sure"):
        return htmx.render(
            request, "frontend/bulk_ask.html", context, fragment="frontend/parts/bulk_ask.html"
        )
    given = forms.collect(bound, changed_only=False)
    context["results"] = [_one(request.reader, section, action, given, uuid) for uuid in ids]
    response = htmx.render(
        request, "frontend/bulk_done.html", context, fragment="frontend/parts/bulk_done.html"
    )
    return htmx.trigger(response, "changed-many")


def _one(
    reader: Reader, section: Section, action: Action, given: dict[str, Any], uuid: str
) -> Result:
    record = reader.one(section, uuid)
    if record is None:
        return Result(uuid, uuid, _("It is not there any more."))
    result = Result(section.name_of(record), uuid)
    try:
        outcome = reader.run(action.command, {**given, **menus.params_of(action, record)})
        result.is_job = outcome.job is not None
    except CloudError as error:
        result.problem = texts.say(error.message)
    return result


# -- while a form is filled in ---------------------------------------------------------------


@require_GET
@signed_in
def pick(request: HttpRequest, key: str) -> JsonResponse:
    """More choices for a picker: those with ``q`` in their name."""
    section = SECTIONS.get(key)
    if section is None or not request.reader.may(section.list):
        raise Http404
    among = {k: v for k, v in request.GET.items() if k != "q"}
    found, total = forms.options(request.reader, section, among, request.GET.get("q", ""))
    choices = [{"value": c.value, "text": str(c.text), "detail": c.detail} for c in found]
    return JsonResponse({"choices": choices, "total": total})


@sensitive_post_parameters()
@require_POST
@signed_in
def preview(request: HttpRequest, command: str) -> HttpResponse:
    """What the form would send, in other tongues, as it is being filled in."""
    task = _task(request, command)
    bound = forms.bind(
        request.reader, task.action, record=task.record, data=request.POST, preset=task.preset
    )
    found = equivalents.of(command, _params(task, bound))
    return htmx.render(request, "frontend/parts/equivalents.html", {"equivalents": found})
