"""What happened, as a file for an auditor."""

import csv
import io
import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.services import keys
from api import dispatch, signature
from api.auditing import exported
from api.dispatch import execute
from core.errors import PermissionDenied, UnavailableCommand
from jobs import events
from jobs.models import Event
from tests.factories import (
    admin,
    admin_caller,
    caller_of,
    make_account,
    make_caller,
    make_domain,
    make_user,
    make_zone,
)

pytestmark = pytest.mark.django_db


def asked(user, **given):
    key, secret = keys.register(user)
    sent = {k: str(v) for k, v in given.items()} | {"apiKey": key}
    sent["signature"] = signature.signature_of(secret, sent)
    return Client(REMOTE_ADDR="198.51.100.4").get("/client/audit", sent)


def body(response):
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content).decode()


def table(response):
    return list(csv.DictReader(io.StringIO(body(response).removeprefix("\ufeff"))))


def test_a_call_is_told_with_who_when_from_where_and_about_what():
    user = admin()
    caller = type(caller_of(user)).of(user, address="203.0.113.7", correlation_id="abcdefgh")
    zone = make_zone()
    execute(caller, "updateZone", {"id": str(zone.uuid), "name": "north"})
    (row,) = table(asked(user, type="ZONE.EDIT"))
    assert row["username"] == "admin"
    assert row["address"] == "203.0.113.7"
    assert row["command"] == "updateZone"
    assert (row["resourcetype"], row["resourceid"], row["resourcename"]) == (
        "Zone", str(zone.uuid), "north",
    )  # fmt: skip
    assert (row["state"], row["level"], row["correlationid"]) == ("Completed", "INFO", "abcdefgh")
    assert row["created"].startswith("20")


def test_json_lines_carry_the_same():
    account = make_account()
    events.record("VM.START", "one", account=account)
    events.record("VM.STOP", "two", account=account, level="ERROR")
    found = [json.loads(line) for line in body(asked(admin(), format="jsonl")).splitlines()]
    told = [(e["type"], e["level"]) for e in found if e["type"].startswith("VM.")]
    assert told == [("VM.STOP", "ERROR"), ("VM.START", "INFO")]
    assert found[0]["domainpath"] == "ROOT"


def test_it_is_narrowed_as_the_list_is():
    account = make_account()
    events.record("VM.START", "one", account=account)
    events.record("VM.STOP", "two", account=account, level="ERROR")
    assert [r["description"] for r in table(asked(admin(), level="ERROR"))] == ["two"]
    assert [r["description"] for r in table(asked(admin(), type="VM.START"))] == ["one"]


def test_a_formula_is_text():
    events.record("VM.START", "=cmd()", account=make_account())
    (row,) = table(asked(admin(), type="VM.START"))
    assert row["description"] == "'=cmd()"


def test_administrators_of_a_domain_see_theirs_and_tenants_nothing():
    domain = make_domain()
    ruler = make_user(role_type="DomainAdmin", domain=domain)
    events.record("VM.START", "inside", account=make_account(domain=domain))
    events.record("VM.START", "outside", account=make_account())
    assert [r["description"] for r in table(asked(ruler, type="VM.START"))] == ["inside"]
    tenant = asked(make_user())
    assert tenant.status_code == 531
    assert "administrators" in tenant["X-Description"]


def test_strangers_and_wrong_forms_are_refused():
    assert Client().get("/client/audit").status_code == 401
    assert asked(admin(), format="pdf").status_code == 431
    assert asked(admin(), level="LOUD").status_code == 431


def test_a_long_record_is_read_by_key_and_whole():
    account = make_account()
    Event.objects.bulk_create(
        Event(account=account, domain=account.domain, type="T", description=str(n))
        for n in range(25)
    )
    caller = admin_caller()
    with CaptureQueriesContext(connection) as seen:
        lots = list(dispatch.stream(caller, "listEvents", {"listall": "true", "type": "T"},
                                    at_once=10))  # fmt: skip
    assert [len(lot) for lot in lots] == [10, 10, 5]
    assert [e["description"] for lot in lots for e in lot] == [str(n) for n in range(24, -1, -1)]
    assert not any("OFFSET" in q["sql"] for q in seen)


def test_it_asks_for_the_role_that_lists_events():
    with pytest.raises(UnavailableCommand):
        dispatch.stream(make_caller(), "listAlerts")


def test_tenants_cannot_reach_it_from_inside_either():
    with pytest.raises(PermissionDenied):
        exported(make_caller(), {})
