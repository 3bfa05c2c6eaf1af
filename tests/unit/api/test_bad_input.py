"""Every way a value can be wrong, for every parameter of every command.

Made from the registry. Each case must be refused with CloudStack's code and a sentence that
names the parameter, before anything is written.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.caller import Caller
from api import dispatch
from core.commands import COMMANDS, Command, Param
from core.errors import CloudError
from tests import factories
from tests.unit.api.test_strangers import writes
from tests.unit.api.world import World, required_values

pytestmark = pytest.mark.django_db

#: Read by the edge or by rules of their own, not by the parser of single values.
TOGETHER = {"page", "pagesize"}


def cases(command: Command) -> Iterator[tuple[Param, str]]:
    """(parameter, what is wrong with it)"""
    for param in command.params:
        if param.name not in TOGETHER:
            for fault in faults(param):
                yield param, fault


def faults(param: Param) -> Iterator[str]:
    kind = param.of if param.kind == "list" else param.kind
    if param.required:
        yield "missing"
    if param.required and kind != "map":
        yield "empty"
    if kind in ("integer", "long", "float", "date", "uuid"):
        yield "wrong type"
    if kind in ("string", "uuid"):
        yield "too long"
        yield "control character"
    if kind == "uuid" and param.model is not None:
        yield "unknown"
    if kind in ("integer", "long"):
        yield "beyond 64 bits"
    if kind == "map":
        yield "no map"
        yield "control character"
    if param.minimum is not None:
        yield "too small"
    if param.maximum is not None:
        yield "too large"
    if param.choices:
        yield "not a choice"


def bad(param: Param, fault: str) -> dict[str, Any]:
    """The wire parameters that carry the fault."""
    name = param.name
    if param.kind == "map" and fault == "control character":
        return {f"{name}[0].key": "bell\x07"}
    value: dict[str, Any] = {
        "empty": "",
        "wrong type": "not-such-a-value",
        "too long": "x" * (param.max_length + 1),
        "control character": "bell\x07",
        "unknown": str(uuid.uuid4()),
        "beyond 64 bits": str(2**70),
        "no map": "plain",
        "too small": str((param.minimum or 0) - 1),
        "too large": str((param.maximum or 0) + 1),
        "not a choice": "no-such-choice",
    }
    return {} if fault == "missing" else {name: value[fault]}


@pytest.fixture(scope="module")
def admin(committed):
    with committed():
        caller = factories.admin_caller()
        world = World(caller.account)
        world.fill()
        return caller, world


def refusal(caller: Caller, command: str, values: dict[str, Any], case: str = "") -> CloudError:
    try:
        dispatch.execute(caller, command, values)
    except CloudError as error:
        return error
    raise AssertionError(f"{case or values}: not refused")


@pytest.mark.parametrize("name", sorted(n for n, c in COMMANDS.items() if not c.anonymous))
def test_a_bad_value_is_refused_and_changes_nothing(admin, name):
    """All of a command's in one test: there are some six thousand."""
    caller, world = admin
    command = COMMANDS[name]
    for param, fault in cases(command):
        case = f"{name}: {param.name} {fault}"
        values = {**required_values(command, world, but=param.name), **bad(param, fault)}
        with CaptureQueriesContext(connection) as queries:
            error = refusal(caller, name, values, case)
        assert error.code == (430 if fault == "no map" else 431), f"{case}: {error.message}"
        mentioned = "key" if param.kind == "map" and fault == "control character" else param.name
        assert mentioned.lower() in error.message.lower(), f"{case}: {error.message}"
        assert not [q["sql"] for q in queries if writes(q["sql"])], case


@pytest.mark.parametrize(
    "page", [
        {"page": "1"}, {"pagesize": "10"}, {"page": "0", "pagesize": "10"},
        {"page": "1", "pagesize": "0"}, {"page": "1", "pagesize": "501"},
        {"page": "x", "pagesize": "10"}, {"page": "1", "pagesize": "-2"},
        {"page": "1", "pagesize": "-1"}, {"page": "9" * 30, "pagesize": "10"},
    ],
)  # fmt: skip
def test_odd_pages_are_refused(page):
    error = refusal(factories.admin_caller(), "listDomains", {"listall": "true", **page})
    assert error.code == 431
    assert "page" in error.message


def test_a_page_without_limit_is_allowed():
    caller = factories.admin_caller()
    found = dispatch.execute(caller, "listDomains", {"listall": "true", "pagesize": "-1"})
    assert found.count == len(found.records)
