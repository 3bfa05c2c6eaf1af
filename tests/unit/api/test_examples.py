"""Every command over HTTP: what it answers beside CloudStack's fields, and that it does something.

How to add an example: ``tests/unit/api/examples/__init__.py``.
"""

from __future__ import annotations

import functools
import inspect
import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from jsonschema import Draft202012Validator

from api import openapi, wire
from core.commands import COMMANDS, Command
from tests import factories
from tests.unit.api import examples
from tests.unit.api.examples import Example
from tests.unit.api.examples.fields import faults
from tests.unit.api.examples.stage import Stage
from tests.unit.api.test_strangers import writes
from tests.unit.api.world import required_values

pytestmark = pytest.mark.django_db

EXAMPLES = examples.load()

#: Written by every call, whatever it does: the record of it.
BOOKS = ("jobs_", "accounts_session", "django_")


def stage_for(example: Example, sim: Any) -> Stage:
    """A tenant in a domain of its own; the caller is the root administrator, or the tenant."""
    domain = factories.make_domain()
    kind = "User" if example.role == "Admin" else example.role
    user = factories.make_user(role_type=kind, domain=domain)
    caller = factories.admin() if example.role == "Admin" else user
    return Stage(user.account, caller, sim)


def required(command: Command):
    """What a command without an entry is called with."""

    def player(stage: Stage) -> dict[str, Any]:
        given = required_values(command, stage)
        if command.listing is None:
            return given
        row = stage.row(command.listing.model)
        if command.listing.scoped:
            given["listall"] = "true"
        return {**given, "id": row} if "id" in command.by_name else given

    return player


def on_hosts(sim: Any) -> str:
    """All that simulated hosts hold, as one text to compare."""
    kinds = ("domains", "files", "pools", "images", "stores", "routers", "bridges")
    return repr({k: {g: sim.ledger.group(k, g) for g in sim.ledger.groups(k)} for k in kinds})


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_an_example(world, name):
    command = COMMANDS[name]
    example = EXAMPLES.get(name) or Example(required(command))
    stage = stage_for(example, world)
    played = example.player(stage)
    given = next(played) if inspect.isgenerator(played) else played
    before = on_hosts(world)
    with CaptureQueriesContext(connection) as queries:
        response = stage.send(name, given)
        if example.redirects or example.refused:
            _check_other(example, response)
            return
        body = _body(name, response)
        answered = stage.answer(name, body)
    _check_shape(name, body)
    described = [e.message for e in schema_of(name).iter_errors(response.json())]
    assert not described, f"the OpenAPI document says otherwise: {described[:3]}"
    records = answered if isinstance(answered, list) else [answered]
    if command.listing:
        assert records, "the list does not show the row it was asked for"
    for record in records:
        assert not list(faults(name, record)), json.dumps(record)
    if not (command.reads_only or example.effect):
        assert _wrote(queries) or on_hosts(world) != before, "nothing came of it"
    if inspect.isgenerator(played):
        with pytest.raises(StopIteration):
            played.send(answered)


@functools.cache
def _document() -> dict[str, Any]:
    return openapi.build()


def schema_of(name: str) -> Draft202012Validator:
    """What the OpenAPI document says that the command answers when all goes well."""
    (operation,) = _document()["paths"][f"/client/api/{name}"].values()
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": _document()["components"]})


def _check_other(example: Example, response: Any) -> None:
    """The few commands that are for browsers that come from elsewhere."""
    if example.redirects:
        assert response.status_code == 303, response.content
        assert response["Location"].startswith(example.redirects)
    else:
        assert response.status_code in (431, 531), response.content
        assert example.refused in response.content.decode()


def _body(name: str, response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.json()
    ((envelope, body),) = response.json().items()
    assert envelope == wire.shape(name).envelope
    return body


def _check_shape(name: str, body: dict[str, Any]) -> None:
    shape = wire.shape(name)
    if shape.is_async:
        assert set(body) == ({"id", "jobid"} if shape.creates and "id" in body else {"jobid"})
    elif shape.is_list:
        assert set(body) <= {"count", shape.key}
        assert body.get("count", 0) >= len(body.get(shape.key, []))
    elif shape.key:
        assert set(body) == {shape.key} or body.get("success") is True


def _wrote(queries: CaptureQueriesContext) -> list[str]:
    found = [q["sql"] for q in queries if writes(q["sql"])]
    return [sql for sql in found if not any(book in _table(sql) for book in BOOKS)]


def _table(sql: str) -> str:
    words = sql.replace('"', " ").replace("`", " ").split()
    after = {"INSERT": 2, "UPDATE": 1, "DELETE": 2, "REPLACE": 2}
    return words[after.get(words[0].upper(), 1)]


def test_no_example_is_left_of_a_command_that_is_gone():
    assert set(EXAMPLES) <= set(COMMANDS)
