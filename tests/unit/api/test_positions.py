"""A census corrected by what is newer counts as a count does, whatever happens meanwhile."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from api import dispatch, positions
from compute.services.assigning import assign_volume
from storage.models import Volume
from tests import factories

pytestmark = pytest.mark.django_db

LONG_AGO = timedelta(days=1)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(positions, "BLOCK", 8)
    monkeypatch.setattr(positions, "LARGE", 10)
    positions.forget()
    yield
    positions.forget()


@pytest.fixture
def place():
    return {"account": factories.make_account(), "zone": factories.make_zone()}


def add(place, number: int, *, ago: timedelta = LONG_AGO) -> None:
    created = timezone.now() - ago
    Volume.objects.bulk_create(
        Volume(**place, name="v", size_bytes=1, created=created) for _ in range(number)
    )


def remove(some, *, ago: timedelta = timedelta()) -> None:
    Volume.everything.filter(pk__in=some).update(removed=timezone.now() - ago, alive=None)


def asked(page: int, size: int, **given):
    return dispatch.execute(
        factories.admin_caller(), "listVolumes",
        {"listall": "true", "page": str(page), "pagesize": str(size), **given},
    )  # fmt: skip


def learn() -> positions.Standing:
    rows = Volume.objects.all()
    positions.learn(rows, rows.count())
    standing = positions.of(rows)
    assert standing is not None
    return standing


def test_a_small_table_is_simply_counted(place):
    add(place, 5)
    rows = Volume.objects.all()
    positions.learn(rows, 5)
    assert positions.of(rows) is None


def test_rows_that_are_narrowed_are_not_the_whole(place):
    add(place, 20)
    learn()
    assert positions.of(Volume.objects.filter(state="Ready")) is None
    assert positions.of(Volume.everything.all()) is None
    assert positions.of(Volume.objects.order_by("name")) is not None


@pytest.mark.parametrize("seed", range(8))
def test_count_and_pages_are_those_of_the_table_after_anything(place, seed):
    dice = random.Random(seed)
    add(place, 60)
    remove(list(Volume.objects.values_list("pk", flat=True))[::7], ago=LONG_AGO)
    learn()
    for _ in range(12):
        live = list(Volume.objects.order_by("pk").values_list("pk", flat=True))
        match dice.randrange(4):
            case 0:
                add(place, dice.randrange(1, 9), ago=timedelta())
            case 1:
                remove(dice.sample(live, min(5, len(live))))
            case 2:  # committed late: its time lies before the census, within the margin
                remove(dice.sample(live, min(3, len(live))), ago=timedelta(minutes=4))
            case 3:
                positions._census.clear()  # taken anew
        live = list(Volume.objects.order_by("pk").values_list("pk", flat=True))
        standing = positions.of(Volume.objects.all())
        assert standing.count == len(live)
        for _ in range(5):
            offset, size = dice.randrange(len(live) + 5), dice.randrange(1, 30)
            assert standing.keys(offset, size) == live[offset : offset + size]


def test_a_late_insert_below_the_newest_key_is_seen(place):
    """Its key was given out before others', and its transaction ended after theirs."""
    add(place, 20)
    hidden = Volume.objects.order_by("-pk")[2]
    Volume.objects.filter(pk__gte=hidden.pk).update(created=timezone.now())
    Volume.everything.filter(pk=hidden.pk).update(removed=timezone.now() - LONG_AGO)
    standing = learn()
    assert standing.count == 19
    Volume.everything.filter(pk=hidden.pk).update(removed=None)  # now it is committed
    assert positions.of(Volume.objects.all()).count == 20


def test_so_many_changes_that_it_does_not_pay_are_counted_plainly(place, monkeypatch):
    monkeypatch.setattr(positions, "_MOST_CORRECTIONS", 10)
    add(place, 30)
    learn()
    add(place, 15, ago=timedelta())
    assert positions.of(Volume.objects.all()) is None
    assert asked(1, 10).count == 45
    remove(list(Volume.objects.order_by("-pk").values_list("pk", flat=True)[:15]))
    assert positions.of(Volume.objects.all()) is None  # for a while
    positions._busy_until.clear()
    assert positions.of(Volume.objects.all()).count == 30


def test_a_census_is_not_taken_for_each_page(place, django_assert_num_queries):
    add(place, 40)
    learn()
    with django_assert_num_queries(2):
        positions.of(Volume.objects.all())


def test_a_stale_census_is_taken_anew(place, monkeypatch):
    add(place, 40)
    learn()
    first = positions._census.copy()
    monkeypatch.setattr(positions, "FRESH_FOR_S", -1)
    positions.of(Volume.objects.all())
    assert positions._census != first


def test_lists_page_through_a_large_table_as_through_a_small_one(place):
    add(place, 47)
    remove(list(Volume.objects.values_list("pk", flat=True))[5:30:3])
    small_pages = [asked(n, 10).records for n in range(1, 7)]
    assert (Volume, "default") in positions._large
    large_pages = [asked(n, 10) for n in range(1, 7)]
    assert [p.records for p in large_pages] == small_pages
    assert {p.count for p in large_pages} == {38}
    assert [len(p) for p in small_pages] == [10, 10, 10, 8, 0, 0]


def test_falling_order_is_the_same_turned_round(place):
    add(place, 30)
    learn()
    caller = factories.admin_caller()
    given = {"listall": "true"}
    rising = dispatch.execute(caller, "listVolumes", given).records
    by_page = [
        dispatch.execute(
            caller, "listVolumes", {**given, "page": str(n), "pagesize": "7"}, sort="-created"
        )
        for n in range(1, 6)
    ]
    found = [r["id"] for page in by_page for r in page.records]
    assert sorted(found) == sorted(r["id"] for r in rising)
    assert found[0] == rising[-1]["id"]


# -- what is outside projects ------------------------------------------------------------------


def asked_outside(page: int, size: int):
    found = asked(page, size)
    return found.count, [r["id"] for r in found.records]


def outside(project, page: int, size: int):
    rows = Volume.objects.exclude(account=project.account).order_by("pk")
    uuids = list(rows.values_list("uuid", flat=True))
    return len(uuids), uuids[(page - 1) * size : page * size]


@pytest.mark.parametrize("seed", range(4))
def test_what_projects_own_is_left_out_exactly(place, seed):
    dice = random.Random(seed)
    project = factories.make_project(place["account"])
    shared = {**place, "account": project.account}
    for each in (place, shared, place, shared):
        add(each, 20)
    positions.learn(Volume.objects.all(), Volume.objects.count())
    rows = positions.outside_projects(Volume.objects.all(), "account")
    assert positions.of(rows) is not None
    for _ in range(6):
        some = list(Volume.objects.values_list("pk", flat=True))
        remove(dice.sample(some, 3))
        add(dice.choice((place, shared)), 3, ago=timedelta())
        page = dice.randint(1, 6)
        assert asked_outside(page, 8) == outside(project, page, 8)


def test_what_goes_to_a_project_is_left_out_at_once(place):
    project = factories.make_project(place["account"])
    add(place, 40)
    positions.learn(Volume.objects.all(), 40)
    assert asked_outside(2, 8) == outside(project, 2, 8)
    moved = Volume.objects.order_by("pk")[3]
    Volume.objects.filter(pk=moved.pk).update(state="Ready")
    with transaction.atomic():
        moved.refresh_from_db()
        assign_volume(moved, project.account)
    assert asked_outside(2, 8) == outside(project, 2, 8)
    assert outside(project, 2, 8)[0] == 39
