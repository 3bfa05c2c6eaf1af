"""The API page: every command the reader may use, what it takes and answers, to be tried here."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from api.dispatch import Outcome, reply_to
from core.commands import COMMANDS, Command, Param
from core.errors import CloudError
from core.responses import Field, Response
from frontend import equivalents, forms, htmx, texts
from frontend.reader import Reader
from frontend.sections import SECTIONS, section_of
from frontend.sections.base import Action, F, Form
from frontend.views.details import plain
from frontend.views.gate import signed_in

#: With more references than this, only the needed ones are looked up to choose from.
_MOST_PICKERS = 8


@require_GET
@signed_in
def listed(request: HttpRequest) -> HttpResponse:
    reader: Reader = request.reader
    words = request.GET.get("q", "").casefold().split()
    shown = [c for c in usable(reader) if _has(c, words)]
    context = {
        "commands": [(c, _help(c)) for c in shown],
        "q": request.GET.get("q", ""),
        "total": len(shown),
    }
    return htmx.render(
        request, "frontend/api.html", context, fragment="frontend/parts/api.html"
    )


@require_GET
@signed_in
def command(request: HttpRequest, command: str) -> HttpResponse:
    spec = _spec(request, command)
    bound = _bound(request.reader, spec, request.GET)
    given = _given(spec, bound)
    context = {
        "spec": spec,
        "help": _help(spec),
        "details": _rest(spec),
        "form": bound,
        "params": [(p, texts.help_text(p.help), _points_at(p)) for p in spec.params],
        "fields": list(_fields(spec.response, request.reader)),
        "roles": sorted(str(role) for role in spec.roles),
        "equivalents": equivalents.of(spec.name, given, request.build_absolute_uri("/")),
        "can_be_tried": not (spec.reads_only or spec.own_transactions),
        "is_dangerous": spec.name.startswith(("delete", "destroy", "expunge", "remove")),
    }
    return htmx.render(request, "frontend/api_command.html", context)


@sensitive_post_parameters()
@require_POST
@signed_in
def lines(request: HttpRequest, command: str) -> HttpResponse:
    """The same call for ``cs`` and ``curl``, as the form is being filled in."""
    spec = _spec(request, command)
    given = _given(spec, _bound(request.reader, spec, request.POST))
    found = equivalents.of(spec.name, given, request.build_absolute_uri("/"))
    return htmx.render(request, "frontend/parts/equivalents.html", {"equivalents": found})


@dataclass
class Answer:
    """What came of a call. ``status`` is CloudStack's code, 200 when all went well."""

    status: int
    text: str
    took_ms: float
    problem: str = ""
    job: str = ""
    is_trial: bool = False


@sensitive_post_parameters()
@require_POST
@signed_in
def call(request: HttpRequest, command: str) -> HttpResponse:
    """Carries the command out, or tries it (``dryrun``), and shows the reply."""
    spec = _spec(request, command)
    bound = _bound(request.reader, spec, request.POST)
    given = _given(spec, bound)
    if request.POST.get("dryrun") == "true":
        given["dryrun"] = "true"
    answer = _called(request.reader, spec, given)
    context = {"spec": spec, "answer": answer}
    return htmx.render(
        request, "frontend/api_answer.html", context, fragment="frontend/parts/api_answer.html"
    )


def _called(reader: Reader, spec: Command, given: dict[str, Any]) -> Answer:
    begun = time.perf_counter()
    try:
        outcome = reader.run(spec.name, given)
        body = reply_to(outcome)
    except CloudError as error:
        told = {"errorcode": error.code, "cserrorcode": error.cs_code, "errortext": error.message}
        if error.details is not None:
            told["details"] = error.details
        return Answer(error.code, _json(told), _ms(begun), texts.say(error.message))
    job = str(outcome.job.uuid) if outcome.job is not None else ""
    return Answer(200, _json(body), _ms(begun), job=job, is_trial=_was_trial(outcome))


