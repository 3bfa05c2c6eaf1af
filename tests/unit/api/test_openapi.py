"""The OpenAPI document: valid, whole, and true of what is answered."""

import pytest
from django.test import Client
from openapi_spec_validator import OpenAPIV31SpecValidator

from core.commands import COMMANDS

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def document():
    return Client().get("/api/schema").json()


def operations(document):
    return {o["operationId"]: (m, o) for p in document["paths"].values() for m, o in p.items()}


def test_it_is_valid(document):
    assert [str(e)[:300] for e in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_both_addresses_give_the_same():
    one, other = Client().get("/api/schema"), Client().get("/client/api/openapi.json")
    assert one.content == other.content
    assert one["Content-Type"].startswith("application/json")


def test_every_command_is_an_operation(document):
    found = operations(document)
    assert set(found) == set(COMMANDS)
    assert {n for n, (method, _) in found.items() if method == "get"} == {
        n for n, c in COMMANDS.items() if c.reads_only
    }


def test_what_changes_something_takes_a_key_and_a_trial(document):
    found = operations(document)
    _, operation = found["createZone"]
    form = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    assert form["properties"]["dryrun"]["type"] == "boolean"
    assert operation["parameters"] == [{"$ref": "#/components/parameters/idempotencyKey"}]
    assert "parameters" not in found["login"][1]
