"""What the portal looks after by itself: measures, rows without jobs, files without rows."""

import uuid

import pytest

from agent import protocol as p
from agent.drivers.world import SimFile
from api.dispatch import execute
from jobs.models import AsyncJob, JobStatus, Schedule, Trouble
from jobs.schedules import RECURRING, run_due
from jobs.troubles import REPAIRS
from jobs.worker import run_everything
from storage.models import ImageStore, PoolTemplate, Snapshot, StoragePool, Template, Volume
from storage.services import bases
from storage.upkeep.comparing import LEFTOVERS, MISSING, compare_all
from storage.upkeep.measuring import measure_all
from storage.upkeep.mending import mend_all
from tests.factories import (
    GIB,
    admin_caller,
    make_account,
    make_caller,
    make_pool,
    make_snapshot,
    make_store,
    make_template,
    make_volume,
    make_zone,
)

pytestmark = pytest.mark.django_db


def open_troubles(kind) -> list[Trouble]:
    return list(Trouble.objects.filter(kind=kind, closed=None))


# -- measures ------------------------------------------------------------------------------------


def test_pools_and_stores_are_measured(cloud):
    cloud.template(physical_bytes=GIB)
    cloud.world.ledger.put("files", str(cloud.site.pool.uuid), "x", SimFile(GIB, 3 * GIB))
    measure_all()
    pool, store = StoragePool.objects.get(), ImageStore.objects.get()
    assert (pool.used_bytes, pool.capacity_bytes) == (3 * GIB, cloud.world.pool_bytes)
    assert (store.used_bytes, store.capacity_bytes) == (GIB, cloud.world.pool_bytes)
    assert pool.measured
    assert store.measured


def test_one_that_cannot_be_asked_keeps_its_measure_and_holds_nobody_up(cloud):
    make_pool(zone=make_zone(), name="away", used_bytes=7)
    cloud.world.ledger.put("files", str(cloud.site.pool.uuid), "x", SimFile(GIB, 5))
    measure_all()
    assert StoragePool.objects.get(name="away").used_bytes == 7
    assert StoragePool.objects.get(name="primary").used_bytes == 5


def test_every_kind_of_upkeep_is_scheduled(cloud):
    ours = {name for name in RECURRING if name.startswith("storage.")}
    assert ours == {
        "storage.measure",
        "storage.cleanup",
        "storage.expunge_again",
        "storage.replicate",
        "storage.mend",
        "storage.compare",
    }
    run_due()
    failed = Schedule.objects.filter(name__in=ours).exclude(last_error="")
    assert not failed.exists(), list(failed.values_list("name", "last_error"))


# -- rows without jobs ---------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["Snapshotting", "RevertSnapshotting", "Attaching"])
def test_a_volume_nobody_works_on_is_ready_again(cloud, state):
    volume = cloud.volume(state=state)
    assert mend_all() == 1
    volume.refresh_from_db()
    assert volume.state == "Ready"


def test_a_half_made_volume_loses_its_file(cloud):
    volume = cloud.volume(state="Creating")
    mend_all()
    run_everything()
    volume.refresh_from_db()
    assert (volume.state, volume.pool) == ("Allocated", None)
    assert not cloud.files()
    cloud.assert_balanced()


def test_a_volume_stuck_in_expunging_is_expunged(cloud):
    cloud.volume(state="Expunging")
    mend_all()
    run_everything()
    assert Volume.everything.get().state == "Expunged"
    cloud.assert_balanced()


def test_a_volume_stuck_in_resizing_gets_the_size_that_was_promised(cloud):
    volume = cloud.volume(size_gb=4)
    StoragePool.objects.update(allocated_bytes=6 * GIB)
    Volume.objects.update(state="Resizing", reserved_bytes=6 * GIB)
    mend_all()
    run_everything()
    volume.refresh_from_db()
    assert (volume.state, volume.size_bytes) == ("Ready", 6 * GIB)
    cloud.assert_balanced()


def test_a_volume_with_a_job_is_left_to_it(cloud):
    volume = cloud.volume()
    execute(admin_caller(), "deleteVolume", {"id": volume.uuid})
    assert mend_all() == 0
    other = cloud.volume(state="Snapshotting")
    AsyncJob.objects.create(
        account=other.account, command="deploy", plan="x", subject={}, correlation_id="c",
        args={"disks": [{"__row__": "storage.volume", "pk": other.pk}]},
    )  # fmt: skip
    assert mend_all() == 0


def test_snapshots_without_a_job_are_cleaned_away(cloud):
    volume = make_volume(pool=cloud.site.pool)
    for state in ("Creating", "Destroying"):
        make_snapshot(volume, store=cloud.site.store, state=state)
    assert mend_all() == 2
    run_everything()
    assert not Snapshot.objects.exists()


def test_a_download_that_lost_its_job_begins_anew(cloud):
    template = make_template(store=cloud.site.store, ready=False)
    template.copies.update(state="Creating")
    assert mend_all() == 1
    run_everything()
    assert template.copies.get().state == "Ready"


def test_a_template_half_deleted_is_deleted(cloud):
    cloud.template(state="Inactive")
    assert mend_all() == 1
    run_everything()
    assert not Template.objects.exists()
    assert not cloud.images()


# -- files without rows, rows without files ------------------------------------------------------


