"""Snapshots, going back to them, and templates made of them and of volumes."""

import pytest
from django.db import transaction

from accounts.models import ResourceCount
from accounts.resources import Resource
from accounts.services import limits
from agent import protocol as p
from api.dispatch import execute
from core.errors import InvalidParameter, LimitExceeded, NoSuchObject, NotAllowedInState
from infra.services import configuration
from jobs.models import AsyncJob, JobStatus
from jobs.submit import submit
from jobs.worker import run_everything
from storage.jobs import snapshots as jobs
from storage.jobs import templates as template_jobs
from storage.models import Snapshot, Template, Volume
from storage.services import bases, reach, snapshots, templates
from tests.factories import GIB, admin_caller, caller_of, make_account, make_caller, make_volume
from tests.unit.storage.walking import BROKEN, Killed, disturb, run_killed

pytestmark = pytest.mark.django_db
STEPS = [(0, "before"), (0, "after"), (1, "before"), (1, "after")]


def start(plan) -> AsyncJob:
    return submit(plan, account=plan.subject.account, command="test")


def take(volume, **given) -> Snapshot:
    plan = snapshots.create(volume, **given)
    start(plan)
    run_everything()
    return Snapshot.everything.get(pk=plan.subject.pk)


def used(account, resource) -> int:
    row = ResourceCount.objects.filter(account=account, resource=resource).first()
    return row.used if row else 0


def state(row) -> str:
    return type(row)._base_manager.get(pk=row.pk).state


def test_a_snapshot_is_whole_in_the_store_and_frees_its_volume(cloud):
    volume = cloud.volume(name="data", size_gb=4)
    plan = snapshots.create(volume)
    assert (plan.subject.state, state(volume)) == ("Creating", "Snapshotting")
    assert used(volume.account, Resource.SECONDARY_STORAGE) == 4 * GIB  # promised as large
    start(plan)
    run_everything()
    snapshot = Snapshot.objects.get()
    assert (snapshot.state, snapshot.size_bytes, state(volume)) == ("BackedUp", 4 * GIB, "Ready")
    assert snapshot.name.startswith("data_20")
    assert snapshot.path in cloud.images()
    assert used(volume.account, Resource.SECONDARY_STORAGE) == snapshot.physical_bytes
    cloud.assert_balanced()


def test_a_running_machine_s_volume_is_copied_through_its_domain(cloud, monkeypatch):
    asked = []
    real = reach.on_pool
    monkeypatch.setattr(reach, "on_pool", lambda *a: asked.append(a) or real(*a))
    take(cloud.volume(), domain_uuid="d-1", device_id=2, quiesce=True, host=cloud.site.host)
    _host, _pool, operation, wanted, _run = asked[0]
    assert operation == "volume.snapshot"
    assert (wanted.domain_uuid, wanted.device_id, wanted.quiesce) == ("d-1", 2, True)


def test_running_machines_are_not_snapshotted_where_that_is_switched_off(cloud):
    configuration.set_value("kvm.snapshot.enabled", "false")
    volume = cloud.volume()
    with pytest.raises(InvalidParameter, match="kvm.snapshot.enabled"):
        snapshots.create(volume, domain_uuid="d-1", host=cloud.site.host)
    assert state(volume) == "Ready"
    assert take(volume).state == "BackedUp"  # its machine is off


@pytest.mark.parametrize("volume_state", ["Allocated", "Destroy", "Resizing"])
def test_only_a_ready_volume_is_snapshotted(cloud, volume_state):
    volume = make_volume(zone=cloud.site.zone, state=volume_state)
    with pytest.raises(NotAllowedInState, match=volume_state):
        snapshots.create(volume)


def test_one_snapshot_too_many_is_refused(cloud):
    volume = cloud.volume()
    limits.set_limit(volume.account, Resource.SNAPSHOT, 0)
    with pytest.raises(LimitExceeded), transaction.atomic():
        snapshots.create(volume)
    assert not Snapshot.everything.exists()
    assert state(volume) == "Ready"


