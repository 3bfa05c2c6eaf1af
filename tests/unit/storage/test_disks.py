"""The steps that plans of machines are made of: templates brought once, files made and gone."""

import pytest

from agent import protocol as p
from core.errors import InsufficientCapacity, ResourceUnavailable
from core.steps import Later, Plan, Step, plan
from jobs.models import AsyncJob
from jobs.submit import submit
from jobs.worker import run_everything
from storage.models import PoolTemplate, StoragePool, Volume
from storage.services import allocation, bases, disks, reach, volumes
from storage.upkeep import cleaning
from tests.factories import GIB, make_account, make_iso, make_template
from tests.unit.storage.conftest import Hand

pytestmark = pytest.mark.django_db


def root_disk(cloud, template=None, size_gb=5, account=None) -> Volume:
    volume = volumes.allocate(
        account or make_account(),
        cloud.site.zone,
        name="ROOT-1",
        size_bytes=size_gb * GIB,
        type="ROOT",
        template=template,
    )
    volumes.assign(volume, cloud.site.pool)
    return volume


def pending_job() -> AsyncJob:
    return AsyncJob.objects.create(
        account=make_account(), command="deploy", plan="x", subject={}, correlation_id="c"
    )


def test_a_root_disk_is_an_overlay_of_its_template(cloud, run):
    template = cloud.template()
    volume = root_disk(cloud, template)
    disks.create_on_pool(run, volume, cloud.site.host)
    volume = Volume.objects.get()
    base = PoolTemplate.objects.get()
    assert (volume.state, volume.base, base.state) == ("Ready", base, "Ready")
    file = cloud.world.ledger.get("files", str(cloud.site.pool.uuid), volume.path)
    assert file.backing == base.name
    cloud.assert_balanced()


def test_making_it_twice_is_harmless(cloud, run):
    volume = root_disk(cloud, cloud.template())
    for _ in range(2):
        disks.create_on_pool(run, volume, cloud.site.host)
    assert len(cloud.files()) == 2
    cloud.assert_balanced()


def test_a_disk_beside_an_iso_is_empty(cloud, run):
    volume = root_disk(cloud, make_iso())
    disks.create_on_pool(run, volume, cloud.site.host)
    assert Volume.objects.get().base is None
    assert len(cloud.files()) == 1


def test_a_fat_disk_stands_alone(cloud, run):
    volume = root_disk(cloud, cloud.template())
    Volume.objects.update(provisioning="fat")
    disks.create_on_pool(run, volume, cloud.site.host)
    assert Volume.objects.get().base is None


def test_undoing_leaves_neither_file_nor_promise_nor_count(cloud, run):
    volume = root_disk(cloud, cloud.template())
    disks.create_on_pool(run, volume, cloud.site.host)
    for _ in range(2):
        disks.delete_file(run, volume)
        allocation.discard(volume)
    assert Volume.everything.get().state == "Expunged"
    assert cloud.files() == {PoolTemplate.objects.get().name}
    cloud.assert_balanced()


def test_what_failed_half_way_is_undone_too(cloud, run):
    volume = root_disk(cloud, cloud.template())
    cloud.world.faults.fail("volume.create", p.OperationFailed("no"), when="after")
    with pytest.raises(p.OperationFailed):
        disks.create_on_pool(run, volume, cloud.site.host)
    assert Volume.objects.get().state == "Creating"
    disks.delete_file(run, volume)
    volume = Volume.objects.get()
    assert (volume.state, volume.pool, volume.base) == ("Allocated", None, None)
    cloud.assert_balanced()


def test_expunging_leaves_nothing_from_any_state(cloud, run):
    account = make_account()
    made = root_disk(cloud, cloud.template(), account=account)
    disks.create_on_pool(run, made, cloud.site.host)
    only_promised = root_disk(cloud, account=account)
    for volume in (made, only_promised):
        for _ in range(2):
            disks.expunge(run, volume)
    assert not Volume.objects.exists()
    assert cloud.files() == {PoolTemplate.objects.get().name}
    cloud.assert_balanced()


def test_a_pool_that_is_new_to_a_host_is_prepared_on_the_way(cloud, run):
    cloud.world.ledger.drop("pools", str(cloud.site.pool.uuid), "")
    disks.create_on_pool(run, root_disk(cloud), cloud.site.host)
    assert Volume.objects.get().state == "Ready"


# -- brought once --------------------------------------------------------------------------------


def test_a_template_is_brought_once_and_its_room_promised_once(cloud, run):
    template = cloud.template()
    for _ in range(3):
        disks.create_on_pool(run, root_disk(cloud, template), cloud.site.host)
    assert PoolTemplate.objects.count() == 1
    assert len(cloud.files()) == 4
    cloud.assert_balanced()


def test_who_finds_another_job_at_it_waits_and_takes_over_when_that_is_gone(cloud):
    template, pool, host = cloud.template(), cloud.site.pool, cloud.site.host
    other = pending_job()
    PoolTemplate.objects.create(
        template=template, pool=pool, state="Creating", installer=other.uuid
    )
    with pytest.raises(Later, match="Waits until template"):
        bases.ensure(Hand(), template, pool, host)
    AsyncJob.objects.filter(pk=other.pk).update(status=2)
    base = bases.ensure(Hand(), template, pool, host)
    assert (base.state, base.installer) == ("Ready", None)
    assert base.name in cloud.files()