def _was_trial(outcome: Outcome) -> bool:
    return outcome.trial is not None


def _json(value: Any) -> str:
    return json.dumps(plain(value), indent=2, ensure_ascii=False)


def _ms(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000


# -- what there is -------------------------------------------------------------------------


def usable(reader: Reader) -> list[Command]:
    return [c for name, c in sorted(COMMANDS.items()) if reader.may(name) and not c.anonymous]


def _spec(request: HttpRequest, name: str) -> Command:
    spec = COMMANDS.get(name)
    if spec is None or spec.anonymous or not request.reader.may(name):
        raise Http404
    return spec


def _has(spec: Command, words: list[str]) -> bool:
    """Every word is in the name, the meaning or the name of a parameter."""
    held = " ".join([spec.name, _help(spec), *(p.name for p in spec.params)]).casefold()
    return all(word in held for word in words)


def _help(spec: Command) -> str:
    return texts.help_text(spec.help.split("\n\n")[0].replace("\n", " "))


def _rest(spec: Command) -> list[str]:
    """Paragraphs after the first."""
    return [texts.help_text(p.replace("\n", " ")) for p in spec.help.split("\n\n")[1:]]


def _points_at(param: Param) -> str:
    """The list in which a reference's rows are found."""
    section = section_of(param.model) if param.model is not None else None
    return section.list if section else ""


def _fields(
    response: Response | None, reader: Reader, depth: int = 0
) -> list[tuple[int, str, str]]:
    """(depth, name, kind) of what the reader is answered, nested shapes indented."""
    found = []
    for field in response.fields if response else ():
        if field.admin_only and not reader.is_admin:
            continue
        found.append((depth, field.name, _kind(field)))
        if field.of is not None and depth < 1:
            found += _fields(field.of, reader, depth + 1)
    return found


def _kind(field: Field) -> str:
    return _("list of {0}").format(field.of.name) if field.of is not None else field.kind


# -- the form ------------------------------------------------------------------------------


def _bound(reader: Reader, spec: Command, data: Any) -> forms.BoundForm:
    params = [p for p in spec.params if reader.is_admin or not p.admin_only]
    references = sum(p.model is not None for p in params)
    made = {p.name: _f(p, pick=p.required or references <= _MOST_PICKERS) for p in params}
    action = Action(
        spec.name, spec.name,
        form=Form(
            tuple(made[p.name] for p in params if p.required),
            tuple(made[p.name] for p in params if not p.required),
        ),
    )  # fmt: skip
    sent = data if set(data) & set(made) else None
    return forms.bind(reader, action, data=sent)


def _f(param: Param, *, pick: bool) -> F:
    """A field under the parameter's own name: this page is about the wire."""
    widget, choices = "", ()
    if param.kind == "map":
        widget = "pairs" if param.merged else "entries"
    elif param.kind == "boolean":
        widget, choices = "select", (("true", "true"), ("false", "false"))
    elif param.multiline:
        widget = "textarea"
    elif param.model is not None and not pick:
        widget = "text"
    return F(param.name, param.name, widget=widget, choices=choices, section=_section(param, pick))


def _section(param: Param, pick: bool) -> str:
    section = section_of(param.model) if pick and param.model is not None else None
    return section.key if section is not None and section.key in SECTIONS else ""


def _given(spec: Command, bound: forms.BoundForm) -> dict[str, Any]:
    given = forms.collect(bound, changed_only=False)
    for param in spec.params:
        if param.kind == "map" and not param.merged and isinstance(given.get(param.name), str):
            given[param.name] = entries(given[param.name])
    return given


def entries(text: str) -> list[dict[str, str]]:
    """A map of many entries: one on each line, ``key=env, value=prod``."""
    lines = (line for line in text.replace("\r\n", "\n").split("\n") if line.strip())
    parts = ([p.partition("=") for p in line.split(",") if p.strip()] for line in lines)
    return [{key.strip(): value.strip() for key, _sign, value in entry} for entry in parts]
