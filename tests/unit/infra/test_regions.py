"""Regions: small numbers, this cloud first."""

import pytest

from api.dispatch import execute
from core.errors import InvalidParameter
from infra.services import regions
from tests.factories import admin_caller, make_caller

pytestmark = pytest.mark.django_db


def names(caller):
    return [r["name"] for r in execute(caller, "listRegions", {}).records]


def test_this_cloud_is_region_one_and_stays():
    regions.ensure_local()
    regions.ensure_local()
    assert names(make_caller()) == ["Local"]
    with pytest.raises(InvalidParameter, match="this cloud itself"):
        execute(admin_caller(), "removeRegion", {"id": "1"})


def test_a_region_is_found_by_its_number_and_only_by_its_own():
    regions.ensure_local()
    (found,) = execute(make_caller(), "listRegions", {"id": "1"}).records
    assert found["name"] == "Local"
    assert execute(make_caller(), "listRegions", {"id": "2"}).records == []


def test_a_region_is_added_changed_and_removed():
    regions.ensure_local()
    admin = admin_caller()
    asked = {"id": "2", "name": "Nord", "endpoint": "https://nord.example/client/api"}
    execute(admin, "addRegion", asked)
    execute(admin, "updateRegion", {"id": "2", "name": "北方"})
    assert names(admin) == ["Local", "北方"]
    execute(admin, "removeRegion", {"id": "2"})
    assert names(admin) == ["Local"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "1"}, "already a region 1"),
        ({"id": "0"}, "from 1"),
        ({"name": "Local"}, "already a region named"),
        ({"endpoint": "ftp://x"}, "web address"),
    ],
)
def test_a_wrong_value_is_refused_with_a_sentence(change, words):
    regions.ensure_local()
    asked = {"id": "2", "name": "Nord", "endpoint": "https://nord.example", **change}
    with pytest.raises(InvalidParameter, match=words):
        execute(admin_caller(), "addRegion", asked)


def test_a_region_that_is_not_there_is_named():
    with pytest.raises(InvalidParameter, match="no region 9"):
        execute(admin_caller(), "updateRegion", {"id": "9"})
