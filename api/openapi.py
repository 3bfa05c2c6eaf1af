"""The API as an OpenAPI 3.1 document, made from the registry of commands.

Every command has a path of its own, ``/client/api/<command>``, which answers as ``/client/api``
with ``command=…`` does, but JSON unless told otherwise. Replies are described by ``api.schemas``.
"""

from __future__ import annotations

import functools
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from api import describe, wire
from api.schemas import KINDS, Schema, Schemas
from core.commands import COMMANDS, Command, Param

_ABOUT = """\
CloudStack's query API. Each path stands for one command and equals a call of `/client/api` with
`command=<name>`, in JSON unless `response=xml` says otherwise. Reading commands are described as
GET and the others as POST; POST works for all of them.

**Signature.** Beside `apiKey`, send `signature`: all other parameters and `command=<name>`, as
`name=value` with percent-encoded values, sorted by name, joined with `&`, all in lower case;
its HMAC-SHA1 by the secret key, in base64.

**Session.** `login` answers `sessionkey` and sets the cookies `JSESSIONID` and `sessionkey`; later
calls send both cookies, and the key as a parameter too.

A command of which `x-async` is true answers with a job; ask `queryAsyncJobResult` what came of it.
"""

_IDEMPOTENCY_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same call with the same key is carried out once, and answered again",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128},
}
_DRY_RUN: Schema = {
    "type": "boolean",
    "default": False,
    "description": "Answer what would happen, and change nothing",
}

#: Status → what it says, and whether only commands that change something answer it.
_REFUSALS: dict[str, tuple[str, bool]] = {
    "400": ("No command, or GET for a change in a session", True),
    "401": ("Who calls is not proven", False),
    "429": ("Too many calls", False),
    "430": ("A map parameter without an index", False),
    "431": ("A parameter is missing, wrong or unknown, or the state does not allow it", False),
    "432": ("There is no such command for this role", False),
    "511": ("The second factor is still to be proven", False),
    "530": ("A defect; the text names the reference to look for in the log", False),
    "531": ("This caller may not do that to this thing", False),
    "532": ("A limit of the account is reached", True),
    "533": ("No place has the capacity; the details say why, place by place", True),
    "534": ("A host or the database does not answer now", False),
    "535": ("A limit of a resource is reached", True),
    "536": ("Still in use; the text says by what", True),
    "537": ("Rules contradict each other", True),
}


@require_GET
def document(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(_bytes(), content_type="application/json; charset=UTF-8")


@functools.cache
def _bytes() -> bytes:
    return orjson.dumps(build())


def build() -> dict[str, Any]:
    schemas = Schemas()
    paths = {f"/client/api/{n}": _path(COMMANDS[n], schemas) for n in sorted(COMMANDS)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "cloudportal", "version": wire.VERSION, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": app} for app in sorted({c.app for c in COMMANDS.values()})],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "parameters": {"idempotencyKey": _IDEMPOTENCY_KEY},
            "responses": {_refusal(code): _refused(text) for code, (text, _) in _REFUSALS.items()},
            "securitySchemes": _security_schemes(),
        },
        "security": [
            {"apiKey": [], "signature": []},
            {"session": [], "sessionCookie": [], "sessionKey": []},
        ],
    }


def _security_schemes() -> dict[str, Schema]:
    places = {
        "apiKey": ("query", "apiKey"),
        "signature": ("query", "signature"),
        "session": ("cookie", "JSESSIONID"),
        "sessionCookie": ("cookie", "sessionkey"),
        "sessionKey": ("query", "sessionkey"),
    }
    return {
        key: {"type": "apiKey", "in": where, "name": name} for key, (where, name) in places.items()
    }


def _refusal(code: str) -> str:
    return f"refused{code}"


def _refused(text: str) -> Schema:
    return {"description": text, **_content({"$ref": "#/components/schemas/errorReply"})}


# -- commands --------------------------------------------------------------------------------


def _path(command: Command, schemas: Schemas) -> Schema:
    operation: Schema = {
        "operationId": command.name,
        "summary": describe.first_sentence(command),
        "description": command.help,
        "tags": [command.app],
        "x-roles": sorted(str(r) for r in command.roles),
        "x-async": wire.shape(command.name).is_async,
        "responses": {"200": _done(command, schemas), **_refusals(command)},
    }
    if command.anonymous:
        operation["security"] = []
    if command.reads_only:
        operation["parameters"] = [_query(p) for p in command.params]
        return {"get": operation}
    operation["requestBody"] = {
        "required": any(p.required for p in command.params),
        "content": {"application/x-www-form-urlencoded": _form(command)},
    }
    if _extra(command):
        operation["parameters"] = [{"$ref": "#/components/parameters/idempotencyKey"}]
    return {"post": operation}


def _done(command: Command, schemas: Schemas) -> Schema:
    return {"description": "Done", **_content(schemas.reply(command))}


def _refusals(command: Command) -> dict[str, Schema]:
    return {
        code: {"$ref": f"#/components/responses/{_refusal(code)}"}
        for code, (_, only_changes) in _REFUSALS.items()
        if not (only_changes and command.reads_only)
    }


def _content(schema: Schema) -> Schema:
    return {"content": {"application/json": {"schema": schema}}}


# -- parameters ------------------------------------------------------------------------------


def _form(command: Command) -> Schema:
    """A form's names; those of maps carry an index and so are patterns: ``tags[0].key``."""
    plain = [p for p in command.params if p.kind != "map"]
    maps = [p for p in command.params if p.kind == "map"]
    schema: Schema = {
        "type": "object",
        "properties": {p.name: _schema(p) for p in plain} | _extra(command),
    }
    if required := [p.name for p in plain if p.required]:
        schema["required"] = required
    if maps:
        schema["patternProperties"] = {k: v for p in maps for k, v in _entries(p).items()}
    lists = [p.name for p in plain if p.kind == "list"]
    encoding = {name: {"style": "form", "explode": False} for name in lists}
    return {"schema": schema, **({"encoding": encoding} if encoding else {})}


def _extra(command: Command) -> dict[str, Schema]:
    """What every command takes that changes something, beside its own parameters."""
    return {} if command.anonymous or command.own_transactions else {"dryrun": _DRY_RUN}


def _query(param: Param) -> Schema:
    found: Schema = {
        "name": param.name,
        "in": "query",
        "required": param.required,
        "description": param.help,
        "schema": _schema(param),
    }
    if param.kind == "list":
        return {**found, "style": "form", "explode": False}
    if param.kind == "map":  # each of its entries is a parameter of its own
        return {**found, "style": "form", "explode": True}
    return found


def _schema(param: Param) -> Schema:
    if param.kind == "map":
        return {"type": "object", "patternProperties": _entries(param)}
    if param.kind == "list":
        items = {} if param.of in ("map",) else KINDS[param.of]
        return {"type": "array", "items": items, "description": param.help}
    schema: Schema = {**KINDS[param.kind], "description": param.help}
    if param.kind == "string":
        schema["maxLength"] = param.max_length
    if param.choices:
        schema["enum"] = list(param.choices)
    if param.minimum is not None:
        schema["minimum"] = param.minimum
    if param.maximum is not None:
        schema["maximum"] = param.maximum
    return schema


def _entries(param: Param) -> dict[str, Schema]:
    name = rf"^{param.name}\[\d+\](\..+)?$"
    return {name: {"type": "string", "description": param.help}}
