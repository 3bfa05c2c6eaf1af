"""The OpenAPI document: valid, whole, and what it says can be done.

That replies are what it says is checked for every command by ``test_examples``.
"""

import json
import re

import pytest
from django.test import Client
from openapi_spec_validator import OpenAPIV31SpecValidator

from accounts.services import keys
from api import signature
from core.commands import COMMANDS
from tests import factories
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def document():
    return Client().get("/api/schema").json()


def operations(document):
    return {o["operationId"]: (m, o) for p in document["paths"].values() for m, o in p.items()}


def test_it_is_valid(document):
    assert [str(e)[:300] for e in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_paths_are_paths_and_references_lead_somewhere(document):
    assert not [p for p in document["paths"] if not re.fullmatch(r"/client/api/\w+", p)]
    for ref in set(re.findall(r'"#/([^"]+)"', json.dumps(document))):
        found = document
        for part in ref.split("/"):
            found = found[part]
        assert found, ref


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


def test_two_shapes_of_one_name_are_told_apart(document):
    shapes = document["components"]["schemas"]
    assert "cpuallocatedghz" not in shapes["host"]["properties"]
    assert "cpuallocatedghz" in shapes["host-listHostsMetrics"]["properties"]


def test_maps_are_described_as_they_are_sent(document):
    _, operation = operations(document)["deployVirtualMachine"]
    form = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    (pattern,) = [p for p in form["patternProperties"] if p.startswith("^iptonetworklist")]
    assert re.search(pattern, "iptonetworklist[0].ip")
    assert not re.search(pattern, "iptonetworklist")


# -- an address for each command -------------------------------------------------------------


def signed(command, *, sends_command=False, signs_command=True, **params):
    key, secret = keys.register(factories.admin())
    params = {"apiKey": key, **params}
    covered = {**params, "command": command} if signs_command else params
    sent = {**params, "command": command} if sends_command else params
    return {**sent, "signature": signature.signature_of(secret, covered)}


@pytest.mark.parametrize("sends_command", [False, True])
@pytest.mark.parametrize("way", ["get", "post"])
def test_a_signed_call_by_address_is_the_same_call(way, sends_command):
    params = signed("listDomains", sends_command=sends_command, listall="true")
    found = getattr(Client(), way)("/client/api/listDomains", params)
    assert found.status_code == 200
    assert found.json()["listdomainsresponse"]["domain"][0]["name"] == "ROOT"


def test_a_signature_that_leaves_the_command_out_is_none():
    params = signed("listDomains", signs_command=False)
    found = Client().get("/client/api/listDomains", params)
    assert (found.status_code, list(found.json())) == (401, ["listdomainsresponse"])


def test_a_signature_for_one_address_is_none_at_another():
    params = signed("listDomains")
    assert Client().get("/client/api/listUsers", params).status_code == 401


def test_address_and_parameter_must_not_differ():
    params = signed("listDomains", sends_command=True)
    found = Client().get("/client/api/listUsers", params)
    assert found.status_code == 431
    assert "listUsers" in found.json()["listdomainsresponse"]["errortext"]


def test_a_session_calls_by_address():
    user, browser = factories.make_user(), Client()
    given = {"username": user.username, "password": PASSWORD, "domainId": user.account.domain.uuid}
    assert browser.get("/client/api/login", given).status_code == 405
    answer = browser.post("/client/api/login", given).json()["loginresponse"]
    key = {"sessionkey": answer["sessionkey"]}
    found = browser.get("/client/api/listUsers", key).json()["listusersresponse"]
    assert found["user"][0]["username"] == user.username
    made = browser.get("/client/api/createSSHKeyPair", {**key, "name": "k"})
    assert made.status_code == 400  # GET changes nothing in a session
    made = browser.post("/client/api/createSSHKeyPair", {**key, "name": "k"})
    assert made.status_code == 200


def test_another_form_of_reply_can_be_asked_for():
    found = Client().get("/client/api/listDomains", signed("listDomains", response="xml"))
    assert found["Content-Type"] == "text/xml; charset=UTF-8"


def test_an_address_of_no_command_is_refused_as_anywhere():
    assert Client().get("/client/api/noSuchCommand").status_code == 401
    assert Client().get("/client/api/noSuchCommand", signed("noSuchCommand")).status_code == 401
