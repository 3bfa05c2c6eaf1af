"""Primary pools through their commands, and what fits where."""

from datetime import timedelta

import pytest
from django.db.models import ProtectedError
from django.utils import timezone

from agent import protocol as p
from api.dispatch import execute
from core.errors import InsufficientCapacity, InUse, InvalidParameter, NotAllowedInState
from infra.models import Alert
from infra.services import configuration
from jobs.models import AsyncJob, JobStatus
from jobs.worker import run_everything
from storage.jobs import pools as jobs
from storage.models import StoragePool, Volume
from storage.services import bases, space
from tests.factories import (
    GIB,
    admin_caller,
    make_caller,
    make_cluster,
    make_host,
    make_pool,
    make_volume,
    make_zone,
)
from tests.unit.storage.walking import BROKEN, Killed, disturb, run_killed

pytestmark = pytest.mark.django_db


def create(zone, **given):
    wanted = {"name": "gold", "zoneid": zone.uuid, "url": "SharedMountPoint:///srv/gold", **given}
    return execute(admin_caller(), "createStoragePool", wanted).record()


def test_a_shared_pool_answers_at_once_and_is_up_when_its_hosts_have_prepared_it(world):
    host = make_host()
    made = create(host.zone, clusterid=host.cluster.uuid, tags="ssd, fast,ssd")
    assert (made["state"], made["scope"], made["type"]) == (
        "Creating",
        "CLUSTER",
        "SharedMountPoint",
    )
    run_everything()
    pool = StoragePool.objects.get()
    assert pool.state == "Up"
    assert pool.capacity_bytes == world.pool_bytes
    assert pool.tags == ["ssd", "fast"]
    assert world.ledger.get("pools", str(pool.uuid), "") is not None


@pytest.mark.parametrize("scope", ["CLUSTER", "ZONE"])
def test_simulated_hosts_take_network_storage_by_any_address(world, scope):
    host = make_host()
    make_host(host.cluster)
    given = {"clusterid": host.cluster.uuid} if scope == "CLUSTER" else {"hypervisor": "Simulator"}
    made = create(host.zone, url="nfs://10.147.28.6/export/primary0", scope=scope, **given)
    assert (made["type"], made["scope"]) == ("NetworkFilesystem", scope)
    assert (made["ipaddress"], made["path"]) == ("10.147.28.6", "/export/primary0")
    run_everything()
    pool = StoragePool.objects.get()
    assert (pool.state, pool.hypervisor) == ("Up", "Simulator")
    found = execute(admin_caller(), "listStoragePools", {"ipaddress": "10.147.28.6"})
    assert found.count == 1
    with pytest.raises(InvalidParameter, match="already storage pool gold"):
        create(host.zone, url="nfs://10.147.28.6/export/primary0", **given)


def test_a_pool_waits_for_hosts_that_are_just_being_added(world):
    cluster = make_cluster()
    wanted = {"zoneid": cluster.zone.uuid, "podid": cluster.pod.uuid, "clusterid": cluster.uuid}
    host = {**wanted, "hypervisor": "Simulator", "url": "http://sim/c0/h0"}
    execute(admin_caller(), "addHost", host)
    create(cluster.zone, url="nfs://10.1.1.1/one", clusterid=cluster.uuid)
    AsyncJob.objects.filter(command="addHost").update(due=timezone.now() + timedelta(hours=1))
    run_everything()
    assert StoragePool.objects.get().state == "Up"


def test_real_hosts_are_not_told_to_mount_anything(world):
    host = make_host(make_cluster(hypervisor="KVM"))
    with pytest.raises(InvalidParameter, match="mount it on every host"):
        create(host.zone, url="nfs://10.1.1.1/one", clusterid=host.cluster.uuid)


def test_a_local_pool_belongs_to_the_host_its_address_names(world):
    host = make_host(name="kvm-1")
    make_host(host.cluster)
    made = create(host.zone, url="file://kvm-1/var/images/", clusterid=host.cluster.uuid)
    run_everything()
    pool = StoragePool.objects.get()
    assert (pool.host, pool.path, pool.scope, pool.state) == (host, "/var/images", "HOST", "Up")
    assert made["hostname"] == "kvm-1"


@pytest.mark.parametrize(
    "given, said",
    [
        ({"url": "gopher:///x"}, "not the address of a storage pool"),
        ({"url": "iscsi://server/export"}, "cannot be added yet"),
        ({"url": "nfs:///export"}, "names no server"),
        ({"url": "SharedMountPoint:///"}, "no usable folder"),
        ({"url": "SharedMountPoint:///a/../etc"}, "no usable folder"),
        ({"url": "SharedMountPoint:relative"}, "no usable folder"),
        ({"url": "SharedMountPoint:///a,b"}, "no usable folder"),
        ({"url": "file://nobody/srv"}, "no host nobody"),
        ({"url": "file:///srv", "scope": "ZONE"}, "local to one host"),
        ({"scope": "CLUSTER"}, "needs clusterid"),
        ({"scope": "HOST"}, "is given as file"),
    ],
)
def test_what_is_no_pool_is_refused_and_leaves_nothing(world, given, said):
    host = make_host()
    with pytest.raises(InvalidParameter, match=said):
        create(host.zone, **given)
    assert not StoragePool.everything.exists()
    assert not AsyncJob.objects.exists()