def test_files_that_nobody_knows_are_shown_and_deleted_only_when_asked(cloud, run):
    volume, template = cloud.volume(), cloud.template()
    bases.ensure(run, template, cloud.site.pool, cloud.site.host)
    stray, image = str(uuid.uuid4()), str(uuid.uuid4())
    cloud.world.ledger.put("files", str(cloud.site.pool.uuid), stray, SimFile(GIB))
    cloud.world.ledger.put("files", str(cloud.site.pool.uuid), "notes.txt", SimFile(1))
    cloud._image(image, GIB, 5, "QCOW2")
    compare_all()
    found = {t.resource_name: t for t in open_troubles(LEFTOVERS)}
    assert found["primary"].evidence["files"] == [stray]
    assert found["secondary"].evidence["files"] == [image]
    assert stray in cloud.files()
    for trouble in found.values():
        REPAIRS[trouble.repair](trouble)
    run_everything()
    assert cloud.files() == {volume.path, PoolTemplate.objects.get().name, "notes.txt"}
    assert image not in cloud.images()
    assert not open_troubles(LEFTOVERS)


def test_a_file_that_has_found_its_row_meanwhile_is_kept(cloud):
    name = str(uuid.uuid4())
    cloud.world.ledger.put("files", str(cloud.site.pool.uuid), name, SimFile(GIB))
    compare_all()
    trouble = open_troubles(LEFTOVERS)[0]
    make_volume(make_account(), zone=cloud.site.zone)
    Volume.objects.update(pool=cloud.site.pool, path=name)
    REPAIRS[trouble.repair](trouble)
    run_everything()
    assert name in cloud.files()


def test_a_volume_whose_file_is_missing_is_told_until_it_is_back(cloud):
    volume = cloud.volume(name="lost")
    file = cloud.world.ledger.get("files", str(volume.pool.uuid), volume.path)
    cloud.world.ledger.drop("files", str(volume.pool.uuid), volume.path)
    compare_all()
    assert "lost" in open_troubles(MISSING)[0].sentence
    cloud.world.ledger.put("files", str(volume.pool.uuid), volume.path, file)
    compare_all()
    assert not open_troubles(MISSING)


# -- stores --------------------------------------------------------------------------------------


def add_store(zone, **given):
    wanted = {"provider": "nfs", "url": "file:///export/two", "zoneid": zone.uuid, **given}
    return execute(admin_caller(), "addImageStore", wanted).record()


def test_a_store_answers_at_once_and_is_ready_when_prepared(cloud):
    made = add_store(cloud.site.zone, name="second")
    assert (made["name"], made["providername"], made["scope"]) == ("second", "NFS", "ZONE")
    run_everything()
    store = ImageStore.objects.get(name="second")
    assert (store.state, store.capacity_bytes) == ("Ready", cloud.world.pool_bytes)


def test_a_zone_of_simulated_hosts_has_its_template_as_soon_as_its_store(cloud):
    made = add_store(cloud.site.zone, name="nfs", url="nfs://10.147.28.6/export/secondary")
    assert (made["protocol"], made["url"]) == ("nfs", "nfs://10.147.28.6/export/secondary")
    run_everything()
    wanted = {"templatefilter": "featured", "zoneid": str(cloud.site.zone.uuid)}
    (found,) = execute(make_caller(), "listTemplates", wanted).records
    assert (found["hypervisor"], found["templatetype"]) == ("Simulator", "BUILTIN")
    assert (found["isready"], found["status"]) == (True, "Download Complete")

    store = ImageStore.objects.get(name="nfs")
    execute(admin_caller(), "deleteImageStore", {"id": str(store.uuid)})
    run_everything()
    assert not ImageStore.objects.filter(name="nfs").exists()
    assert not execute(admin_caller(), "listTemplates", wanted).records
    assert not cloud.world.ledger.groups("images")


def test_a_store_that_cannot_be_prepared_is_removed(cloud):
    cloud.world.faults.fail("store.prepare", p.OperationFailed("/export/two is read-only"))
    add_store(cloud.site.zone)
    run_everything()
    assert not ImageStore.objects.filter(path="/export/two").exists()
    job = AsyncJob.objects.get()
    assert (job.status, "read-only" in job.error_text) == (JobStatus.FAILED, True)


@pytest.mark.parametrize(
    "given, said",
    [
        ({"provider": "S3"}, "cannot be added yet"),
        ({"provider": "Ceph"}, "no image store provider"),
        ({"url": "nfs:///x"}, "names no server"),
        ({"url": "http://x"}, "not the address"),
        ({"url": "file:///"}, "no usable folder"),
        ({"url": ""}, "not the address"),
    ],
)
def test_what_is_no_store_is_refused(cloud, given, said):
    with pytest.raises(Exception, match=said):
        add_store(cloud.site.zone, **given)
    assert ImageStore.everything.count() == 1


def test_the_emptiest_store_is_chosen(cloud):
    from storage.services import stores

    ImageStore.objects.update(used_bytes=2**39)
    empty = make_store(cloud.site.zone)
    assert stores.choose(cloud.site.zone) == empty


def test_a_file_that_comes_while_files_are_listed_is_not_missed(cloud, monkeypatch):
    volume = make_volume(pool=cloud.site.pool)
    cloud.world.ledger.put("files", str(volume.pool.uuid), volume.path, SimFile(GIB))
    parts = "agent.drivers.fake_parts.FakeStorage.list_pool"
    monkeypatch.setattr(parts, lambda self, wanted: p.FileList(()))
    compare_all()
    assert not Trouble.objects.filter(kind=MISSING, closed=None).exists()


def test_the_trouble_of_a_missing_file_ends_with_its_volume(cloud):
    volume = make_volume(pool=cloud.site.pool)
    compare_all()
    assert Trouble.objects.filter(kind=MISSING, closed=None).count() == 1
    Volume.everything.filter(pk=volume.pk).update(pool=None, path="", reserved_bytes=0)
    compare_all()
    assert not Trouble.objects.filter(kind=MISSING, closed=None).exists()
