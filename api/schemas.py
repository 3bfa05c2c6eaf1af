"""Replies as JSON Schema: shapes have names and are shared by all who answer them."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator
from typing import Any

from api import wire
from core.commands import COMMANDS, Command
from core.responses import SUCCESS, Field, Response

Schema = dict[str, Any]

#: Kind of a parameter or field → what it is in JSON. Dates in are more than one form.
KINDS: dict[str, Schema] = {
    "string": {"type": "string"},
    "short": {"type": "integer"},
    "integer": {"type": "integer", "format": "int32"},
    "long": {"type": "integer", "format": "int64"},
    "float": {"type": "number"},
    "double": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string"},
    "uuid": {"type": "string", "format": "uuid"},
    "list": {"type": "array", "items": {}},
    "set": {"type": "array", "items": {}},
    "map": {"type": "object"},
}

#: CloudStack's dates have no colon in the offset, so they are not JSON Schema's ``date-time``.
_DATE: Schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}$"}
_COUNT: Schema = {"type": "integer", "description": "How many there are in all"}


class Schemas:
    """The named schemas that replies are made of, as far as they were asked for."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {
            "date": _DATE,
            "job": described({"jobid": KINDS["uuid"]}, required=["jobid"]),
            "madeByJob": described(
                {"id": KINDS["uuid"], "jobid": KINDS["uuid"]}, required=["jobid"]
            ),
            "error": _error(),
            "errorReply": {
                "description": "Under the command's envelope, or errorresponse",
                "type": "object",
                "additionalProperties": _ref("error"),
                "minProperties": 1,
                "maxProperties": 1,
            },
        }

    def reply(self, command: Command) -> Schema:
        shape = wire.shape(command.name)
        body = self._body(command, shape)
        return described({shape.envelope: body}, required=[shape.envelope])

    def _body(self, command: Command, shape: wire.Shape) -> Schema:
        if shape.is_async:
            return _ref("madeByJob" if shape.creates else "job")
        record = self.record(command.response or SUCCESS)
        if command.response in (None, SUCCESS) or not shape.key:
            return record
        if command.listing or shape.is_list:
            return self._list(shape.key, record)
        return described({shape.key: record})

    def _list(self, key: str, record: Schema) -> Schema:
        """Nothing at all is an empty object; past the end there is a count alone."""
        name = record["$ref"].rpartition("/")[2] + "List"
        if key.lower() != name.removesuffix("List").partition("-")[0].lower():
            name = f"{key}-{name}"
        rows = {"type": "array", "items": record}
        self.components[name] = described({"count": _COUNT, key: rows})
        return _ref(name)

    def record(self, response: Response) -> Schema:
        name = names()[id(response)]
        if name not in self.components:
            self.components[name] = {}  # before it is filled: a shape may hold itself
            fields = {f.name: self._field(f) for f in response.fields}
            self.components[name] = described(fields)
        return _ref(name)

    def _field(self, field: Field) -> Schema:
        if field.of is not None:
            inner = self.record(field.of)
            return {"type": "array", "items": inner} if field.kind == "list" else inner
        return _ref("date") if field.kind == "date" else KINDS.get(field.kind, {})


def described(properties: dict[str, Schema], *, required: list[str] | None = None) -> Schema:
    schema: Schema = {"type": "object", "properties": properties}
    return {**schema, "required": required} if required else schema


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _error() -> Schema:
    about = {
        "uuidList": {"type": "array", "items": {}},
        "errorcode": {"type": "integer", "description": "The HTTP status, too"},
        "cserrorcode": {"type": "integer"},
        "errortext": {"type": "string", "description": "What is wrong and what to do"},
        "details": {"description": "More for programs: places and their reasons"},
    }
    return described(about, required=["errorcode", "errortext"])


# -- names of shapes ---------------------------------------------------------------------------


@functools.cache
def names() -> dict[int, str]:
    """Each shape's own name, ``host``; of several so named, the most used has it, and the
    others are called by the first command that answers them: ``host-listHostsMetrics``."""
    uses: Counter[int] = Counter()
    first: dict[int, tuple[str, Response]] = {}
    for command in sorted(COMMANDS):
        for shape in _shapes(COMMANDS[command].response or SUCCESS, set()):
            uses[id(shape)] += 1
            first.setdefault(id(shape), (command, shape))
    found: dict[int, str] = {}
    taken: set[str] = set()
    for key in sorted(first, key=lambda key: (-uses[key], first[key][0])):
        command, shape = first[key]
        found[key] = f"{shape.name}-{command}" if shape.name in taken else shape.name
        taken.add(shape.name)
    return found


def _shapes(response: Response, seen: set[int]) -> Iterator[Response]:
    if id(response) in seen:
        return
    seen.add(id(response))
    yield response
    for field in response.fields:
        if field.of is not None:
            yield from _shapes(field.of, seen)