def test_a_cluster_of_another_zone_is_refused(world):
    with pytest.raises(InvalidParameter, match="not in zone"):
        create(make_zone(), clusterid=make_cluster().uuid)


def test_without_local_storage_in_the_zone_a_local_pool_is_refused(world):
    host = make_host()
    type(host.zone).objects.update(local_storage_enabled=False)
    with pytest.raises(InvalidParameter, match="localstorageenabled"):
        create(host.zone, url="file:///srv/x")


def test_a_folder_is_one_pool_only(world):
    host = make_host()
    create(host.zone)
    with pytest.raises(InvalidParameter, match="already storage pool gold"):
        create(host.zone, name="silver")


def test_a_pool_that_a_host_cannot_prepare_is_removed_and_the_job_says_why(world):
    host = make_host()
    make_host(host.cluster)
    world.faults.fail("pool.prepare", p.NoSuchPool("/srv/gold is not there; mount it first."))
    create(host.zone, clusterid=host.cluster.uuid)
    run_everything()
    assert not StoragePool.objects.exists()
    job = AsyncJob.objects.get()
    assert job.status == JobStatus.FAILED
    assert "mount it first" in job.error_text
    assert Alert.objects.filter(name__contains="gold").exists()
    create(host.zone)  # the folder is free again


@pytest.mark.parametrize("index, when", [(0, "before"), (0, "after"), (1, "before"), (1, "after")])
def test_adding_survives_the_worker_at_every_step(world, monkeypatch, index, when):
    host = make_host()
    create(host.zone)
    disturb(monkeypatch, jobs.bring_up, index, Killed(), when=when)
    assert run_killed().status == JobStatus.DONE
    assert StoragePool.objects.get().state == "Up"


@pytest.mark.parametrize("index, when", [(0, "before"), (0, "after"), (1, "before")])
def test_adding_that_fails_at_any_step_leaves_no_pool(world, monkeypatch, index, when):
    host = make_host()
    create(host.zone)
    disturb(monkeypatch, jobs.bring_up, index, BROKEN, when=when)
    run_everything()
    assert not StoragePool.objects.exists()
    assert not world.ledger.groups("pools")


def test_a_pool_changes_its_name_tags_and_use(cloud):
    pool = cloud.site.pool
    caller = admin_caller()
    given = {"id": pool.uuid, "name": "银", "tags": "a,b", "enabled": "false"}
    made = execute(caller, "updateStoragePool", given).record()
    assert (made["name"], made["tags"], made["state"]) == ("银", "a,b", "Disabled")
    execute(caller, "updateStoragePool", {"id": pool.uuid, "enabled": "true"})
    pool.refresh_from_db()
    assert pool.state == "Up"


def test_a_pool_in_use_says_by_what(cloud):
    cloud.volume(name="db-disk")
    with pytest.raises(InUse, match=r"in use by 1 volume: db-disk \(Ready\)"):
        execute(admin_caller(), "deleteStoragePool", {"id": cloud.site.pool.uuid})
    cloud.site.pool.refresh_from_db()
    assert cloud.site.pool.state == "Up"
    with pytest.raises(ProtectedError):
        cloud.site.pool.delete()


def test_a_destroyed_volume_still_holds_its_pool_and_an_expunged_one_does_not(cloud):
    volume = cloud.volume()
    caller = admin_caller()
    execute(caller, "destroyVolume", {"id": volume.uuid})
    run_everything()
    with pytest.raises(InUse, match="Destroy"):
        execute(caller, "deleteStoragePool", {"id": cloud.site.pool.uuid})
    execute(caller, "deleteVolume", {"id": volume.uuid})
    run_everything()
    volume = Volume.everything.get(pk=volume.pk)
    assert (volume.state, volume.pool, volume.pool_name) == ("Expunged", None, volume.pool_name)
    execute(caller, "deleteStoragePool", {"id": cloud.site.pool.uuid})
    run_everything()
    assert not StoragePool.objects.exists()
    assert not cloud.world.ledger.groups("pools")


def test_templates_lying_on_a_pool_go_with_it(cloud, run):
    template = cloud.template()
    bases.ensure(run, template, cloud.site.pool, cloud.site.host)
    execute(admin_caller(), "deleteStoragePool", {"id": cloud.site.pool.uuid})
    run_everything()
    assert not StoragePool.objects.exists()
    assert not cloud.files()


