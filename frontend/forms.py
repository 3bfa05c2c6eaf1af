"""Forms made from the registry: a field is a command's parameter, so a page cannot ask for
what the API does not take, nor check it by other rules."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from core.commands import COMMANDS, Command, Param
from core.errors import CloudError
from frontend import texts
from frontend.labels import label
from frontend.reader import Reader
from frontend.sections import SECTIONS, section_of
from frontend.sections.base import Action, F, Form, Record, Section

PICK_FIRST = 50

#: What help says about another parameter is for programs; a form shows that as a field.
_OF_PARAMETERS = re.compile(r"[;；][^;；]*\b(?:domainid|roleid|accounttype)\b[^;；]*$")

#: Parameters that point at something without saying so by their type.
_KNOWN_REFERENCES = {
    "domainid": "domains", "parentdomainid": "domains", "zoneid": "zones", "roleid": "roles",
    "zoneids": "zones",
}  # fmt: skip


@dataclass
class Choice:
    value: str
    text: Any
    detail: str = ""


@dataclass
class FormField:
    """One field, ready to be drawn."""

    name: str
    label: Any
    widget: str
    help: str = ""
    value: Any = ""
    required: bool = False
    choices: list[Choice] = field(default_factory=list)
    attrs: dict[str, Any] = field(default_factory=dict)
    picker: str = ""  # section key; more choices are found as one types
    among: str = ""  # query string of the picker
    total: int = 0
    multiple: bool = False
    error: str = ""
    initial: Any = ""

    @property
    def values(self) -> list[str]:
        """Chosen values of a picker or several."""
        if isinstance(self.value, (list, tuple)):
            return [str(v) for v in self.value]
        return [v for v in str(self.value or "").split(",") if v]

    @property
    def is_on(self) -> bool:
        return str(self.value).lower() == "true"


@dataclass
class BoundForm:
    """A command's form with its values: fields in sight, folded ones, and what was refused."""

    command: Command
    fields: list[FormField]
    more: list[FormField]
    fixed: dict[str, str]
    error: str = ""
    details: Any = None

    @property
    def every(self) -> list[FormField]:
        return [*self.fields, *self.more]

    @property
    def is_seen(self) -> bool:
        return any(f.widget != "hidden" for f in self.every)

    @property
    def more_is_open(self) -> bool:
        """What was refused may be about anything that somebody filled in."""
        return any(f.error or self.error and not _same(f.value, f.initial) for f in self.more)


def bind(
    reader: Reader,
    action: Action,
    *,
    record: Record | None = None,
    data: QueryDict | Mapping[str, Any] | None = None,
    preset: Mapping[str, str] | None = None,
) -> BoundForm:
    """The form of ``action``: empty, filled from ``record``, or as somebody just sent it."""
    command = COMMANDS[action.command]
    form = action.form or Form()
    made = {}
    for spec in form.every():
        param = command.by_name.get(spec.param)
        if param is None or (param.admin_only and not reader.is_admin):
            continue
        if (spec.admin and not reader.rules) or (spec.needs and not reader.may(spec.needs)):
            continue
        made[spec.param] = _field(reader, param, spec, form, record, data, preset or {})
    names = lambda specs: [  # noqa: E731
        made[n] for n in (s.param if isinstance(s, F) else s for s in specs) if n in made
    ]
    return BoundForm(command, names(form.fields), names(form.more), dict(form.fixed))


def _field(
    reader: Reader,
    param: Param,
    spec: F,
    form: Form,
    record: Record | None,
    data: Any,
    preset: Mapping[str, str],
) -> FormField:
    initial = _initial(reader, param, spec, form, record, preset)
    value = initial if data is None else _sent(data, param, initial)
    made = FormField(
        name=param.name,
        label=spec.label or label(param.name),
        widget=spec.widget or _widget(param, spec),
        help=_help(param, spec),
        value=value,
        initial=initial,
        required=param.required or spec.required,
        attrs=_attrs(param, spec),
        multiple=param.kind == "list",
    )
    if made.widget in ("select", "radio"):
        made.choices = _choices(param, spec, made.required)
    elif made.widget == "pick":
        _fill_picker(reader, made, param, spec)
    elif isinstance(made.value, list):  # typed in one field, with commas between
        made.value = ",".join(made.value)
    return made


