"""What the dispatcher makes of whatever a command does."""
# ruff: noqa: N802, N803 - commands carry CloudStack's kind of names here too

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import pytest
from django.db import DataError, IntegrityError, OperationalError, connection, transaction

from accounts.models import Domain, User
from api import dispatch, parameters
from core.commands import (
    COMMANDS,
    USER,
    AdminOnly,
    Between,
    Details,
    Length,
    Map,
    Multiline,
    Operate,
    Secret,
    command,
)
from core.errors import BadMap, InUse, InvalidParameter, NoSuchObject, ResourceUnavailable
from core.responses import SUCCESS
from jobs.models import Event
from tests import factories


@pytest.fixture
def declare():
    """Declares commands for one test."""
    before = dict(COMMANDS)
    yield command
    COMMANDS.clear()
    COMMANDS.update(before)


def run(name: str, caller=None, **given):
    return dispatch.execute(caller or factories.admin_caller(), name, given)


# -- faults of the database --------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_deadlock_begins_the_whole_transaction_again(declare):
    tries = []

    @declare(roles=USER, response=SUCCESS)
    def createThing(caller) -> None:
        """Makes a thing."""
        Domain.objects.filter(level=0).update(network_domain=f"try{len(tries)}")
        tries.append(connection.in_atomic_block)
        if len(tries) < 3:
            raise OperationalError(1213, "Deadlock found when trying to get lock")

    assert run("createThing").record() == {"success": True}
    assert tries == [True, True, True]
    assert Domain.root().network_domain == "try2"


@pytest.mark.django_db(transaction=True)
def test_a_database_that_stays_away_is_told_of_in_the_end(declare, monkeypatch):
    monkeypatch.setattr(dispatch.time, "sleep", lambda _seconds: None)

    @declare(roles=USER, response=SUCCESS)
    def createThing(caller) -> None:
        """Makes a thing."""
        raise OperationalError(2006, "Server has gone away")

    with pytest.raises(ResourceUnavailable, match="nothing was changed"):
        run("createThing")


@pytest.mark.django_db(transaction=True)
def test_somebody_elses_transaction_is_theirs_to_begin_again(declare):
    tries = []

    @declare(roles=USER, response=SUCCESS)
    def createThing(caller) -> None:
        """Makes a thing."""
        tries.append(1)
        raise OperationalError(1213, "Deadlock")

    with pytest.raises(OperationalError), transaction.atomic():
        run("createThing")
    assert len(tries) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fault, said",
    [
        (IntegrityError("UNIQUE constraint failed"), "exists already"),
        (DataError("Out of range value"), "out of range"),
        (OverflowError("Python int too large"), "out of range"),
    ],
)
def test_a_value_no_column_takes_is_a_431_that_changes_nothing(declare, fault, said):
    @declare(roles=USER, response=SUCCESS)
    def createThing(caller) -> None:
        """Makes a thing."""
        Domain.objects.filter(level=0).update(network_domain="changed")
        raise fault

    with pytest.raises(InvalidParameter, match=said):
        run("createThing")
    assert Domain.root().network_domain == ""


@pytest.mark.django_db
def test_what_is_in_use_says_by_what(declare):
    parent = factories.make_domain()
    child = factories.make_domain("child", parent)

    @declare(roles=USER, response=SUCCESS)
    def deleteThing(caller) -> None:
        """Deletes a thing."""
        parent.delete()

    with pytest.raises(InUse, match="child") as caught:
        run("deleteThing")
    assert "remove these first" in caught.value.message
    assert Domain.objects.filter(pk=child.pk).exists()


# -- events ------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_change_leaves_an_event_of_its_owner_with_the_reference(declare):
    user = factories.make_user()

    @declare(roles=USER, response=SUCCESS, event="THING.TOUCH")
    def touchThing(caller, id: Annotated[User, Operate, "Whom"]) -> None:
        """Touches a thing."""

    caller = dispatch.Caller.of(factories.admin(), correlation_id="trace-1234")
    dispatch.execute(caller, "touchThing", {"id": str(user.uuid)})
    event = Event.objects.get(type="THING.TOUCH")
    assert event.account == user.account
    assert event.user == caller.user
    assert (event.resource_uuid, event.correlation_id) == (user.uuid, "trace-1234")


@pytest.mark.django_db
def test_a_refused_change_leaves_no_event(declare):
    @declare(roles=USER, response=SUCCESS, event="THING.TOUCH")
    def touchThing(caller) -> None:
        """Touches a thing."""
        raise InvalidParameter("No.")

    with pytest.raises(InvalidParameter):
        run("touchThing")
    assert not Event.objects.filter(type="THING.TOUCH").exists()


@pytest.mark.django_db
def test_reading_opens_no_transaction(declare):
    seen = []

    @declare(roles=USER, response=SUCCESS)
    def listThings(caller) -> None:
        """Lists things."""
        seen.append(len(connection.savepoint_ids))

    before = len(connection.savepoint_ids)
    run("listThings")
    assert seen == [before]


# -- parameters --------------------------------------------------------------------------


