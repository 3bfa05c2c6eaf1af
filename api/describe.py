"""Commands and responses described for programs: what ``listApis`` and OpenAPI are made of."""

from __future__ import annotations

import functools
from typing import Any

from api import wire
from core.commands import COMMANDS, Command, Param
from core.responses import Field, Response


@functools.cache
def command(name: str) -> dict[str, Any]:
    """One entry of ``listApis``."""
    known = COMMANDS[name]
    return {
        "name": name,
        "description": first_sentence(known),
        "isasync": wire.shape(name).is_async,
        "related": related(known.response.model if known.response else None, name),
        "params": [_param(known, p) for p in known.params],
        "response": _fields(known.response) + _of_jobs(known),
        **({"since": wire.since(name)[""]} if wire.since(name).get("") else {}),
    }


def first_sentence(known: Command) -> str:
    return " ".join(known.help.split("\n\n")[0].split())


def related(model: Any, but: str = "") -> str:
    """Names of the list commands for the rows a reference points at."""
    if model is None:
        return ""
    return ",".join(n for n in _lists_of(model) if n != but)


@functools.cache
def _lists_of(model: Any) -> list[str]:
    return sorted(n for n, c in COMMANDS.items() if c.listing and c.listing.model is model)


def _param(known: Command, param: Param) -> dict[str, Any]:
    about: dict[str, Any] = {
        "name": param.name,
        "description": param.help,
        "type": param.kind,
        "length": param.max_length,
        "required": param.required,
    }
    version = wire.since(known.name).get(param.name.lower())
    if version:
        about["since"] = version
    pointed = related(param.model)
    if pointed:
        about["related"] = pointed
    return about


def _fields(response: Response | None, seen: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Fields with those of nested shapes; a shape within itself is named only."""
    if response is None:
        return []
    return [_field(f, (*seen, response.name)) for f in response.fields]


def _field(item: Field, seen: tuple[str, ...]) -> dict[str, Any]:
    about: dict[str, Any] = {"name": item.name, "description": "", "type": item.kind}
    if item.of is not None and item.of.name not in seen:
        about["response"] = _fields(item.of, seen)
    return about


def _of_jobs(known: Command) -> list[dict[str, Any]]:
    if not wire.shape(known.name).is_async:
        return []
    return [
        {"name": "jobid", "description": "The job to ask queryAsyncJobResult about",
         "type": "string"},
        {"name": "jobstatus", "description": "0 pending, 1 done, 2 failed, 3 cancelled",
         "type": "integer"},
    ]  # fmt: skip
