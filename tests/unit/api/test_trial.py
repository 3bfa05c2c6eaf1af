"""``dryrun=true`` answers what would happen, and nothing of it remains.

Made from the registry and the examples: every command that changes something.
"""

from __future__ import annotations

import functools
import inspect

import pytest
from django.apps import apps
from django.db import connection

from compute.models import VirtualMachine
from core.commands import COMMANDS
from tests.unit.api.examples import Example
from tests.unit.api.test_examples import EXAMPLES, on_hosts, required, stage_for

pytestmark = pytest.mark.django_db

CHANGING = sorted(
    n for n, c in COMMANDS.items()
    if not (c.listing or c.reads_only or c.anonymous or c.own_transactions)
)  # fmt: skip


#: Tables that any call changes: a key remembers when it was last used.
APART = {"accounts_apikey"}


@functools.cache
def tables() -> list[str]:
    return sorted({m._meta.db_table for m in apps.get_models(include_auto_created=True)} - APART)


def fingerprint() -> dict[str, str]:
    """Table → all its rows, as one text to compare."""
    found = {}
    with connection.cursor() as cursor:
        for table in tables():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            found[table] = repr(sorted(map(repr, cursor.fetchall())))
    return found


@pytest.mark.parametrize("name", CHANGING)
def test_nothing_of_a_trial_remains(world, name):
    example = EXAMPLES.get(name) or Example(required(COMMANDS[name]))
    stage = stage_for(example, world)
    played = example.player(stage)
    given = next(played) if inspect.isgenerator(played) else played
    before, there = fingerprint(), on_hosts(world)
    response = stage.send(name, {**given, "dryrun": "true"})
    after = fingerprint()
    assert [table for table in before if after[table] != before[table]] == []
    assert on_hosts(world) == there
    ((_, body),) = response.json().items()
    assert response.status_code == 200, body
    assert body["dryrun"] is True
    assert "jobid" not in body


def trial(world, name, **changed):
    example = EXAMPLES[name]
    stage = stage_for(example, world)
    given = next(example.player(stage))
    response = stage.send(name, {**given, **changed, "dryrun": "true"})
    ((_, body),) = response.json().items()
    return response.status_code, body, stage


def test_a_deployment_says_where_and_how(world):
    status, body, stage = trial(world, "deployVirtualMachine")
    assert status == 200
    machine = body["virtualmachine"]
    assert (machine["name"], machine["state"]) == ("web-1", "Starting")
    assert body["steps"]
    assert body["placement"]
    assert not VirtualMachine.everything.exists()
    # What was tried can be done: neither the name nor the room is taken.
    assert stage.ask("deployVirtualMachine", **next(EXAMPLES["deployVirtualMachine"].player(stage)))


def test_a_refusal_is_the_one_the_call_itself_would_get(world):
    status, body, stage = trial(world, "deployVirtualMachine", rootdisksize=10**9)
    real = stage.send(
        "deployVirtualMachine",
        {**next(EXAMPLES["deployVirtualMachine"].player(stage)), "rootdisksize": 10**9},
    )
    assert status == real.status_code >= 430
    ((_, refused),) = real.json().items()
    assert body["errortext"] == refused["errortext"]


def test_a_secret_that_was_made_in_vain_is_not_shown(world):
    stage = stage_for(Example(required(COMMANDS["createSSHKeyPair"])), world)
    response = stage.send("createSSHKeyPair", {"name": "pair", "dryrun": "true"})
    ((_, body),) = response.json().items()
    assert body["keypair"]["name"] == "pair"
    assert "privatekey" not in body["keypair"]


def test_what_reads_or_signs_in_cannot_be_tried(world):
    stage = stage_for(Example(required(COMMANDS["listZones"])), world)
    assert "dryrun" not in stage.send("listZones", {"dryrun": "true"}).json()["listzonesresponse"]
    refused = stage.send("login", {"username": "a", "password": "b", "dryrun": "true"})
    assert refused.status_code == 431
