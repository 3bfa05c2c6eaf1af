"""A record that was answered, beside the fields that CloudStack's clients know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from api import wire
from core.commands import COMMANDS, Command
from core.responses import SUCCESS, Response
from tests.unit.api.test_reference import FIELDS, object_of

_REFERENCE = wire.reference()
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}\Z")
_NUMBER = (int, float)

#: Type of the reference → what it is in JSON.
_TYPES: dict[str, tuple[type, ...]] = {
    "boolean": (bool,), "int": (int,), "integer": (int,), "long": (int,), "short": (int,),
    "float": _NUMBER, "double": _NUMBER, "bigdecimal": _NUMBER, "list": (list,), "set": (list,),
    "map": (dict,), "long[]": (list,), "double[]": (list,), "string[]": (list,),
    "object": (dict, list, str), "responseobject": (dict,), "listresponse": (dict, list),
}  # fmt: skip

#: Kind of a field as it is declared → what it is in JSON.
_DECLARED: dict[str, tuple[type, ...]] = {
    "string": (str,), "uuid": (str,), "date": (str,), "boolean": (bool,), "integer": (int,),
    "long": (int,), "float": _NUMBER, "double": _NUMBER, "list": (list,), "set": (list,),
    "map": (dict,),
}  # fmt: skip

#: Fields any record may carry: a job that works on the thing.
_ALWAYS = {"jobid", "jobstatus"}

#: (shape, field) → types that are right although the reference says otherwise, and why.
OTHERWISE: dict[tuple[str, str], tuple[type, ...]] = {
    # What a job came to is whatever its command answers: text in the reference's words.
    ("asyncjobs", "jobresult"): (dict,),
    # CloudStack shows numbers of its database here; places have uuids everywhere else.
    ("simulatormock", "zoneid"): (str,),
    ("simulatormock", "podid"): (str,),
    ("simulatormock", "clusterid"): (str,),
    ("simulatormock", "hostid"): (str,),
}


def faults(name: str, record: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the record that command ``name`` answered."""
    command = COMMANDS[name]
    yield from misdeclared(command.response, record)
    entry = _REFERENCE["commands"].get(name)
    if set(record) <= {"success", "displaytext"}:
        if record.get("success") is not True:
            yield f"{record} says neither success nor a thing"
        return
    if entry is None:  # a command of ours: its own declaration is the reference
        yield from _undeclared(command, record)
        return
    known = _fields(object_of(name))
    if "success" in known and len(known) <= 2:  # CloudStack says only that it went well
        yield from _undeclared(command, record)
        return
    yield from _differing(command.response, known, record)
    yield from _lacking(command, known, record)


def _fields(shape: str) -> dict[str, tuple[str, str]]:
    """Field → (type, object) of a shape of the reference; names in lower case."""
    return {n.lower(): (t, o) for n, t, o in _REFERENCE["objects"].get(shape, [])}


def _undeclared(command: Command, record: dict[str, Any]) -> Iterator[str]:
    if command.response is None:
        return
    declared = {f.name for f in command.response.fields} | set(command.response.always)
    for name in set(record) - declared - _ALWAYS:
        yield f"{name} is not a declared field of {command.response.name}"


def _differing(
    response: Response | None, known: dict[str, tuple[str, str]], record: dict[str, Any]
) -> Iterator[str]:
    shape = response.name if response else ""
    nested = {f.name: f.of for f in response.fields} if response else {}
    for name, value in record.items():
        there = known.get(name.lower())
        if there is None:
            if name not in _ALWAYS and (shape, name.lower()) not in FIELDS:
                yield f"{shape}.{name} is not CloudStack's"
            continue
        right = OTHERWISE.get((shape, name)) or _TYPES.get(there[0], (str,))
        if there[1] and there[0].endswith("response"):
            right = (dict,)
        if not isinstance(value, right) or (isinstance(value, bool) and bool not in right):
            yield f"{shape}.{name} is {value!r}, not {there[0]}"
        elif there[0] == "date" and not _DATE.match(value):
            yield f"{shape}.{name} is {value!r}, no date of CloudStack's"
        elif there[1] and nested.get(name) is not None:
            for part in value if isinstance(value, list) else [value]:
                yield from _differing(nested[name], _fields(there[1]), part)


def misdeclared(response: Response | None, record: dict[str, Any]) -> Iterator[str]:
    """Fields that are not what ``listApis`` and OpenAPI say they are."""
    for item in response.fields if response else ():
        right = _DECLARED.get(item.kind)
        value = record.get(item.name)
        if value is None or right is None:
            continue
        if not isinstance(value, right) or (isinstance(value, bool) and bool not in right):
            yield f"{response.name}.{item.name} is {value!r}, declared {item.kind}"
        elif item.of is not None and isinstance(value, list):
            for part in value:
                yield from misdeclared(item.of, part)


def _lacking(
    command: Command, known: dict[str, tuple[str, str]], record: dict[str, Any]
) -> Iterator[str]:
    """A thing is told by its id, and by its name where it has one."""
    response = command.response
    if response is None or response is SUCCESS:
        if not {n.lower() for n in record} & set(known):
            yield "nothing of CloudStack's reply is in it"
        return
    declared = {f.name for f in response.fields}
    for name in ("id", "name"):
        if name in known and name in declared and name not in record:
            yield f"{response.name} has no {name}"
    if not {n.lower() for n in record} & set(known):
        yield f"nothing of CloudStack's {response.name} is in it"