@pytest.mark.parametrize("index, when", STEPS)
def test_taking_survives_the_worker_at_every_step(cloud, monkeypatch, index, when):
    volume = cloud.volume()
    start(snapshots.create(volume))
    disturb(monkeypatch, jobs.take_snapshot, index, Killed(), when=when)
    assert run_killed().status == JobStatus.DONE
    assert Snapshot.objects.get().state == "BackedUp"
    cloud.assert_balanced()


@pytest.mark.parametrize("index, when", STEPS[:3])
def test_taking_that_fails_leaves_no_file_and_no_count(cloud, monkeypatch, index, when):
    volume = cloud.volume()
    start(snapshots.create(volume))
    disturb(monkeypatch, jobs.take_snapshot, index, BROKEN, when=when)
    run_everything()
    assert not Snapshot.objects.exists()
    assert not cloud.images()
    assert state(volume) == "Ready"
    assert used(volume.account, Resource.SNAPSHOT) == 0
    cloud.assert_balanced()


# -- deleting ------------------------------------------------------------------------------------


def test_a_deleted_snapshot_leaves_nothing_and_outlives_its_volume_until_then(cloud):
    account = make_account()
    caller, volume = caller_of(account), cloud.volume(account, name="data")
    snapshot = take(volume)
    execute(caller, "deleteVolume", {"id": volume.uuid})
    run_everything()
    shown = execute(caller, "listSnapshots", {}).records
    assert [(s["volumename"], s["state"]) for s in shown] == [("data", "BackedUp")]
    execute(caller, "deleteSnapshot", {"id": snapshot.uuid})
    run_everything()
    assert execute(caller, "listSnapshots", {}).count == 0
    assert not cloud.images()
    assert used(account, Resource.SNAPSHOT) == 0
    cloud.assert_balanced()


@pytest.mark.parametrize("index, when", STEPS)
def test_deletion_survives_the_worker_at_every_step(cloud, monkeypatch, index, when):
    snapshot = take(cloud.volume())
    start(snapshots.delete(snapshot))
    disturb(monkeypatch, jobs.delete_snapshot, index, Killed(), when=when)
    assert run_killed().status == JobStatus.DONE
    assert not Snapshot.objects.exists()
    cloud.assert_balanced()


def test_a_deletion_that_the_host_refuses_leaves_the_snapshot(cloud):
    snapshot = take(cloud.volume())
    cloud.world.faults.fail("image.delete", p.OperationFailed("stale handle"))
    start(snapshots.delete(snapshot))
    run_everything()
    assert state(snapshot) == "BackedUp"
    cloud.assert_balanced()


def test_a_stranger_finds_no_snapshot(cloud):
    snapshot = take(cloud.volume())
    caller = make_caller()
    with pytest.raises(NoSuchObject):
        execute(caller, "deleteSnapshot", {"id": snapshot.uuid})
    assert execute(caller, "listSnapshots", {}).count == 0


# -- going back ----------------------------------------------------------------------------------


def test_a_volume_goes_back_and_stands_alone_from_then_on(cloud, run):
    template = cloud.template()
    base = bases.ensure(run, template, cloud.site.pool, cloud.site.host)
    volume = cloud.volume(template=template)
    Volume.objects.filter(pk=volume.pk).update(base=base)
    snapshot = take(Volume.objects.get(pk=volume.pk))
    start(snapshots.revert(snapshot))
    assert state(volume) == "RevertSnapshotting"
    run_everything()
    volume = Volume.objects.get(pk=volume.pk)
    assert (volume.state, volume.base) == ("Ready", None)
    cloud.assert_balanced()


def test_a_volume_that_grew_since_keeps_its_size(cloud):
    volume = cloud.volume(size_gb=4)
    take(volume)
    Volume.objects.update(size_bytes=6 * GIB)
    start(snapshots.revert(Snapshot.objects.get()))
    run_everything()
    file = cloud.world.ledger.get("files", str(volume.pool.uuid), volume.path)
    assert file.virtual_bytes == 6 * GIB


def test_nothing_goes_back_to_a_volume_that_is_gone(cloud):
    volume = cloud.volume()
    snapshot = take(volume)
    execute(admin_caller(), "deleteVolume", {"id": volume.uuid})
    run_everything()
    with pytest.raises(InvalidParameter, match="create a new volume"):
        snapshots.revert(Snapshot.objects.get(pk=snapshot.pk))


