"""Disk offerings through their commands."""

import pytest

from api.dispatch import execute
from core.errors import InvalidParameter, NoSuchObject
from core.units import GIB
from storage.models import DiskOffering
from tests.factories import (
    admin_caller,
    make_disk_offering,
    make_domain,
    make_pool,
    make_volume,
    make_zone,
)

pytestmark = pytest.mark.django_db


def create(**given):
    return execute(admin_caller(), "createDiskOffering", {"name": "快盘", **given}).record()


def test_a_fixed_offering_shows_all_it_was_given():
    zone, domain = make_zone(), make_domain()
    made = create(
        disksize=20, tags="ssd,fast", provisioningtype="fat", cachemode="writeback",
        bytesreadrate=1000, iopswriterate=50, zoneid=zone.uuid, domainid=domain.uuid,
        storagetype="local",
    )  # fmt: skip
    assert made["name"] == "快盘"
    assert (made["disksize"], made["iscustomized"], made["state"]) == (20, False, "Active")
    assert (made["tags"], made["provisioningtype"], made["cacheMode"]) == (
        "ssd,fast",
        "fat",
        "writeback",
    )
    assert (made["diskBytesReadRate"], made["diskIopsWriteRate"]) == (1000, 50)
    assert (made["zoneid"], made["domain"]) == (str(zone.uuid), domain.name)
    assert "diskBytesWriteRate" not in made
    assert DiskOffering.objects.get().size_bytes == 20 * GIB


@pytest.mark.parametrize(
    "given, said",
    [
        ({}, "Give disksize"),
        ({"disksize": 5, "customized": "true"}, "fixed disksize or are customized"),
        ({"disksize": 0}, "at least 1"),
        ({"disksize": 999999}, "at most 2000 GB"),
        ({"disksize": 5, "miniops": 9}, "both miniops and maxiops"),
        ({"disksize": 5, "miniops": 9, "maxiops": 3}, "must not be above"),
        ({"disksize": 5, "miniops": 1, "maxiops": 3, "customizediops": "true"}, "the user names"),
        ({"disksize": 5, "cachemode": "always"}, "cachemode is"),
        ({"disksize": 5, "provisioningtype": "thick"}, "thin, sparse, fat"),
        ({"disksize": 5, "tags": "x" * 300}, "255 characters"),
    ],
)
def test_what_is_no_offering_is_refused_and_leaves_nothing(given, said):
    with pytest.raises(InvalidParameter, match=said):
        create(**given)
    assert not DiskOffering.objects.exists()


def test_an_offering_changes_and_opens_to_all():
    offering = make_disk_offering(domains=[make_domain()], tags=["ssd"])
    given = {
        "id": offering.uuid,
        "tags": "",
        "domainid": "public",
        "sortkey": 7,
        "state": "Inactive",
    }
    made = execute(admin_caller(), "updateDiskOffering", given).record()
    assert "domainid" not in made
    assert "tags" not in made
    assert made["state"] == "Inactive"


@pytest.mark.parametrize("text", ["nonsense", "00000000-0000-0000-0000-000000000001"])
def test_a_domain_that_is_not_there_is_refused(text):
    offering = make_disk_offering()
    with pytest.raises(NoSuchObject):
        execute(admin_caller(), "updateDiskOffering", {"id": offering.uuid, "domainid": text})


def test_a_withdrawn_offering_is_gone_from_lists_while_its_disks_go_on():
    offering = make_disk_offering()
    volume = make_volume(disk_offering=offering)
    execute(admin_caller(), "deleteDiskOffering", {"id": offering.uuid})
    assert execute(admin_caller(), "listDiskOfferings", {"state": "all"}).count == 0
    volume.refresh_from_db()
    assert volume.disk_offering == offering


def test_lists_narrow_by_zone_and_by_what_a_pool_has():
    here, there = make_zone(), make_zone()
    make_disk_offering("here", zones=[here])
    make_disk_offering("there", zones=[there])
    make_disk_offering("ssd", tags=["ssd"])
    pool = make_pool(zone=here)
    names = lambda **given: {  # noqa: E731
        r["name"] for r in execute(admin_caller(), "listDiskOfferings", given).records
    }
    assert names(zoneid=here.uuid) == {"here", "ssd"}
    assert names(storageid=pool.uuid) == {"here", "there"}
    assert names(volumeid=make_volume(zone=here).uuid) == {"here", "ssd"}


def test_lists_are_ordered_by_sort_key_then_age():
    make_disk_offering("first")
    make_disk_offering("top", sort_key=5)
    records = execute(admin_caller(), "listDiskOfferings", {}).records
    assert [r["name"] for r in records] == ["top", "first"]