def test_removal_that_the_host_refuses_leaves_the_pool_in_maintenance(cloud):
    cloud.world.faults.fail("pool.remove", p.VolumeInUse("Pool still holds 1 files"), times=99)
    execute(admin_caller(), "deleteStoragePool", {"id": cloud.site.pool.uuid})
    run_everything()
    assert AsyncJob.objects.get().status == JobStatus.FAILED
    cloud.site.pool.refresh_from_db()
    assert (cloud.site.pool.state, cloud.site.pool.removed) == ("Maintenance", None)


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("when", ["before", "after"])
def test_removal_survives_the_worker_at_every_step(cloud, monkeypatch, index, when):
    execute(admin_caller(), "deleteStoragePool", {"id": cloud.site.pool.uuid})
    disturb(monkeypatch, jobs.take_down, index, Killed(), when=when)
    assert run_killed().status == JobStatus.DONE
    assert not StoragePool.objects.exists()


def test_maintenance_keeps_new_volumes_out_and_ends(cloud):
    pool, caller = cloud.site.pool, admin_caller()
    execute(caller, "enableStorageMaintenance", {"id": pool.uuid})
    run_everything()
    pool.refresh_from_db()
    assert pool.state == "Maintenance"
    assert space.refusal(pool, 1) == "it is Maintenance"
    execute(caller, "cancelStorageMaintenance", {"id": pool.uuid})
    run_everything()
    pool.refresh_from_db()
    assert pool.state == "Up"
    with pytest.raises(NotAllowedInState):
        execute(caller, "cancelStorageMaintenance", {"id": pool.uuid})


# -- what fits where -----------------------------------------------------------------------------


def test_overcommit_multiplies_what_may_be_promised(db):
    pool = make_pool(capacity_bytes=100 * GIB)
    assert space.limit_bytes(pool) == 200 * GIB
    assert space.refusal(pool, 170 * GIB) == ""
    assert "are needed" in space.refusal(pool, 171 * GIB)
    configuration.set_value("storage.overprovisioning.factor", "1.0", pool)
    assert "are needed" in space.refusal(pool, 86 * GIB)


def test_a_pool_that_is_really_full_takes_nothing(db):
    pool = make_pool(capacity_bytes=100 * GIB, used_bytes=86 * GIB)
    assert "86% of it is full" in space.refusal(pool, 1)


def test_the_best_pool_has_the_tags_and_the_most_room(db):
    host = make_host()
    make_pool(cluster=host.cluster, name="plain")
    small = make_pool(cluster=host.cluster, tags=["ssd"], capacity_bytes=50 * GIB)
    big = make_pool(host=host, tags=["ssd", "fast"], capacity_bytes=90 * GIB)
    make_pool(cluster=make_cluster(zone=host.zone), tags=["ssd"], name="elsewhere")
    assert space.choose(host.zone, host, ["ssd"], GIB) == big
    assert space.choose(host.zone, host, ["ssd"], GIB, storage_type="shared") == small


def test_a_refusal_carries_the_table_of_all_pools_and_reasons(db):
    host = make_host()
    make_pool(cluster=host.cluster, name="plain")
    make_pool(host=host, name="off", state="Disabled", tags=["ssd"])
    with pytest.raises(InsufficientCapacity) as refused:
        space.choose(host.zone, host, ["ssd"], GIB)
    reasons = {row["pool"]: row["refused"] for row in refused.value.details}
    assert reasons == {"plain": "it lacks storage tag ssd", "off": "it is Disabled"}


def test_the_last_room_is_promised_once(db):
    pool = make_pool(capacity_bytes=10 * GIB)
    space.reserve(pool, 17 * GIB)
    stale = StoragePool(pk=pool.pk, state="Up", capacity_bytes=10 * GIB)
    with pytest.raises(InsufficientCapacity):
        space.reserve(stale, GIB)
    pool.refresh_from_db()
    assert pool.allocated_bytes == 17 * GIB
    space.release(pool.pk, 17 * GIB)
    pool.refresh_from_db()
    assert pool.allocated_bytes == 0


def test_lists_are_for_those_who_run_the_cloud(cloud):
    make_volume(pool=cloud.site.pool, size_gb=7)
    records = execute(admin_caller(), "listStoragePools", {"zoneid": cloud.site.zone.uuid}).records
    assert [r["name"] for r in records] == ["primary"]
    assert records[0]["disksizeallocated"] == 7 * GIB
    assert records[0]["overprovisionfactor"] == "2.0"
    found = execute(admin_caller(), "listStoragePools", {"hostid": cloud.site.host.uuid})
    assert found.count == 1
    assert execute(make_caller("ResourceAdmin"), "listStoragePools", {}).count == 0
