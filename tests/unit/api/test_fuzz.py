"""Whatever is sent, and however it is combined, nothing is a defect of ours (530)."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.db import transaction

from api import dispatch, replies
from api.renderers import JSON, XML
from core.commands import COMMANDS, Param
from core.errors import CloudError, InternalError
from tests import factories
from tests.unit.api.world import World, required_values, valid

pytestmark = pytest.mark.django_db

ROUNDS = 12
ODD = (
    "", " ", "0", "-1", "1", "9223372036854775807", "1e309", "NaN", "true", "null", "None", "%",
    "_", "*", "'", '"', "\\", "../../etc/passwd", "<script>", "机器", "é" * 40, "🙂", "a,b,,c",
    "10.1.1.1", "10.1.1.0/24", "999.1.1.1", "::1", "02:00:00:00:00:01", "http://127.0.0.1/x",
    "file:///etc/passwd", "aGVsbG8=", "ssh-ed25519 AAAA x", "2030-01-01", "x" * 255, "a\nb",
)  # fmt: skip


@pytest.fixture(scope="module")
def admin(committed):
    with committed():
        caller = factories.admin_caller()
        world = World(caller.account)
        world.fill()
        return caller, world


def odd(param: Param, world: World, dice: random.Random) -> Any:
    if param.kind == "map":
        return [{dice.choice(("key", "value", "x", "cpuNumber", "")): dice.choice(ODD)}]
    if param.choices and dice.random() < 0.6:
        return dice.choice(param.choices)
    if dice.random() < 0.4:
        return valid(param, world)
    return dice.choice(ODD)


@pytest.mark.parametrize("name", sorted(n for n, c in COMMANDS.items() if not c.anonymous))
def test_nothing_that_is_sent_is_a_defect(admin, name):
    caller, world = admin
    command = COMMANDS[name]
    dice = random.Random(name)
    for _ in range(ROUNDS):
        values = required_values(command, world)
        chosen = [p for p in command.params if dice.random() < 0.5]
        values |= {p.name: odd(p, world, dice) for p in chosen}
        with transaction.atomic():
            fault = told(caller, name, values)
            transaction.set_rollback(True)
        assert fault is None, f"{name} {values}: {fault!r}"


def told(caller, name: str, values: dict[str, Any]) -> Exception | None:
    """What went wrong that is ours; a refusal with a sentence is not."""
    try:
        reply = replies.of(dispatch.execute(caller, name, values))
        JSON.render(reply)
        XML.render(reply)
    except CloudError as error:
        is_ours = isinstance(error, InternalError) or not error.message or error.code == 530
        return error if is_ours else None
    except Exception as error:
        return error
    return None
