"""From wire texts to typed arguments; every way a value can be wrong, in CloudStack's words.

Names are matched in any case. Unknown ones are ignored, as CloudStack does, and so are
parameters for administrators in the hands of others; those that CloudStack knows and we do not
are ``absent``'s.
"""

from __future__ import annotations

import functools
import inspect
import re
import uuid as uuids
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from accounts.caller import Caller
from api import absent
from core.commands import Access, Command, Param
from core.errors import BadMap, InvalidParameter, MissingParameter, NoSuchObject

_CONTROL = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]")
_CONTROL_BUT_TAB = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MAP_NAME = re.compile(r"^([^\[\]]+)\[(\d+)\]\.(.+)$")
_MAP_PLAIN = re.compile(r"^([^\[\]]+)\[(\d+)\]$")
_LIMITS = {"integer": 2**31, "long": 2**63}


def lowered(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Names in lower case; of a map parameter only the part before the bracket."""
    given: dict[str, Any] = {}
    for name, value in raw.items():
        if value is None:
            continue
        head, bracket, tail = name.partition("[")
        given[head.lower() + bracket + tail] = value
    return given


def parse(caller: Caller | None, command: Command, given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments for the command's function, defaults left to the function itself."""
    absent.check(caller, command, given)
    maps = _maps(command, given)
    arguments: dict[str, Any] = {}
    own = _own(command.function)
    for param in command.params:
        if param.argument not in own:
            continue
        value = _value(caller, command, param, given, maps)
        if value is not None:
            arguments[param.argument] = value
    return arguments


@functools.cache
def _own(function: Callable[..., Any]) -> frozenset[str]:
    """Arguments the function itself takes (a listing's dispatcher takes the others)."""
    return frozenset(inspect.signature(function).parameters)


def value_of(
    caller: Caller | None, command: Command, name: str, given: Mapping[str, Any]
) -> Any:
    """One parameter by its name (for the dispatcher's own: id, ids, domainid, …)."""
    param = command.by_name.get(name)
    if param is None:
        return None
    maps = _maps(command, given) if param.kind == "map" else {}
    return _value(caller, command, param, given, maps)


def _value(
    caller: Caller | None,
    command: Command,
    param: Param,
    given: Mapping[str, Any],
    maps: Mapping[str, list[dict[str, str]]],
) -> Any:
    hidden = param.admin_only and not (caller and caller.is_root_admin)
    name = param.name.lower()
    raw = (maps if param.kind == "map" else given).get(name) if not hidden else None
    if raw is None or (isinstance(raw, str) and raw == "" and param.kind != "string"):
        if param.required:
            raise MissingParameter(command.name, param.name)
        return None
    if param.kind == "map":
        return {k: v for entry in raw for k, v in entry.items()} if param.merged else raw
    if param.kind == "list":
        parts = raw if isinstance(raw, (list, tuple)) else str(raw).split(",")
        texts = [str(p).strip() for p in parts if str(p).strip()]
        return [_scalar(caller, command, param, param.of, t) for t in texts]
    text = str(raw).lower() if isinstance(raw, bool) else str(raw)
    if param.required and not text.strip():
        raise MissingParameter(command.name, param.name)
    return _scalar(caller, command, param, param.kind, text)


def _scalar(caller: Caller | None, command: Command, param: Param, kind: str, text: str) -> Any:
    _check_text(command, param, text)
    if kind == "string":
        return _choice(command, param, text)
    if kind == "boolean":
        return text.strip().lower() == "true"
    if kind in ("integer", "long", "float"):
        return _number(command, param, kind, text.strip())
    if kind == "date":
        return date(command, param.name, text.strip())
    if kind == "uuid":
        return _reference(caller, command, param, text.strip())
    raise AssertionError(kind)


def _invalid(command: Command, detail: str) -> InvalidParameter:
    return InvalidParameter(
        f"Unable to execute API command {command.name.lower()} due to invalid value. {detail}"
    )


def _check_text(command: Command, param: Param, text: str) -> None:
    if len(text) > param.max_length:
        raise _invalid(
            command,
            f"Parameter {param.name} is {len(text)} characters long; "
            f"at most {param.max_length} are allowed",
        )
    forbidden = _CONTROL_BUT_TAB if param.multiline else _CONTROL
    if forbidden.search(text):
        raise InvalidParameter(
            f"Received value with control characters for parameter {param.name}; "
            "only line breaks are allowed"
        )


def _choice(command: Command, param: Param, text: str) -> str:
    if not param.choices:
        return text
    for choice in param.choices:
        if choice.lower() == text.strip().lower():
            return choice
    raise _invalid(
        command,
        f"Parameter {param.name} is “{text}”; it may be {', '.join(param.choices)}",
    )


def _number(command: Command, param: Param, kind: str, text: str) -> int | float:
    try:
        number = float(text) if kind == "float" else int(text)
    except ValueError:
        wanted = "a number" if kind == "float" else "a whole number"
        raise _invalid(command, f"Parameter {param.name} must be {wanted}, not “{text}”") from None
    low, high = param.minimum, param.maximum
    largest = _LIMITS["long"] - 1 if high is None and kind != "float" else high
    if number != number or number < (-_LIMITS["long"] if low is None else low):
        raise _invalid(command, f"Parameter {param.name} must be at least {low or 0:g}")
    if largest is not None and number > largest:
        raise _invalid(command, f"Parameter {param.name} must be at most {largest:g}")
    return number


def date(command: Command, name: str, text: str) -> datetime:
    """``2030-01-01T00:00:00+0000``, RFC 3339, ``yyyy-MM-dd HH:mm:ss`` or ``yyyy-MM-dd``."""
    whole_day = re.fullmatch(r"\d{4}-\d\d-\d\d", text)
    if whole_day:
        text += "T23:59:59" if name == "enddate" else "T00:00:00"
    try:
        value = parse_datetime(text)
    except ValueError:
        value = None
    if value is None:
        raise _invalid(command, f"Parameter {name} is not a date: “{text}”; use yyyy-MM-dd")
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _reference(caller: Caller | None, command: Command, param: Param, text: str) -> Any:
    model = param.model
    if model is None:  # domainid and such in a listing's scope
        return text
    if param.or_all and text == "-1":
        return None
    try:
        uuid = uuids.UUID(text)
    except ValueError:
        raise NoSuchObject(command.name, param.name, text) from None
    # A list filtered by something removed is empty; by something never known, an error.
    removed_too = command.listing and hasattr(model, "everything")
    manager = model.everything if removed_too else model._default_manager
    access = Access.READ if command.listing else param.access
    row = getattr(manager.all(), access.value)(caller).filter(uuid=uuid).first()
    if row is None:
        raise NoSuchObject(command.name, param.name, text)
    return row


def _maps(command: Command, given: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
    wanted = {p.name.lower() for p in command.params if p.kind == "map"}
    if not wanted:
        return {}
    found: dict[str, dict[int, dict[str, str]]] = {}
    for name, value in given.items():
        head = name.partition("[")[0]
        if head not in wanted:
            continue
        if isinstance(value, (list, dict)):  # from pages and the shell, already a map
            found[head] = dict(enumerate(value if isinstance(value, list) else [value]))
            continue
        entry = _MAP_NAME.match(name)
        plain = _MAP_PLAIN.match(name)
        if entry:
            found.setdefault(head, {}).setdefault(int(entry[2]), {})[entry[3]] = str(value)
        elif plain:
            found.setdefault(head, {})[int(plain[2])] = {"value": str(value)}
        else:
            raise BadMap(
                f"Parameter {head} is a map; write it as {head}[0].key=… not “{name}”"
            )
    _check_entries(command, found.values())
    return {head: [entries[i] for i in sorted(entries)] for head, entries in found.items()}


def _check_entries(command: Command, maps: Iterable[dict[int, dict[str, str]]]) -> None:
    for entries in maps:
        for entry in entries.values():
            for key, value in entry.items():
                if _CONTROL.search(str(key)) or _CONTROL.search(str(value)):
                    raise InvalidParameter(
                        f"Received value with control characters for parameter {key}; "
                        "only line breaks are allowed"
                    )
                if len(str(value)) > 4096 or len(str(key)) > 255:
                    raise _invalid(command, f"The entry {str(key)[:50]} of a map is too long")