@pytest.fixture
def echo(declare):
    """A command that shows what reached it."""
    got = {}

    @declare(roles=USER, response=SUCCESS)
    def echoThings(
        caller,
        number: Annotated[int | None, Between(1, 9), "A number"] = None,
        part: Annotated[float | None, "A part"] = None,
        flag: Annotated[bool, "A flag"] = False,
        day: Annotated[datetime | None, "A day"] = None,
        enddate: Annotated[datetime | None, "A last day"] = None,
        size: Annotated[Literal["Small", "Large"] | None, "A size"] = None,
        names: Annotated[list[str] | None, "Names"] = None,
        numbers: Annotated[list[int] | None, "Numbers"] = None,
        tags: Annotated[Map | None, "Tags"] = None,
        details: Annotated[Details | None, "Details"] = None,
        mixedCase: Annotated[str | None, "In two cases"] = None,
        text: Annotated[str | None, Length(20), Multiline, "A text"] = None,
        hidden: Annotated[str | None, AdminOnly, "For administrators"] = None,
        from_: Annotated[str | None, Secret, "A word that Python keeps"] = None,
    ) -> None:
        """Shows what reached it."""
        given = {**locals()}
        got.clear()
        got.update({k: v for k, v in given.items() if k not in ("caller", "got", "given") and v})

    return lambda caller=None, **given: (run("echoThings", caller, **given), dict(got))[1]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "given, wanted",
    [
        ({"NUMBER": " 7 "}, {"number": 7}),
        ({"part": "0.5"}, {"part": 0.5}),
        ({"flag": "TRUE"}, {"flag": True}),
        ({"flag": "yes"}, {}),
        ({"flag": ""}, {}),
        ({"day": "2030-01-02"}, {"day": datetime(2030, 1, 2, tzinfo=UTC)}),
        ({"enddate": "2030-01-02"}, {"enddate": datetime(2030, 1, 2, 23, 59, 59, tzinfo=UTC)}),
        ({"day": "2030-01-02 03:04:05"}, {"day": datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)}),
        ({"day": "2030-01-02T03:04:05+0000"}, {"day": datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)}),
        ({"day": "2030-01-02T03:04:05Z"}, {"day": datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)}),
        ({"size": "large"}, {"size": "Large"}),
        ({"names": "a, b,,c"}, {"names": ["a", "b", "c"]}),
        ({"names": ["a,b", "c"]}, {"names": ["a,b", "c"]}),
        ({"numbers": "1,2"}, {"numbers": [1, 2]}),
        ({"MIXEDcase": "x"}, {"mixedCase": "x"}),
        ({"text": "a\tb\nc"}, {"text": "a\tb\nc"}),
        ({"from": "here"}, {"from_": "here"}),
        ({"unknown": "x", "unknown[0].y": "z"}, {}),
        (
            {"tags[1].key": "b", "Tags[0].key": "a", "tags[0].value": "1"},
            {"tags": [{"key": "a", "value": "1"}, {"key": "b"}]},
        ),
        (
            {"details[0].cpuNumber": "2", "details[1].memory.x": "3"},
            {"details": {"cpuNumber": "2", "memory.x": "3"}},
        ),
        ({"tags": [{"key": "a"}]}, {"tags": [{"key": "a"}]}),
    ],
)
def test_values_arrive_as_what_they_are(echo, given, wanted):
    assert echo(**given) == wanted


@pytest.mark.django_db
@pytest.mark.parametrize(
    "given, said",
    [
        ({"number": "0"}, "at least 1"),
        ({"number": "10"}, "at most 9"),
        ({"number": "1.5"}, "whole number"),
        ({"part": "nan"}, "part"),
        ({"day": "2030-02-31"}, "day"),
        ({"numbers": "1,x"}, "whole number"),
        ({"size": "Huge"}, "Small, Large"),
        ({"names": "a\x00b"}, "control characters"),
        ({"text": "x" * 21}, "at most 20"),
        ({"from": "a\tb"}, "control characters"),
        ({"tags[0].key": "x" * 5000}, "too long"),
        ({"tags[0].key": "x" * 200, f"tags[0].{'k' * 300}": "1"}, "too long"),
    ],
)
def test_values_that_cannot_be_are_refused(echo, given, said):
    with pytest.raises(InvalidParameter, match=said) as caught:
        echo(**given)
    assert caught.value.code == 431


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["tags", "tags[].key", "tags[x].key", "tags[0][1].key", "tags[-1].key"]
)
def test_a_map_written_otherwise_is_a_430(echo, name):
    with pytest.raises(BadMap):
        echo(**{name: "x"})


@pytest.mark.django_db
def test_administrators_parameters_are_not_there_for_others(echo):
    assert echo(hidden="x") == {"hidden": "x"}
    assert echo(factories.make_caller("DomainAdmin"), hidden="x") == {}


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["1", "x", "-1", "5b0a7b9e6f6e4f6c9b1e0d6d0f0e1a2", " "])
def test_what_is_no_uuid_is_no_thing(text):
    with pytest.raises((NoSuchObject, InvalidParameter), match=r"entity does not exist|missing"):
        run("deleteUser", id=text)


def test_names_are_lowered_only_before_the_bracket():
    raw = {"Tags[0].KEY": "v", "ZoneId": "z", "none": None}
    assert parameters.lowered(raw) == {"tags[0].KEY": "v", "zoneid": "z"}
