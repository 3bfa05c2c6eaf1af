"""What gateways may ask, and sessions of gateways that fell silent."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.services import sessions
from agent.protocol import ConsoleAddress
from api.dispatch import execute
from consoleproxy import gateway, screens, tickets
from consoleproxy.models import ConsoleSession
from tests.factories import PASSWORD, admin_caller, make_user, make_vm

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def secret(settings, monkeypatch):
    settings.GATEWAY_SECRET = "s3cret"
    where = ConsoleAddress("127.0.0.1", 5901, "word")
    monkeypatch.setattr(screens.agents, "call", lambda *a: where)


@pytest.fixture
def vm():
    return make_vm("Running")


@pytest.fixture
def caller(vm):
    return sessions.log_in(make_user(account=vm.account).username, PASSWORD).caller


def ask(client, path, question, secret="s3cret"):
    return client.post(
        f"/console/gateway{path}", json.dumps(question), content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )  # fmt: skip


def redeemed(client, caller, vm):
    _, ticket = tickets.issue(caller, vm, "vnc")
    return ask(client, "", {"ticket": ticket, "host": vm.host.name.upper()})


def test_a_ticket_is_redeemed_for_the_screens_place_and_password(client, caller, vm):
    answer = redeemed(client, caller, vm).json()
    row = ConsoleSession.objects.get()
    assert answer == {
        "session": str(row.uuid), "host": "127.0.0.1", "port": 5901, "password": "word",
    }  # fmt: skip
    assert row.acquired


def test_it_is_off_without_a_secret_and_closed_with_another(client, caller, vm, settings):
    _, ticket = tickets.issue(caller, vm, "vnc")
    question = {"ticket": ticket, "host": vm.host.name}
    assert ask(client, "", question, "guess").status_code == 403
    assert ask(client, "", question, "").status_code == 403
    settings.GATEWAY_SECRET = ""
    assert ask(client, "", question, "").status_code == 404
    assert ask(client, "/session", {"session": "x"}, "").status_code == 404


def test_a_gateway_on_another_host_is_refused(client, caller, vm):
    _, ticket = tickets.issue(caller, vm, "vnc")
    assert ask(client, "", {"ticket": ticket, "host": "elsewhere"}).status_code == 403
    assert not ConsoleSession.objects.filter(removed=None).exists()


def test_a_serial_ticket_is_no_ticket_for_a_gateway(client, caller, vm):
    _, ticket = tickets.issue(caller, vm, "serial")
    assert ask(client, "", {"ticket": ticket, "host": vm.host.name}).status_code == 403


@pytest.mark.parametrize("question", [{}, {"ticket": ["a"]}, {"session": "no uuid"}, [], 7])
@pytest.mark.parametrize("path", ["", "/session"])
def test_nonsense_is_refused(client, path, question):
    assert ask(client, path, question).status_code == 403


def test_a_session_goes_on_until_it_is_ended(client, caller, vm):
    session = redeemed(client, caller, vm).json()["session"]
    assert ask(client, "/session", {"session": session}).json() == {"open": True}
    execute(admin_caller(), "endConsoleSession", {"id": session})
    assert ask(client, "/session", {"session": session}).json() == {"open": False}
    assert ConsoleSession.objects.get().removed


def test_a_session_that_the_browser_ended_is_closed(client, caller, vm):
    session = redeemed(client, caller, vm).json()["session"]
    assert ask(client, "/session", {"session": session, "ended": True}).json() == {"open": False}
    assert ConsoleSession.objects.get().removed


def test_a_gateway_may_not_touch_the_portals_own_sessions(client, caller, vm):
    row, ticket = tickets.issue(caller, vm, "vnc")
    tickets.redeem(ticket, caller.session, address="", proxy="host-1")
    assert ask(client, "/session", {"session": str(row.uuid), "ended": True}).json() == {
        "open": False
    }
    row.refresh_from_db()
    assert row.removed is None


def test_silence_closes_the_session(client, caller, vm):
    redeemed(client, caller, vm)
    assert gateway.close_silent() == 0
    long_ago = timezone.now() - timedelta(seconds=60)
    ConsoleSession.objects.update(acquired=long_ago, heard=timezone.now())
    assert gateway.close_silent() == 0
    ConsoleSession.objects.update(heard=long_ago)
    assert gateway.close_silent() == 1
    assert ConsoleSession.objects.get().removed


def test_a_machine_elsewhere_needs_a_gateway_and_says_so(caller, vm, settings):
    type(vm.host).objects.filter(pk=vm.host_id).update(link="remote")
    vm.refresh_from_db()
    made = execute(caller, "createConsoleEndpoint", {"virtualmachineid": vm.uuid}).record()
    assert made["websocket"]["gateway"]
    settings.GATEWAY_SECRET = ""
    with pytest.raises(Exception, match="gateway"):
        tickets.issue(caller, vm, "vnc")
