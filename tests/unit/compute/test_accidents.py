"""Every plan, with a failure and with a death at each of its calls and steps."""

import pytest

from api.dispatch import execute
from compute.models import VirtualMachine, VolumeAttachment
from core import steps
from jobs.models import AsyncJob, JobStatus
from jobs.rows import thaw
from jobs.worker import run_everything
from tests.factories import (
    admin_caller,
    caller_of,
    make_account,
    make_cloud,
    make_disk_offering,
    make_iso,
    make_network,
    make_vm,
    make_volume,
    put_image,
    put_machine,
)
from tests.unit.compute.accidents import (
    FAILURE,
    SILENCE,
    Killed,
    accident_at_call,
    calls_of,
    death_at_step,
    fresh_world,
    rolled_back,
    run_until_death,
)
from tests.unit.compute.books import assert_balanced, hear_hosts

pytestmark = pytest.mark.django_db


class Scene:
    """A cloud, and a command that begins a job in it."""

    def __init__(self, world):
        self.world = world
        self.cloud = make_cloud(2, world=world)
        self.account = make_account()
        self.caller = caller_of(self.account)

    def machine(self, state="Running", **more):
        return make_vm(state, account=self.account, cloud=self.cloud, world=self.world, **more)

    def do(self, command, caller=None, **given):
        given = {k: str(getattr(v, "uuid", v)) for k, v in given.items()}
        return execute(caller or self.caller, command, given).job


def deploy(scene, **more):
    more.setdefault("networkids", scene.cloud.network(scene.account))
    cloud = scene.cloud
    return scene.do(
        "deployVirtualMachine", zoneid=cloud.zone, serviceofferingid=cloud.offering,
        templateid=cloud.template, name="web-1", **more,
    )  # fmt: skip


def deploy_with_data_disk(scene):
    return deploy(scene, diskofferingid=make_disk_offering())


def deploy_stopped(scene):
    return deploy(scene, startvm="false")


def start(scene):
    return scene.do("startVirtualMachine", id=scene.machine("Stopped"))


def start_with_new_disk(scene):
    vm = scene.machine("Stopped")
    volume = make_volume(scene.account, zone=scene.cloud.zone)
    VolumeAttachment.objects.create(machine=vm, volume=volume, device_id=1)
    return scene.do("startVirtualMachine", id=vm)


def stop(scene):
    return scene.do("stopVirtualMachine", id=scene.machine())


def stop_by_force(scene):
    return scene.do("stopVirtualMachine", id=scene.machine(), forced="true")


def reboot(scene):
    return scene.do("rebootVirtualMachine", id=scene.machine())


def destroy(scene):
    return scene.do("destroyVirtualMachine", id=scene.machine())


def destroy_for_good(scene):
    vm = scene.machine()
    volume = make_volume(scene.account, pool=scene.cloud.pool)
    VolumeAttachment.objects.create(machine=vm, volume=volume, device_id=1)
    put_machine(scene.world, vm)
    return scene.do(
        "destroyVirtualMachine", admin_caller(), id=vm, expunge="true", volumeids=volume
    )


def expunge(scene):
    return scene.do("expungeVirtualMachine", admin_caller(), id=scene.machine("Destroyed"))


def attach_new(scene):
    volume = make_volume(scene.account, zone=scene.cloud.zone)
    return scene.do("attachVolume", id=volume, virtualmachineid=scene.machine())


def attach_used(scene):
    vm = scene.machine()
    volume = make_volume(scene.account, pool=scene.cloud.pool)
    other = VolumeAttachment(machine=vm, volume=volume, device_id=1)
    other.save()
    put_machine(scene.world, vm)
    other.delete()
    vm.refresh_from_db()
    put_machine(scene.world, vm)
    return scene.do("attachVolume", id=volume, virtualmachineid=vm)


def detach(scene):
    vm = scene.machine()
    volume = make_volume(scene.account, pool=scene.cloud.pool)
    VolumeAttachment.objects.create(machine=vm, volume=volume, device_id=1)
    put_machine(scene.world, vm)
    return scene.do("detachVolume", id=volume)


def create_and_attach(scene):
    return scene.do(
        "createVolume", name="data", diskofferingid=make_disk_offering(),
        virtualmachineid=scene.machine(),
    )  # fmt: skip


def resize(scene):
    root = VolumeAttachment.objects.get(machine=scene.machine()).volume
    return scene.do("resizeVolume", id=root, size=20)


def snapshot(scene):
    root = VolumeAttachment.objects.get(machine=scene.machine()).volume
    return scene.do("createSnapshot", volumeid=root)


def add_nic(scene):
    network = make_network(scene.account, zone=scene.cloud.zone)
    return scene.do(
        "addNicToVirtualMachine", virtualmachineid=scene.machine(), networkid=network
    )


def remove_nic(scene):
    vm = scene.machine()
    network = make_network(scene.account, zone=scene.cloud.zone)
    scene.do("addNicToVirtualMachine", virtualmachineid=vm, networkid=network)
    run_everything()
    nic = vm.nics.get(network=network)
    return scene.do("removeNicFromVirtualMachine", virtualmachineid=vm, nicid=nic)


def attach_iso(scene):
    iso = make_iso(scene.account, store=scene.cloud.store)
    put_image(scene.world, iso)
    return scene.do("attachIso", id=iso, virtualmachineid=scene.machine())


def reinstall(scene):
    return scene.do("restoreVirtualMachine", virtualmachineid=scene.machine("Stopped"))