def test_its_own_unfinished_work_is_gone_on_with(cloud):
    template, pool, run = cloud.template(), cloud.site.pool, Hand()
    PoolTemplate.objects.create(
        template=template, pool=pool, state="Creating", installer=run.job_uuid
    )
    assert bases.ensure(run, template, pool, cloud.site.host).state == "Ready"


def test_a_failure_is_for_the_next_to_try_again(cloud):
    template, pool = cloud.template(), cloud.site.pool
    cloud.world.faults.fail("volume.install_template", p.OperationFailed("bad sector"))
    with pytest.raises(p.OperationFailed):
        bases.ensure(Hand(), template, pool, cloud.site.host)
    base = PoolTemplate.objects.get()
    assert (base.state, base.error) == ("Failed", "bad sector")
    assert bases.ensure(Hand(str(base.uuid)), template, pool, cloud.site.host).state == "Ready"


def test_an_undone_job_leaves_the_template_to_others(cloud):
    template, pool, run = cloud.template(), cloud.site.pool, Hand()
    cloud.world.faults.fail("volume.install_template", p.HypervisorUnavailable("gone"))
    with pytest.raises(p.HypervisorUnavailable):
        bases.ensure(run, template, pool, cloud.site.host)
    disks.give_up_template(run, template, pool)
    assert PoolTemplate.objects.get().state == "Failed"
    disks.give_up_template(run, None, None)


def test_a_template_that_is_not_ready_says_so(cloud):
    template = make_template(store=cloud.site.store, ready=False)
    with pytest.raises(ResourceUnavailable, match="not ready in zone"):
        bases.ensure(Hand(), template, cloud.site.pool, cloud.site.host)


def test_a_pool_without_room_for_the_template_refuses(cloud):
    StoragePool.objects.update(capacity_bytes=GIB // 16)
    cloud.site.pool.refresh_from_db()
    with pytest.raises(InsufficientCapacity):
        bases.ensure(Hand(), cloud.template(), cloud.site.pool, cloud.site.host)
    assert not PoolTemplate.objects.exists()


def test_parallel_deployments_install_a_template_once(cloud, monkeypatch):
    """Two jobs of the real runner: the second comes upon the first in the middle of it."""

    @plan()
    def make_disk(volume):
        return [Step(make)]

    def make(run, volume):
        disks.create_on_pool(run, volume, cloud.site.host)

    template = cloud.template()
    first, second = root_disk(cloud, template), root_disk(cloud, template)
    for volume in (first, second):
        submit(Plan(make_disk, volume), account=volume.account, command="deploy")
    cloud.world.faults.fail("volume.install_template", p.HypervisorUnavailable("restarting"))
    run_everything()
    assert {v.state for v in Volume.objects.all()} == {"Ready"}
    assert PoolTemplate.objects.count() == 1
    cloud.assert_balanced()


# -- let go --------------------------------------------------------------------------------------


def test_a_base_goes_when_its_template_is_deleted_and_the_last_overlay_is_gone(cloud, run):
    template = cloud.template()
    volume = root_disk(cloud, template)
    disks.create_on_pool(run, volume, cloud.site.host)
    template.remove()
    assert cleaning.drop_unused_bases() == 0
    disks.expunge(run, volume)
    assert cleaning.drop_unused_bases() == 1
    assert not cloud.files()
    cloud.assert_balanced()


def test_a_base_that_volumes_build_on_cannot_be_dropped(cloud, run):
    volume = root_disk(cloud, cloud.template())
    disks.create_on_pool(run, volume, cloud.site.host)
    with pytest.raises(p.VolumeInUse):
        bases.drop(run, PoolTemplate.objects.get(), host=cloud.site.host)
    assert PoolTemplate.objects.get().state == "Ready"


def test_a_base_that_is_leaving_takes_no_new_overlay(cloud, run):
    template = cloud.template()
    base = bases.ensure(run, template, cloud.site.pool, cloud.site.host)
    PoolTemplate.objects.update(state="Destroying")
    with pytest.raises(ResourceUnavailable, match="leaving"):
        bases.bind(root_disk(cloud, template), base)


# -- words for hosts -----------------------------------------------------------------------------


def test_a_volume_without_a_file_has_no_reference(cloud):
    volume = volumes.allocate(make_account(), cloud.site.zone, name="x", size_bytes=GIB)
    with pytest.raises(ResourceUnavailable, match="no file"):
        reach.disk_ref(volume)


def test_the_names_on_disk_are_ours(cloud):
    volume = root_disk(cloud)
    ref = reach.disk_ref(volume)
    assert (ref.pool.uuid, ref.name, ref.format) == (
        str(cloud.site.pool.uuid),
        volume.path,
        "qcow2",
    )
    assert "ROOT" not in ref.name


def test_a_host_that_is_down_is_not_asked(cloud):
    type(cloud.site.host).objects.update(status="Down")
    with pytest.raises(p.HostUnavailable, match="reaches storage pool primary"):
        reach.host_for(cloud.site.pool)