def _help(param: Param, spec: F) -> str:
    if not spec.help and spec.widget == "base64":  # the page encodes what the API wants encoded
        return _("A script or a cloud-init document, as text.")
    said = _OF_PARAMETERS.sub("", str(spec.help or texts.help_text(param.help)))
    return "" if said == str(spec.label or label(param.name)) else said


def _initial(
    reader: Reader,
    param: Param,
    spec: F,
    form: Form,
    record: Record | None,
    preset: Mapping[str, str],
) -> Any:
    if param.name in preset:
        return preset[param.name]
    if form.prefill and record is not None:
        value = record.get(spec.source or param.name)
        if value is not None:
            return as_text(value)
    if spec.initial is not None:
        return spec.initial(reader) if callable(spec.initial) else spec.initial
    if param.default is None or param.kind == "list":
        return ""
    return as_text(param.default)


def as_text(value: Any) -> Any:
    """A value of a record as a form holds it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "\n".join(f"{k}={v}" for k, v in value.items())
    if isinstance(value, (list, tuple)):
        if value and isinstance(value[0], Mapping) and "key" in value[0]:
            return "\n".join(f"{v['key']}={v.get('value', '')}" for v in value)
        return ",".join(str(v.get("id", "")) if isinstance(v, Mapping) else str(v) for v in value)
    return str(value)


def _widget(param: Param, spec: F) -> str:
    if spec.choices or param.choices:
        return "select"
    if _picker_of(param, spec):
        return "pick"
    if param.secret:
        return "password"
    if param.multiline:
        return "textarea"
    by_kind = {
        "boolean": "checkbox", "integer": "number", "long": "number", "float": "number",
        "date": "date", "map": "pairs",
    }  # fmt: skip
    return by_kind.get(param.kind, "text")


def _picker_of(param: Param, spec: F) -> Section | None:
    if spec.section:
        return SECTIONS.get(spec.section)
    if param.model is not None:
        return section_of(param.model)
    return SECTIONS.get(_KNOWN_REFERENCES.get(param.name, ""))


def _attrs(param: Param, spec: F) -> dict[str, Any]:
    attrs: dict[str, Any] = {}
    if param.kind in ("integer", "long", "float"):
        attrs["step"] = "any" if param.kind == "float" else "1"
        if param.minimum is not None:
            attrs["min"] = f"{param.minimum:g}"
        if param.maximum is not None:
            attrs["max"] = f"{param.maximum:g}"
    elif param.kind == "string":
        attrs["maxlength"] = str(param.max_length)
    if spec.placeholder:
        attrs["placeholder"] = spec.placeholder
    return attrs


def _choices(param: Param, spec: F, required: bool) -> list[Choice]:
    found = spec.choices or tuple((c, c) for c in param.choices)
    choices = [Choice(value, texts.help_text(text)) for value, text in found]
    nothing_yet = not required and spec.initial is None and param.default in (None, "")
    return [Choice("", "–"), *choices] if nothing_yet else choices


def _fill_picker(reader: Reader, made: FormField, param: Param, spec: F) -> None:
    section = _picker_of(param, spec)
    if section is None or not reader.may(section.list):
        made.widget = "text"
        return
    made.picker = section.key
    among = spec.among if reader.is_admin else {**spec.among, **spec.among_of_users}
    made.among = "&".join(f"{k}={v}" for k, v in among.items())
    made.choices, made.total = options(reader, section, among, keep=spec.keep)
    missing = [v for v in made.values if v not in {c.value for c in made.choices}]
    for uuid in missing:
        record = reader.one(section, uuid)
        if record:
            made.choices.insert(0, choice(section, record))
    obvious = made.required or param.name == "zoneid"
    if obvious and not made.value and made.total == 1 and not made.multiple:
        made.value = made.choices[0].value


def options(
    reader: Reader,
    section: Section,
    among: Mapping[str, str],
    keyword: str = "",
    keep: Callable[[Reader, Record], bool] | None = None,
) -> tuple[list[Choice], int]:
    """The first things to choose from, and how many there are in all."""
    wanted = {**section.picks, **among, "keyword": keyword, "page": "1",
              "pagesize": str(PICK_FIRST)}  # fmt: skip
    try:
        outcome = reader.list(section, wanted, groups=frozenset())
    except CloudError:
        return [], 0
    records = (outcome.records or [])[:PICK_FIRST]
    kept = [r for r in records if keep is None or keep(reader, r)]
    return [choice(section, r) for r in kept], outcome.count - len(records) + len(kept)


def choice(section: Section, record: Record) -> Choice:
    name = section.name_of(record)
    hints = [record.get(n) for n in ("displaytext", "domain", "zonename", "path", "oscategoryname")]
    detail = next((str(h) for h in hints if h and str(h) != name), "")
    return Choice(str(record.get("id", "")), name, detail)


# -- what was sent -----------------------------------------------------------------------


def _sent(data: Any, param: Param, initial: Any) -> Any:
    """A field that was not sent at all is as it was; of a list, that means that nothing in it
    is chosen, which browsers say by leaving it out."""
    if param.kind != "list" and param.name not in data:
        return initial
    if isinstance(data, QueryDict):
        values = data.getlist(param.name)
        if param.kind == "list":
            return [v for value in values for v in value.split(",") if v]
        return values[-1] if values else ""
    return data.get(param.name, "")


def collect(bound: BoundForm, *, changed_only: bool) -> dict[str, Any]:
    """The wire parameters of a form that was sent.

    Empty fields are left out. A form that began with today's values (``changed_only``)
    sends what differs, and a text that was emptied as empty.
    """
    given: dict[str, Any] = dict(bound.fixed)
    for f in bound.every:
        param = bound.command.by_name[f.name]
        value = pairs(f.value) if f.widget == "pairs" else f.value
        if f.widget == "rules":
            value = rule_lines(f.value)
        if f.widget == "base64" and value:
            value = b64encode(str(value).encode()).decode()
        if isinstance(value, str) and param.kind != "string":
            value = value.strip()
        if param.kind == "string" and isinstance(value, str) and not param.multiline:
            value = value.strip() if not param.secret else value
        if changed_only and not param.required:
            if _same(f.value, f.initial):
                continue
            if value == "" and param.kind != "string":
                continue
        elif (
            value in ("", [], {})
            or param.kind == "boolean"
            and not param.required
            and _same(value, _default(param))
        ):
            continue
        given[f.name] = value
    return given


def _default(param: Param) -> str:
    return "true" if param.default is True else "false"


def _same(one: Any, other: Any) -> bool:
    flat = lambda v: ",".join(v) if isinstance(v, (list, tuple)) else str(v or "")  # noqa: E731
    return flat(one).replace("\r\n", "\n").strip() == flat(other).strip()


def pairs(text: Any) -> dict[str, str]:
    """``key=value`` lines as a map."""
    lines = str(text or "").replace("\r\n", "\n").split("\n")
    split = (line.partition("=") for line in lines if line.strip())
    return {key.strip(): value.strip() for key, _, value in split if key.strip()}


def rule_lines(text: Any) -> list[dict[str, str]]:
    """Lines such as ``allow list* why`` as rules; those that begin with # are for people."""
    rules = []
    for line in str(text or "").splitlines():
        words = line.split(None, 2)
        if not words or words[0].startswith("#"):
            continue
        rule = {"permission": words[0], "rule": words[1] if len(words) > 1 else ""}
        rules.append({**rule, "description": words[2]} if len(words) > 2 else rule)
    return rules