def reinstall_and_expunge(scene):
    vm = scene.machine("Stopped")
    return scene.do("restoreVirtualMachine", virtualmachineid=vm, expunge="true")


SCENES = (
    deploy, deploy_with_data_disk, deploy_stopped, start, start_with_new_disk, stop,
    stop_by_force, reboot, destroy, destroy_for_good, expunge, attach_new, attach_used, detach,
    create_and_attach, resize, snapshot, add_nic, remove_nic, attach_iso, reinstall,
    reinstall_and_expunge,
)  # fmt: skip
#: Ways that end well or are tried again by the reconciler; they cannot be gone back.
ONE_WAY = (destroy, destroy_for_good, expunge, reinstall_and_expunge)


@pytest.fixture
def turns(tmp_path):
    """Runs ``act(scene)`` in a cloud of its own, and leaves nothing behind."""

    def turn(begin, act):
        with rolled_back(), fresh_world(tmp_path) as world:
            scene = Scene(world)
            job = begin(scene)
            act(scene, job)

    return turn


def _plan_of(job):
    return [row.name for row in job.steps.all()]


def _measure(begin, turns, monkeypatch):
    """The calls and the steps of an undisturbed run, which must end well."""
    found = {}

    def act(scene, job):
        with monkeypatch.context() as patch:
            seen = calls_of(scene.world, patch)
            run_everything()
        job.refresh_from_db()
        assert job.status == JobStatus.DONE, job.error_text
        assert_balanced(scene.world)
        found.update(calls=seen, steps=_plan_of(job))

    turns(begin, act)
    return found


@pytest.mark.parametrize("begin", SCENES, ids=lambda f: f.__name__)
def test_a_worker_dies_at_any_step(begin, turns, monkeypatch):
    for name in _measure(begin, turns, monkeypatch)["steps"]:
        for when in ("before", "after"):

            def act(scene, job, name=name, when=when):
                with death_at_step(name, when, monkeypatch):
                    assert run_until_death(), f"{name} was never run"
                run_everything()
                job.refresh_from_db()
                assert job.status == JobStatus.DONE, f"{name} {when}: {job.error_text}"
                assert_balanced(scene.world)

            turns(begin, act)


@pytest.mark.parametrize("begin", SCENES, ids=lambda f: f.__name__)
def test_a_worker_dies_at_any_call_to_a_host(begin, turns, monkeypatch):
    for number, operation in enumerate(_measure(begin, turns, monkeypatch)["calls"]):
        for when in ("before", "after"):

            def act(scene, job, number=number, when=when, operation=operation):
                with accident_at_call(number, when, Killed(), monkeypatch):
                    assert run_until_death()
                run_everything()
                job.refresh_from_db()
                assert job.status == JobStatus.DONE, f"{operation} {when}: {job.error_text}"
                assert_balanced(scene.world)

            turns(begin, act)


@pytest.mark.parametrize("begin", SCENES, ids=lambda f: f.__name__)
def test_a_host_is_silent_for_a_while(begin, turns, monkeypatch):
    for number, operation in enumerate(_measure(begin, turns, monkeypatch)["calls"]):
        for when in ("before", "after"):

            def act(scene, job, number=number, when=when, operation=operation):
                with accident_at_call(number, when, SILENCE, monkeypatch):
                    run_everything()
                job.refresh_from_db()
                assert job.status == JobStatus.DONE, f"{operation} {when}: {job.error_text}"
                assert_balanced(scene.world)

            turns(begin, act)


@pytest.mark.parametrize(
    "begin", [s for s in SCENES if s not in ONE_WAY], ids=lambda f: f.__name__
)
def test_an_operation_fails_and_the_plan_unwinds(begin, turns, monkeypatch):
    for number, operation in enumerate(_measure(begin, turns, monkeypatch)["calls"]):
        for when in ("before", "after"):

            def act(scene, job, number=number, when=when, operation=operation):
                with accident_at_call(number, when, FAILURE, monkeypatch):
                    run_everything()
                job.refresh_from_db()
                assert job.status != JobStatus.PENDING, f"{operation} {when}"
                if job.status == JobStatus.FAILED:
                    assert "said no" in job.error_text
                hear_hosts(scene.world)
                assert_balanced(scene.world)

            turns(begin, act)


@pytest.mark.parametrize("begin", [deploy, start, attach_new, add_nic], ids=lambda f: f.__name__)
def test_a_worker_dies_while_unwinding(begin, turns, monkeypatch):
    names = _measure(begin, turns, monkeypatch)["steps"]
    undoing = _undo_names(begin, turns)
    assert len(names) >= len(undoing) > 0
    for name in undoing:
        for when in ("before", "after"):

            def act(scene, job, name=name, when=when):
                last = f"domain.{'start' if begin in (deploy, start) else 'attach_*'}"
                scene.world.faults.fail(last, FAILURE)
                with death_at_step(name, when, monkeypatch):
                    assert run_until_death(), f"{name} was never run"
                run_everything()
                job.refresh_from_db()
                assert job.status == JobStatus.FAILED, f"{name} {when}"
                assert_balanced(scene.world)

            turns(begin, act)


def _undo_names(begin, turns):
    found = []

    def act(scene, job):
        job = AsyncJob.objects.get(pk=job.pk)
        subject = VirtualMachine.objects.filter(uuid=job.instance_uuid).first()
        built = steps.PLANS[job.plan].build(subject or thaw(job.subject), **thaw(job.args))
        found.extend(s.undo.__name__ for s in built if s.undo)

    turns(begin, act)
    return found
