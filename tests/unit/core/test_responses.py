import dataclasses

import pytest

from accounts.models import Account
from core.responses import Field, Response, computed, many, several, text
from tests.factories import admin_caller, make_account, make_caller

pytestmark = pytest.mark.django_db


def lengths(keys, caller):
    names = Account.objects.filter(pk__in=keys).values_list("pk", "name")
    return {pk: {"length": len(name), "shout": name.upper()} for pk, name in names}


shape = Response(
    "toy",
    Account,
    (
        text("name"),
        text("domain", "domain__name"),
        text("secretive", "role__name", admin_only=True),
        computed("pair", ("name", "state"), lambda name, state: f"{name}/{state}"),
        many("twice", lambda keys, caller: {k: [1, 2] for k in keys}, kind="list", group="extra"),
        several(lengths, Field("length", "integer"), Field("shout"), group="extra"),
        text("empty", "removed"),
    ),
    always={"kind": "toy"},
)


def test_a_row_is_drawn_from_columns_computed_and_bulk_values():
    account = make_account("ab")
    assert shape.one(account, admin_caller()) == {
        "kind": "toy",
        "name": "ab",
        "domain": "ROOT",
        "secretive": "User",
        "pair": "ab/enabled",
        "twice": [1, 2],
        "length": 2,
        "shout": "AB",
    }


def test_some_fields_are_for_administrators_only():
    account = make_account()
    assert "secretive" not in shape.one(account, make_caller())


def test_groups_that_nobody_asked_for_cost_nothing(django_assert_num_queries):
    make_account("ab")
    rows, caller = Account.objects.filter(name="ab"), admin_caller()
    with django_assert_num_queries(1):
        shown = shape.render(rows, caller, frozenset())
    assert "twice" not in shown[0]
    assert "length" not in shown[0]


def test_a_page_costs_a_query_for_columns_and_one_for_each_bulk_field(django_assert_num_queries):
    for _ in range(20):
        make_account()
    caller = admin_caller()
    with django_assert_num_queries(2):
        assert len(shape.render(Account.objects.all(), caller)) == 22


def test_fields_fetched_together_are_declared_one_by_one_and_survive_a_copy():
    assert {"length", "shout"} <= {f.name for f in shape.fields}
    wider = dataclasses.replace(shape, fields=(*shape.fields, text("also", "state")))
    shown = wider.one(make_account("abc"), admin_caller())
    assert (shown["length"], shown["also"]) == (3, "enabled")


def test_nothing_is_drawn_of_nothing(django_assert_num_queries):
    caller = admin_caller()
    with django_assert_num_queries(0):
        assert shape.render(Account.objects.none(), caller) == []