@pytest.mark.parametrize("index, when", STEPS)
def test_going_back_survives_the_worker_at_every_step(cloud, monkeypatch, index, when):
    volume = cloud.volume()
    start(snapshots.revert(take(volume)))
    disturb(monkeypatch, jobs.revert_volume, index, Killed(), when=when)
    assert run_killed().status == JobStatus.DONE
    assert state(volume) == "Ready"
    cloud.assert_balanced()


@pytest.mark.parametrize("index, when", STEPS[:3])
def test_going_back_that_fails_frees_the_volume(cloud, monkeypatch, index, when):
    volume = cloud.volume()
    start(snapshots.revert(take(volume)))
    disturb(monkeypatch, jobs.revert_volume, index, BROKEN, when=when)
    run_everything()
    assert state(volume) == "Ready"
    cloud.assert_balanced()


# -- templates of them ---------------------------------------------------------------------------


def make_from(caller, source, **given):
    kind = "snapshot" if isinstance(source, Snapshot) else "volume"
    plan = templates.create_from(
        caller, source.account, name="golden", hypervisor="Simulator", **{kind: source}, **given
    )
    start(plan)
    return plan.subject


@pytest.mark.parametrize("kind", ["snapshot", "volume"])
def test_a_template_is_made_of_it(cloud, kind):
    volume = cloud.volume(size_gb=4)
    caller = caller_of(volume.account)
    source = take(volume) if kind == "snapshot" else volume
    template = make_from(caller, source)
    run_everything()
    found = execute(caller, "listTemplates", {"templatefilter": "self"}).records[0]
    assert (found["isready"], found["size"], found["ispublic"]) == (True, 4 * GIB, False)
    assert used(volume.account, Resource.TEMPLATE) == 1
    assert state(volume) == "Ready"
    assert template.copies.get().name in cloud.images()
    cloud.assert_balanced()


PLANS = {
    "snapshot": (template_jobs.make_from_snapshot, 2),
    "volume": (template_jobs.make_from_volume, 3),
}
PLACES = [
    (kind, index, when)
    for kind, (_, count) in PLANS.items()
    for index in range(count)
    for when in ("before", "after")
]


@pytest.mark.parametrize("kind, index, when", PLACES)
def test_making_a_template_survives_the_worker_at_every_step(cloud, monkeypatch, kind, index, when):
    volume = cloud.volume()
    source = take(volume) if kind == "snapshot" else volume
    make_from(caller_of(volume.account), source)
    disturb(monkeypatch, PLANS[kind][0], index, Killed(), when=when)
    assert run_killed().status == JobStatus.DONE
    assert Template.objects.ready().count() == 1
    assert state(volume) == "Ready"
    cloud.assert_balanced()


@pytest.mark.parametrize("kind, index, when", PLACES)
def test_making_a_template_that_fails_leaves_nothing(cloud, monkeypatch, kind, index, when):
    volume = cloud.volume()
    source = take(volume) if kind == "snapshot" else volume
    before = cloud.images()
    make_from(caller_of(volume.account), source)
    disturb(monkeypatch, PLANS[kind][0], index, BROKEN, when=when)
    run_everything()
    assert not Template.objects.exists()
    assert cloud.images() == before
    assert state(volume) == "Ready"
    assert used(volume.account, Resource.TEMPLATE) == 0
    cloud.assert_balanced()


@pytest.mark.parametrize(
    "given, said",
    [({}, "either snapshotid or volumeid"), ({"both": True}, "either snapshotid or volumeid")],
)
def test_a_template_is_made_of_one_thing(cloud, given, said):
    volume = cloud.volume()
    source = {"volume": volume, "snapshot": take(volume)} if given else {}
    with pytest.raises(InvalidParameter, match=said):
        templates.create_from(caller_of(volume.account), volume.account, name="x", **source)


def test_a_busy_volume_makes_no_template(cloud):
    volume = cloud.volume(state="Resizing")
    with pytest.raises(NotAllowedInState, match="once it is Ready"):
        templates.create_from(admin_caller(), volume.account, name="x", volume=volume)