def refuse(bound: BoundForm, error: CloudError) -> None:
    """Put a refusal where it belongs: at its field when it names one, else on top."""
    message = texts.say(error.message)
    words = error.message.replace("=", " ").replace(".", " ").replace(",", " ").split()
    for f in bound.every:
        named = words[:1] == [f.name] or any(
            a in ("parameter", "Parameter") and b == f.name
            for a, b in zip(words, words[1:], strict=False)
        )
        if named:  # people know the field by its label
            message = texts.called(message, f.name, f.label)
            f.error = message
    bound.error = _in_words(message, bound)
    bound.details = error.details


def _in_words(message: str, bound: BoundForm) -> str:
    """The message with its parameters called as the form calls them: “Disk offering” rather
    than diskofferingid. Only names that are no words are looked for."""
    labels = {name: label(name) for name in bound.command.by_name} | {
        f.name: f.label for f in bound.every
    }
    for name, said in labels.items():
        if len(name) > 4 and name.endswith(("id", "ids")):
            word = rf"(?<![A-Za-z0-9]){name}(?![A-Za-z0-9])"
            message = re.sub(word, f"“{said}”", message)
    return re.sub(r"(?<=[\u4e00-\u9fff]) (?=“)|(?<=”) (?=[\u4e00-\u9fff])", "", message)
