"""Volumes: counted, promised, grown, binned, brought back and expunged."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import ResourceCount
from accounts.resources import Resource
from accounts.services import limits
from agent import protocol as p
from api.dispatch import execute
from core.errors import (
    InsufficientCapacity,
    InvalidParameter,
    LimitExceeded,
    NoSuchObject,
    NotAllowedInState,
    PermissionDenied,
)
from core.units import GIB
from infra.services import configuration
from jobs.models import AsyncJob, JobStatus, Trouble
from jobs.submit import submit
from jobs.worker import run_everything
from storage.jobs import volumes as jobs
from storage.models import StoragePool, Volume
from storage.services import volumes
from storage.upkeep import cleaning
from tests.factories import (
    admin_caller,
    caller_of,
    make_account,
    make_caller,
    make_disk_offering,
    make_domain,
    make_pool,
    make_volume,
    make_zone,
)
from tests.unit.storage.walking import BROKEN, Killed, disturb, run_killed

pytestmark = pytest.mark.django_db


def start(plan) -> AsyncJob:
    return submit(plan, account=plan.subject.account, command="test")


def used(account, resource=Resource.PRIMARY_STORAGE) -> int:
    row = ResourceCount.objects.filter(account=account, resource=resource).first()
    return row.used if row else 0


def fresh(volume) -> Volume:
    return Volume.everything.get(pk=volume.pk)


# -- making --------------------------------------------------------------------------------------


def test_a_new_volume_is_counted_and_waits_for_its_first_machine(cloud):
    account, offering = make_account(), make_disk_offering(size_gb=3)
    volume = volumes.create(account, name="数据", zone=cloud.site.zone, offering=offering)
    start(volumes.create_plan(volume))
    run_everything()
    assert (fresh(volume).state, fresh(volume).pool) == ("Allocated", None)
    assert used(account) == 3 * GIB
    assert used(account, Resource.VOLUME) == 1
    cloud.assert_balanced()


@pytest.mark.parametrize(
    "given, said",
    [
        ({}, "Give diskofferingid or snapshotid"),
        ({"size_gb": 3}, "Give diskofferingid or snapshotid"),
        ({"custom": True}, "give size in GB"),
        ({"custom": True, "size_gb": 0}, "1 to 1024 GB, not 0"),
        ({"custom": True, "size_gb": 5000}, "1 to 1024 GB"),
        ({"custom": True, "size_gb": -1}, "1 to 1024 GB"),
        ({"state": "Inactive"}, "is Inactive"),
        ({"foreign": True}, "not for domain"),
        ({"elsewhere": True}, "not for zone"),
        ({"is_custom_iops": True, "min_iops": 9, "max_iops": 3}, "the smaller first"),
        ({"is_custom_iops": True, "min_iops": 9}, "together"),
    ],
)
def test_what_is_no_volume_is_refused_and_counts_nothing(cloud, given, said):
    given = dict(given)
    account, zone = make_account(), cloud.site.zone
    if set(given) & {"custom", "state", "foreign", "elsewhere", "is_custom_iops"}:
        given["offering"] = make_disk_offering(
            size_gb=0 if given.pop("custom", False) else 5,
            domains=[make_domain()] if given.pop("foreign", False) else (),
            zones=[make_zone()] if given.pop("elsewhere", False) else (),
            state=given.pop("state", "Active"),
            is_custom_iops=given.pop("is_custom_iops", False),
        )
    with pytest.raises(InvalidParameter, match=said):
        volumes.create(account, zone=zone, **given)
    assert not Volume.everything.exists()
    assert used(account) == 0


def test_a_volume_over_the_limit_is_refused(cloud):
    account, offering = make_account(), make_disk_offering(size_gb=3)
    limits.set_limit(account, Resource.PRIMARY_STORAGE, 5)
    volumes.create(account, zone=cloud.site.zone, offering=offering)
    with pytest.raises(LimitExceeded, match="primary storage"):
        volumes.create(account, zone=cloud.site.zone, offering=offering)
    assert used(account) == 3 * GIB


def test_a_volume_of_a_snapshot_is_ready_with_its_bytes(cloud):
    source = cloud.volume(size_gb=4)
    snapshot = cloud.snapshot(source)
    made = volumes.create(make_account(), snapshot=snapshot, size_gb=6)
    start(volumes.create_plan(made))
    run_everything()
    made = fresh(made)
    assert (made.state, made.size_bytes, made.snapshot) == ("Ready", 6 * GIB, snapshot)
    assert made.path in cloud.files()
    cloud.assert_balanced()


def test_a_volume_smaller_than_its_snapshot_is_refused(cloud):
    snapshot = cloud.snapshot(cloud.volume(size_gb=4))
    with pytest.raises(InvalidParameter, match="cannot be smaller"):
        volumes.create(make_account(), snapshot=snapshot, size_gb=3)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_volume_that_cannot_be_made_leaves_nothing(cloud, monkeypatch, when):
    snapshot = cloud.snapshot(cloud.volume(size_gb=4))
    account = make_account()
    made = volumes.create(account, snapshot=snapshot)
    job = start(volumes.create_plan(made))
    disturb(monkeypatch, jobs.create_volume, 0, BROKEN, when=when)
    run_everything()
    job.refresh_from_db()
    assert job.status == JobStatus.FAILED
    assert fresh(made).removed
    assert used(account) == 0
    assert len(cloud.files()) == 1
    cloud.assert_balanced()


@pytest.mark.parametrize("when", ["before", "after"])
def test_making_survives_the_worker(cloud, monkeypatch, when):
    made = volumes.create(make_account(), snapshot=cloud.snapshot(cloud.volume()))
    start(volumes.create_plan(made))
    disturb(monkeypatch, jobs.create_volume, 0, Killed(), when=when)
    assert run_killed().status == JobStatus.DONE
    assert fresh(made).state == "Ready"
    cloud.assert_balanced()


# -- growing -------------------------------------------------------------------------------------


def test_a_volume_grows_and_is_counted_and_promised_anew(cloud):
    volume = cloud.volume(size_gb=4)
    start(volumes.resize(volume, size_gb=9))
    assert used(volume.account) == 9 * GIB  # reserved at once
    run_everything()
    volume = fresh(volume)
    assert (volume.state, volume.size_bytes) == ("Ready", 9 * GIB)
    file = cloud.world.ledger.get("files", str(volume.pool.uuid), volume.path)
    assert file.virtual_bytes == 9 * GIB
    cloud.assert_balanced()


def test_a_volume_shrinks_only_when_that_is_said(cloud):
    volume = cloud.volume(size_gb=4)
    with pytest.raises(InvalidParameter, match="shrinkok"):
        volumes.resize(volume, size_gb=2)
    start(volumes.resize(volume, size_gb=2, shrink_ok=True))
    run_everything()
    assert fresh(volume).size_bytes == 2 * GIB
    assert used(volume.account) == 2 * GIB
    cloud.assert_balanced()


def test_a_running_machine_s_volume_does_not_shrink(cloud):
    volume = cloud.volume(size_gb=4)
    with pytest.raises(InvalidParameter, match="stopped"):
        volumes.resize(volume, size_gb=2, shrink_ok=True, domain_uuid="x", host=cloud.site.host)


def test_a_volume_never_attached_changes_its_size_without_a_host(cloud):
    account, offering = make_account(), make_disk_offering(size_gb=0)
    volume = volumes.create(account, zone=cloud.site.zone, offering=offering, size_gb=2)
    start(volumes.resize(volume, size_gb=3))
    run_everything()
    assert (fresh(volume).state, fresh(volume).size_bytes) == ("Allocated", 3 * GIB)
    assert used(account) == 3 * GIB


@pytest.mark.parametrize(
    "given, said",
    [
        ({}, "Give size or diskofferingid"),
        ({"size_gb": 0}, "at least 1 GB"),
        ({"size_gb": 5000}, "at most 2000 GB"),
    ],
)
def test_a_size_that_is_none_is_refused(cloud, given, said):
    volume = cloud.volume()
    with pytest.raises(InvalidParameter, match=said):
        volumes.resize(volume, **given)
    assert fresh(volume).state == "Ready"


def test_a_disk_of_fixed_size_changes_only_with_its_offering(cloud):
    volume = cloud.volume(disk_offering=make_disk_offering(size_gb=5))
    with pytest.raises(InvalidParameter, match="fixed size"):
        volumes.resize(volume, size_gb=9)
    larger = make_disk_offering("larger", size_gb=8)
    start(volumes.resize(volume, offering=larger))
    run_everything()
    assert (fresh(volume).disk_offering, fresh(volume).size_bytes) == (larger, 8 * GIB)


def test_growing_past_the_pool_or_the_limit_is_refused_and_takes_nothing(cloud):
    volume = cloud.volume(size_gb=4)
    StoragePool.objects.update(capacity_bytes=4 * GIB)
    volume.pool.refresh_from_db()
    with pytest.raises(InsufficientCapacity), transaction.atomic():
        volumes.resize(volume, size_gb=100)
    limits.set_limit(volume.account, Resource.PRIMARY_STORAGE, 5)
    with pytest.raises(LimitExceeded), transaction.atomic():
        volumes.resize(fresh(volume), size_gb=6)
    assert used(volume.account) == 4 * GIB
    assert fresh(volume).state == "Ready"


@pytest.mark.parametrize("index, when", [(0, "before"), (0, "after"), (1, "before")])
def test_growing_that_fails_leaves_row_and_file_alike(cloud, monkeypatch, index, when):
    volume = cloud.volume(size_gb=4)
    start(volumes.resize(volume, size_gb=9))
    disturb(monkeypatch, jobs.resize_volume, index, BROKEN, when=when)
    run_everything()
    volume = fresh(volume)
    file = cloud.world.ledger.get("files", str(volume.pool.uuid), volume.path)
    assert volume.state == "Ready"
    assert file.virtual_bytes == volume.size_bytes
    assert used(volume.account) == volume.size_bytes
    cloud.assert_balanced()


@pytest.mark.parametrize("index, when", [(0, "before"), (0, "after"), (1, "before"), (1, "after")])
def test_growing_survives_the_worker_at_every_step(cloud, monkeypatch, index, when):
    volume = cloud.volume(size_gb=4)
    start(volumes.resize(volume, size_gb=9))
    disturb(monkeypatch, jobs.resize_volume, index, Killed(), when=when)
    assert run_killed().status == JobStatus.DONE
    assert fresh(volume).size_bytes == 9 * GIB
    cloud.assert_balanced()


# -- the bin and the end -------------------------------------------------------------------------


def test_a_destroyed_volume_gives_back_its_quota_and_can_be_recovered(cloud):
    account = make_account()
    caller, volume = caller_of(account), cloud.volume(account)
    made = execute(caller, "destroyVolume", {"id": volume.uuid})
    assert made.record()["state"] == "Destroy"
    run_everything()
    assert used(account) == 0
    assert fresh(volume).path in cloud.files()
    execute(caller, "recoverVolume", {"id": volume.uuid})
    assert fresh(volume).state == "Ready"
    assert used(account) == volume.size_bytes
    cloud.assert_balanced()


def test_one_never_attached_comes_back_as_it_was(cloud):
    account = make_account()
    volume = volumes.create(account, zone=cloud.site.zone, offering=make_disk_offering())
    caller = caller_of(account)
    execute(caller, "destroyVolume", {"id": volume.uuid})
    run_everything()
    execute(caller, "recoverVolume", {"id": volume.uuid})
    assert fresh(volume).state == "Allocated"


def test_there_must_be_room_for_what_is_recovered(cloud):
    account = make_account()
    caller, volume = caller_of(account), cloud.volume(account)
    execute(caller, "destroyVolume", {"id": volume.uuid})
    run_everything()
    limits.set_limit(account, Resource.VOLUME, 0)
    with pytest.raises(LimitExceeded):
        execute(caller, "recoverVolume", {"id": volume.uuid})
    assert fresh(volume).state == "Destroy"


def test_a_deleted_volume_leaves_nothing(cloud):
    account = make_account()
    volume = cloud.volume(account)
    execute(caller_of(account), "deleteVolume", {"id": volume.uuid})
    run_everything()
    assert fresh(volume).state == "Expunged"
    assert not cloud.files()
    assert used(account) == 0
    assert StoragePool.objects.get().allocated_bytes == 0
    cloud.assert_balanced()


def test_deletion_twice_is_refused_and_a_stranger_finds_nothing(cloud):
    account = make_account()
    volume = cloud.volume(account)
    with pytest.raises(NoSuchObject):
        execute(make_caller(), "deleteVolume", {"id": volume.uuid})
    execute(caller_of(account), "deleteVolume", {"id": volume.uuid})
    with pytest.raises(NotAllowedInState, match="Expunging"):
        execute(caller_of(account), "deleteVolume", {"id": volume.uuid})


@pytest.mark.parametrize(
    "state", ["Creating", "Snapshotting", "Resizing", "Attaching", "Expunging"]
)
def test_a_busy_volume_is_not_deleted(cloud, state):
    volume = cloud.volume(state=state)
    with pytest.raises(NotAllowedInState, match=state):
        execute(admin_caller(), "deleteVolume", {"id": volume.uuid})


def test_a_protected_volume_stays_until_the_protection_is_off(cloud):
    account = make_account()
    caller, volume = caller_of(account), cloud.volume(account)
    execute(caller, "updateVolume", {"id": volume.uuid, "deleteprotection": "true", "name": "keep"})
    run_everything()
    assert fresh(volume).name == "keep"
    for command in ("deleteVolume", "destroyVolume"):
        with pytest.raises(InvalidParameter, match="deleteprotection"):
            execute(caller, command, {"id": volume.uuid})


def test_users_may_be_kept_from_expunging_and_recovering(cloud):
    account = make_account()
    caller, volume = caller_of(account), cloud.volume(account)
    configuration.set_value("allow.user.expunge.recover.volume", "false", account)
    with pytest.raises(PermissionDenied, match="may not expunge"):
        execute(caller, "destroyVolume", {"id": volume.uuid, "expunge": "true"})
    execute(caller, "destroyVolume", {"id": volume.uuid})
    run_everything()
    with pytest.raises(PermissionDenied, match="may not recover"):
        execute(caller, "recoverVolume", {"id": volume.uuid})
    execute(admin_caller(), "destroyVolume", {"id": volume.uuid, "expunge": "true"})
    run_everything()
    assert fresh(volume).state == "Expunged"


def test_the_bin_is_emptied_when_its_time_is_over(cloud):
    volume, kept = cloud.volume(), cloud.volume()
    for row in (volume, kept):
        execute(admin_caller(), "destroyVolume", {"id": row.uuid})
    run_everything()
    Volume.objects.filter(pk=volume.pk).update(expunge_due=timezone.now() - timedelta(seconds=1))
    cleaning.clean_up()
    run_everything()
    assert fresh(volume).state == "Expunged"
    assert fresh(kept).state == "Destroy"
    cloud.assert_balanced()


def test_with_cleaning_switched_off_the_bin_stays(cloud):
    configuration.set_value("storage.cleanup.delay", "0")
    configuration.set_value("storage.cleanup.enabled", "false")
    volume = cloud.volume()
    execute(admin_caller(), "destroyVolume", {"id": volume.uuid})
    run_everything()
    cleaning.clean_up()
    assert not AsyncJob.objects.filter(status=JobStatus.PENDING).exists()


@pytest.mark.parametrize("when", ["before", "after"])
def test_expunging_survives_the_worker(cloud, monkeypatch, when):
    volume = cloud.volume()
    execute(admin_caller(), "deleteVolume", {"id": volume.uuid})
    disturb(monkeypatch, jobs.expunge_volume, 0, Killed(), when=when)
    assert run_killed().status == JobStatus.DONE
    assert fresh(volume).state == "Expunged"
    cloud.assert_balanced()


def test_what_cannot_be_expunged_is_tried_ever_more_seldom_and_then_told(cloud):
    volume = cloud.volume()
    cloud.world.faults.fail("volume.delete", p.OperationFailed("busy"), times=99)
    execute(admin_caller(), "deleteVolume", {"id": volume.uuid})
    run_everything()
    assert fresh(volume).state == "Destroy"
    assert fresh(volume).expunge_due > timezone.now() + timedelta(seconds=90)
    assert not Trouble.objects.filter(closed=None).exists()
    for _ in range(4):
        Volume.objects.update(expunge_due=timezone.now())
        assert cleaning.expunge_again() == 1
        run_everything()
    trouble = Trouble.objects.get(closed=None)
    assert "could not be expunged 5 times" in trouble.sentence
    cloud.world.faults.clear()
    cleaning.expunge_now(trouble)
    run_everything()
    assert fresh(volume).state == "Expunged"
    assert not Trouble.objects.filter(closed=None).exists()
    cloud.assert_balanced()


def test_a_host_that_is_away_only_delays(cloud):
    volume = cloud.volume()
    cloud.world.faults.fail("volume.delete", p.HypervisorUnavailable("libvirtd is gone"), times=3)
    execute(admin_caller(), "deleteVolume", {"id": volume.uuid})
    run_everything()
    assert fresh(volume).state == "Expunged"


def test_a_volume_on_another_pool_is_untouched(cloud):
    other = make_volume(pool=make_pool(zone=cloud.site.zone))
    volume = cloud.volume()
    execute(admin_caller(), "deleteVolume", {"id": volume.uuid})
    run_everything()
    assert fresh(other).state == "Ready"
