"""Tickets: who may use one, once, in time (R9), and when an open console must end (R12)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.services import sessions
from api.dispatch import execute
from consoleproxy import tickets, watch
from consoleproxy.models import ConsoleSession
from core.errors import NoSuchObject, NotAllowedInState, ResourceUnavailable
from tests.factories import PASSWORD, admin_caller, caller_of, make_user, make_vm

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def vm():
    return make_vm("Running")


@pytest.fixture
def signed_in(vm):
    user = make_user(account=vm.account)
    return sessions.log_in(user.username, PASSWORD)


def redeem(ticket, session):
    return tickets.redeem(ticket, session, address="127.0.0.1", proxy="p-1")


def test_a_ticket_opens_the_console_for_who_asked_for_it(vm, signed_in):
    _, ticket = tickets.issue(signed_in.caller, vm, "vnc")
    row = redeem(ticket, signed_in.session)
    assert row.acquired
    assert row.machine == vm


def test_a_ticket_is_kept_as_a_hash_only(vm, signed_in):
    row, ticket = tickets.issue(signed_in.caller, vm, "vnc")
    assert ticket not in str(ConsoleSession.objects.filter(pk=row.pk).values().get())


def test_a_ticket_works_once(vm, signed_in):
    _, ticket = tickets.issue(signed_in.caller, vm, "vnc")
    redeem(ticket, signed_in.session)
    with pytest.raises(tickets.Refused, match="used already"):
        redeem(ticket, signed_in.session)


def test_a_ticket_is_refused_after_thirty_seconds(vm, signed_in):
    row, ticket = tickets.issue(signed_in.caller, vm, "vnc")
    assert row.expires - timezone.now() <= timedelta(seconds=30)
    ConsoleSession.objects.update(expires=timezone.now() - timedelta(seconds=1))
    with pytest.raises(tickets.Refused, match="too old"):
        redeem(ticket, signed_in.session)


def test_a_ticket_is_refused_to_another_user_and_to_another_session(vm, signed_in):
    other = sessions.log_in(make_user(account=vm.account).username, PASSWORD)
    again = sessions.start(signed_in.caller.user)
    for session, said in ((other.session, "another session"), (again.session, "another session")):
        _, ticket = tickets.issue(signed_in.caller, vm, "vnc")
        with pytest.raises(tickets.Refused, match=said):
            redeem(ticket, session)


def test_a_signed_callers_ticket_is_for_its_user_only(vm, signed_in):
    _, ticket = tickets.issue(caller_of(signed_in.caller.user), vm, "vnc")
    other = sessions.log_in(make_user(account=vm.account).username, PASSWORD)
    with pytest.raises(tickets.Refused, match="another user"):
        redeem(ticket, other.session)
    redeem(ticket, signed_in.session)


def test_an_invented_ticket_is_refused(signed_in):
    with pytest.raises(tickets.Refused, match="no such ticket"):
        redeem("x" * 43, signed_in.session)


def test_a_console_of_a_stopped_machine_is_refused_with_the_reason(signed_in, vm):
    stopped = make_vm("Stopped", account=vm.account)
    with pytest.raises(NotAllowedInState, match="Stopped; start it"):
        tickets.issue(signed_in.caller, stopped, "vnc")


def test_a_strangers_machine_looks_like_none():
    vm = make_vm("Running")
    with pytest.raises(NoSuchObject):
        execute(caller_of(make_user()), "createConsoleEndpoint", {"virtualmachineid": vm.uuid})


def test_rights_lost_since_the_ticket_refuse_it(vm, signed_in):
    _, ticket = tickets.issue(signed_in.caller, vm, "vnc")
    type(vm).objects.filter(pk=vm.pk).update(state="Stopped")
    with pytest.raises(tickets.Refused, match="not running"):
        redeem(ticket, signed_in.session)


def test_no_more_consoles_than_the_setting_allows(vm, signed_in):
    limit = {"name": "consoleproxy.session.max", "value": "1"}
    execute(admin_caller(), "updateConfiguration", limit)
    _, first = tickets.issue(signed_in.caller, vm, "vnc")
    _, second = tickets.issue(signed_in.caller, vm, "vnc")
    redeem(first, signed_in.session)
    with pytest.raises(tickets.Refused, match="full"):
        redeem(second, signed_in.session)
    with pytest.raises(ResourceUnavailable, match="All 1 console sessions"):
        tickets.issue(signed_in.caller, vm, "vnc")


@pytest.mark.parametrize("how", ["log_out", "password", "disabled", "ended", "stopped"])
def test_an_open_console_is_over_when_its_reason_is_gone(vm, signed_in, how):
    _, ticket = tickets.issue(signed_in.caller, vm, "vnc")
    row = redeem(ticket, signed_in.session)
    assert watch.over([row.pk]) == []
    user = signed_in.caller.user
    if how == "log_out":
        sessions.log_out(signed_in.session)
    elif how == "password":
        execute(admin_caller(), "updateUser", {"id": user.uuid, "password": "another One 77"})
    elif how == "disabled":
        execute(admin_caller(), "disableUser", {"id": user.uuid})
    elif how == "ended":
        execute(admin_caller(), "endConsoleSession", {"id": row.uuid})
    else:
        type(vm).objects.filter(pk=vm.pk).update(state="Stopped")
    assert watch.over([row.pk]) == [row.pk]


def test_open_consoles_are_listed_to_their_owner_and_to_administrators_only(vm, signed_in):
    _, ticket = tickets.issue(signed_in.caller, vm, "vnc")
    redeem(ticket, signed_in.session)
    ask = {"activeonly": "true", "listall": "true"}
    assert len(execute(signed_in.caller, "listConsoleSessions", ask).records) == 1
    assert len(execute(admin_caller(), "listConsoleSessions", ask).records) == 1
    assert execute(caller_of(make_user()), "listConsoleSessions", ask).records == []


def test_a_portal_that_starts_anew_carries_no_console(vm, signed_in):
    _, ticket = tickets.issue(signed_in.caller, vm, "vnc")
    redeem(ticket, signed_in.session)
    tickets.close_all_of("p")
    assert not ConsoleSession.objects.filter(removed=None).exclude(acquired=None).exists()


def test_tickets_nobody_came_with_are_dropped_and_open_consoles_are_not(vm, signed_in):
    _, used = tickets.issue(signed_in.caller, vm, "vnc")
    redeem(used, signed_in.session)
    tickets.issue(signed_in.caller, vm, "vnc")
    ConsoleSession.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert tickets.drop_stale() == 1
    assert ConsoleSession.objects.filter(removed=None).count() == 1
