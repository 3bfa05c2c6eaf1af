"""The API as an OpenAPI 3.1 document, made from the registry of commands.

Every command is one path, told apart by the query's ``command``, since the wire has a single
address. Authentication is either a session or a signature (see docs/api.md).
"""

from __future__ import annotations

import functools
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from api import describe, wire
from core.commands import COMMANDS, Command, Param
from core.responses import SUCCESS, Field, Response

_KINDS: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer", "format": "int32"},
    "long": {"type": "integer", "format": "int64"},
    "float": {"type": "number"},
    "double": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date-time"},
    "uuid": {"type": "string", "format": "uuid"},
}

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same call with the same key is carried out once, and answered again",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128},
}
_DRY_RUN = {
    "type": "boolean",
    "default": False,
    "description": "Answer what would happen, and change nothing",
}


@require_GET
def document(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(_bytes(), content_type="application/json; charset=UTF-8")


@functools.cache
def _bytes() -> bytes:
    return orjson.dumps(build())


def build() -> dict[str, Any]:
    shapes: dict[str, Any] = {"error": _error()}
    paths = {f"/client/api?command={n}": _path(COMMANDS[n], shapes) for n in sorted(COMMANDS)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "cloudportal", "version": wire.VERSION},
        "paths": paths,
        "components": {
            "schemas": shapes,
            "parameters": {"idempotencyKey": _IDEMPOTENCY_KEY},
            "securitySchemes": {
                "apiKey": {"type": "apiKey", "in": "query", "name": "apiKey"},
                "session": {"type": "apiKey", "in": "cookie", "name": "JSESSIONID"},
            },
        },
        "security": [{"apiKey": []}, {"session": []}],
    }


def _path(command: Command, shapes: dict[str, Any]) -> dict[str, Any]:
    operation = {
        "operationId": command.name,
        "summary": describe.first_sentence(command),
        "tags": [command.app],
        "x-roles": sorted(str(r) for r in command.roles),
        "x-async": wire.shape(command.name).is_async,
        "responses": {
            "200": {"description": "Done", **_content(_reply(command, shapes))},
            "default": {
                "description": "Refused",
                **_content({"$ref": "#/components/schemas/error"}),
            },
        },
    }
    if command.anonymous:
        operation["security"] = []
    if command.reads_only:
        operation["parameters"] = [_query(p) for p in command.params]
        return {"get": operation}
    operation["requestBody"] = {
        "content": {"application/x-www-form-urlencoded": {"schema": _form(command)}}
    }
    if _extra(command):
        operation["parameters"] = [{"$ref": "#/components/parameters/idempotencyKey"}]
    return {"post": operation}


def _form(command: Command) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {_wire_name(p): _schema(p) for p in command.params} | _extra(command),
        "required": [_wire_name(p) for p in command.params if p.required],
    }


def _extra(command: Command) -> dict[str, Any]:
    """What every command takes that changes something, beside its own parameters."""
    return {} if command.anonymous or command.own_transactions else {"dryrun": _DRY_RUN}


def _wire_name(param: Param) -> str:
    return f"{param.name}[0]" if param.kind == "map" else param.name


def _query(param: Param) -> dict[str, Any]:
    return {
        "name": _wire_name(param),
        "in": "query",
        "required": param.required,
        "description": param.help,
        "schema": _schema(param),
        **({"style": "form", "explode": False} if param.kind == "list" else {}),
    }


def _schema(param: Param) -> dict[str, Any]:
    if param.kind == "map":
        return {"type": "object", "additionalProperties": {"type": "string"}}
    if param.kind == "list":
        return {"type": "array", "items": _KINDS[param.of]}
    schema: dict[str, Any] = {**_KINDS[param.kind], "description": param.help}
    if param.kind == "string":
        schema["maxLength"] = param.max_length
    if param.choices:
        schema["enum"] = list(param.choices)
    if param.minimum is not None:
        schema["minimum"] = param.minimum
    if param.maximum is not None:
        schema["maximum"] = param.maximum
    return schema


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _reply(command: Command, shapes: dict[str, Any]) -> dict[str, Any]:
    shape = wire.shape(command.name)
    return _object({shape.envelope: _body(command, shape, shapes)})


def _body(command: Command, shape: wire.Shape, shapes: dict[str, Any]) -> dict[str, Any]:
    if shape.is_async:
        made = {"id": _KINDS["uuid"]} if shape.creates else {}
        return _object({**made, "jobid": _KINDS["uuid"]})
    record = _ref(command.response or SUCCESS, shapes)
    if command.listing or shape.is_list:
        return _object(
            {"count": {"type": "integer"}, shape.key: {"type": "array", "items": record}}
        )
    if not shape.key or command.response in (None, SUCCESS):
        return record
    return _object({shape.key: record})


def _ref(response: Response, shapes: dict[str, Any]) -> dict[str, Any]:
    if response.name not in shapes:
        shapes[response.name] = {}  # named before it is filled: shapes may hold themselves
        shapes[response.name] = _object({f.name: _field(f, shapes) for f in response.fields})
    return {"$ref": f"#/components/schemas/{response.name}"}


def _field(field: Field, shapes: dict[str, Any]) -> dict[str, Any]:
    if field.of is not None:
        return {"type": "array", "items": _ref(field.of, shapes)}
    return _KINDS.get(field.kind, {})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _error() -> dict[str, Any]:
    return _object(
        {
            "uuidList": {"type": "array"},
            "errorcode": _KINDS["integer"],
            "cserrorcode": _KINDS["integer"],
            "errortext": _KINDS["string"],
            "details": {},
        }
    )
