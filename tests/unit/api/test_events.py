"""Events: every write leaves one of the right type, refusals too, and an auditor can read them."""

import pytest

from api.dispatch import execute
from core.commands import COMMANDS
from core.errors import InvalidParameter, NotAllowedInState
from jobs.models import Event
from jobs.worker import run_everything
from tests.factories import (
    admin_caller,
    caller_of,
    make_account,
    make_caller,
    make_vm,
    make_zone,
)
from tests.unit.api.event_types import OURS, THEIRS

WRITES = sorted(n for n, c in COMMANDS.items() if not c.reads_only and not c.anonymous)

#: Writes that leave no event, and why.
SILENT = {
    "archiveEvents": "what is put away is not put on the list again",
    "deleteEvents": "what is put away is not put on the list again",
    "cleanupSimulatorMock": "of the simulator's own world",
    "configureSimulator": "of the simulator's own world",
    "logout": "leaves USER.LOGOUT by itself",
    "searchLdap": "asks a directory and changes nothing",
    "updateResourceCount": "counts, and changes nothing that anybody made",
}


def test_the_types_are_cloudstacks_540():
    assert len(THEIRS) == 540
    assert not set(OURS) & THEIRS


@pytest.mark.parametrize("name", WRITES)
def test_a_write_has_an_event_type_that_clients_know(name):
    event = COMMANDS[name].event
    if not event:
        assert name in SILENT, "give the command its event= (see tests/unit/api/event_types.py)"
        return
    assert event in THEIRS or event in OURS, (
        f"{event} is none of CloudStack's types; if it has none for this, add it to OURS in "
        "tests/unit/api/event_types.py with the reason"
    )


def test_the_lists_hold_nothing_that_is_gone():
    used = {c.event for c in COMMANDS.values()}
    assert set(OURS) <= used


# -- pairs -----------------------------------------------------------------------------


def ask(caller, command, **given):
    return execute(caller, command, {k: str(v) for k, v in given.items()})


@pytest.mark.django_db
def test_a_job_leaves_three_events_tied_together(world):
    caller = make_caller()
    vm = make_vm("Running", account=caller.account, world=world)
    outcome = ask(caller, "stopVirtualMachine", id=vm.uuid)
    run_everything()
    found = ask(caller, "listEvents", type="VM.STOP").records[::-1]
    assert [(e["state"], e["level"]) for e in found] == [
        ("Scheduled", "INFO"), ("Started", "INFO"), ("Completed", "INFO"),
    ]  # fmt: skip
    begin = found[0]["id"]
    assert {e.get("parentid") for e in found[1:]} == {begin}
    assert {e["correlationid"] for e in found} == {outcome.job.correlation_id}
    assert {e["jobid"] for e in found} == {outcome.job.uuid}
    assert ask(caller, "listEvents", startid=begin).count == 3
    assert {e["resourceid"] for e in found} == {vm.uuid}


@pytest.mark.django_db
def test_an_event_names_the_job_also_where_it_had_ended_at_once():
    caller = make_caller()
    outcome = ask(caller, "createAffinityGroup", name="apart", type="host anti-affinity")
    (event,) = ask(caller, "listEvents", type="AG.CREATE").records
    assert event["jobid"] == outcome.job.uuid
    ask(caller, "createSSHKeyPair", name="key")  # needs no job, there as here
    (event,) = ask(caller, "listEvents", type="REGISTER.SSH.KEYPAIR").records
    assert "jobid" not in event


# -- refusals --------------------------------------------------------------------------


@pytest.mark.django_db
def test_what_was_refused_is_on_record_and_what_was_misspelt_is_not():
    caller = make_caller()
    vm = make_vm("Running", account=caller.account)
    with pytest.raises(NotAllowedInState) as refusal:
        ask(caller, "startVirtualMachine", id=vm.uuid)
    (event,) = ask(caller, "listEvents", level="ERROR").records
    assert event["type"] == "VM.START"
    assert event["resourceid"] == vm.uuid
    assert refusal.value.message in event["description"]
    with pytest.raises(InvalidParameter):
        ask(caller, "startVirtualMachine", id="nonsense")
    assert Event.objects.count() == 1


@pytest.mark.django_db
def test_a_dry_run_leaves_no_trace():
    caller = make_caller()
    vm = make_vm("Running", account=caller.account)
    with pytest.raises(NotAllowedInState):
        ask(caller, "startVirtualMachine", id=vm.uuid, dryrun="true")
    assert not Event.objects.exists()


# -- filters ---------------------------------------------------------------------------


@pytest.mark.django_db
def test_events_are_found_by_what_they_are_about():
    caller = admin_caller()
    zone = make_zone()
    ask(caller, "updateZone", id=zone.uuid, name="north")
    ask(caller, "updateAccount", id=make_account().uuid, networkdomain="a.example")
    assert ask(caller, "listEvents", resourceid=zone.uuid, resourcetype="zone").count == 1
    assert ask(caller, "listEvents", resourcetype="Zone").count == 1
    (event,) = ask(caller, "listEvents", resourcetype="Zone").records
    assert event["resourcename"] == "north"


@pytest.mark.django_db
def test_what_began_and_did_not_end_is_found_by_its_age(world):
    caller = make_caller()
    vm = make_vm("Running", account=caller.account, world=world)
    ask(caller, "stopVirtualMachine", id=vm.uuid)
    assert ask(caller, "listEvents", entrytime=600, duration=0).count == 1
    assert ask(caller, "listEvents", entrytime=600, duration=300).count == 0
    with pytest.raises(InvalidParameter, match="entrytime"):
        ask(caller, "listEvents", entrytime=10, duration=300)
    run_everything()
    assert ask(caller, "listEvents", entrytime=600, duration=0).count == 0


@pytest.mark.django_db
def test_archived_events_are_looked_up_apart():
    caller = admin_caller()
    ask(caller, "updateZone", id=make_zone().uuid, name="north")
    (event,) = ask(caller, "listEvents", type="ZONE.EDIT").records
    ask(caller, "archiveEvents", ids=event["id"])
    assert ask(caller, "listEvents", type="ZONE.EDIT").count == 0
    assert ask(caller, "listEvents", type="ZONE.EDIT", archived="true").count == 1


@pytest.mark.django_db
def test_a_call_is_on_record_with_where_it_came_from():
    user = admin_caller().user
    caller = type(caller_of(user)).of(user, address="203.0.113.7", correlation_id="abcdefgh")
    ask(caller, "updateZone", id=make_zone().uuid, name="north")
    event = Event.objects.get(type="ZONE.EDIT")
    assert (event.command, event.address, event.correlation_id) == (
        "updateZone", "203.0.113.7", "abcdefgh",
    )  # fmt: skip


@pytest.mark.django_db
def test_a_limit_of_an_account_is_told_of_the_account_and_not_of_its_domain():
    account = make_account()
    ask(admin_caller(), "updateResourceLimit", resourcetype=0, max=5, account=account.name,
        domainid=account.domain.uuid)  # fmt: skip
    event = Event.objects.get(type="RESOURCE.LIMIT.UPDATE")
    assert event.resource_uuid == account.uuid
    assert account.name in event.description
