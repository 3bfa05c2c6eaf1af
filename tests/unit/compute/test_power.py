"""What hosts report, against what we think."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agent import protocol
from compute.models import VirtualMachine
from compute.services import power, strays
from infra import agents
from infra.models import Alert, HostCapacity
from infra.services import reports
from infra.services.hearing import Heard, settle
from jobs.models import AsyncJob, Event, Trouble
from jobs.troubles import begin_repair
from jobs.worker import run_everything
from tests.factories import make_cloud, make_vm, put_machine
from tests.unit.compute.asking import ask, deploy, done
from tests.unit.compute.books import assert_balanced

pytestmark = pytest.mark.django_db


def report(host, at=None):
    """One report of a host, as the monitor hands it on."""
    found = agents.call(host, "host.power")
    power.heard(host, found.states, at or timezone.now())


def missing(vm, host):
    """The domain is gone without a trace, seen twice."""
    now = timezone.now()
    power.heard(host, (), now)
    power.heard(host, (), now + timedelta(seconds=3))


@pytest.fixture
def vm(world, cloud, account):
    return make_vm("Running", account=account, cloud=cloud, world=world)


@pytest.mark.parametrize("reason, words", [("crashed", "crashed"), ("shutdown", "from inside")])
def test_a_guest_that_died_is_stopped_and_said_so(world, vm, cloud, reason, words):
    address = vm.nics.get().address
    world.kill_guest(str(cloud.host.uuid), str(vm.uuid), reason)
    report(cloud.host)
    vm.refresh_from_db()
    assert (vm.state, vm.host, vm.last_host, vm.power_state) == (
        "Stopped", None, cloud.host, "PowerOff",
    )  # fmt: skip
    assert vm.nics.get().address == address
    assert HostCapacity.objects.get(host=cloud.host).memory_used_mb == 0
    assert words in Event.objects.get(type="VM.STOP").description
    alert = Alert.objects.get()
    assert (alert.type, alert.zone) == (8, cloud.zone)
    strays.compare(cloud.host, agents.call(cloud.host, "host.power").states, timezone.now())
    run_everything()
    assert_balanced(world)


def test_one_report_says_it_once(world, vm, cloud):
    world.kill_guest(str(cloud.host.uuid), str(vm.uuid))
    for _ in range(3):
        report(cloud.host)
    assert Event.objects.filter(type="VM.STOP").count() == 1


def test_a_report_that_is_as_expected_costs_one_query(
    world, account, cloud, django_assert_num_queries
):
    for _ in range(5):
        make_vm("Running", account=account, cloud=cloud, world=world)
    states = agents.call(cloud.host, "host.power").states
    with django_assert_num_queries(1):
        power.heard(cloud.host, states, timezone.now())


def test_a_missing_domain_counts_as_off_only_when_it_stays_away(world, vm, cloud):
    now = timezone.now()
    power.heard(cloud.host, (), now)
    vm.refresh_from_db()
    assert (vm.state, vm.power_state) == ("Running", "PowerReportMissing")
    report(cloud.host)
    vm.refresh_from_db()
    assert (vm.state, vm.power_state) == ("Running", "PowerOn")
    missing(vm, cloud.host)
    vm.refresh_from_db()
    assert (vm.state, vm.host) == ("Stopped", None)


def test_a_guest_started_behind_our_back_is_running(world, cloud, account):
    vm = make_vm("Stopped", account=account, cloud=cloud, world=world)
    vm.host = cloud.host
    put_machine(world, vm)
    report(cloud.host)
    vm.refresh_from_db()
    assert (vm.state, vm.host) == ("Running", cloud.host)
    assert HostCapacity.objects.get(host=cloud.host).memory_used_mb == vm.memory_mb
    assert_balanced(world)


def test_an_old_report_changes_nothing(world, vm, cloud):
    """Asked before the machine came up, answered after."""
    power.heard(cloud.host, (), vm.state_at - timedelta(seconds=1))
    power.heard(cloud.host, (), vm.state_at - timedelta(seconds=0.5))
    vm.refresh_from_db()
    assert (vm.state, vm.power_state) == ("Running", "PowerOn")


@pytest.mark.parametrize("command", ["stopVirtualMachine", "rebootVirtualMachine"])
def test_a_machine_that_a_job_works_on_is_left_alone(world, caller, vm, cloud, command):
    ask(caller, command, id=vm)
    before = VirtualMachine.objects.values("state", "host", "power_state").get()
    missing(vm, cloud.host)
    assert VirtualMachine.objects.values("state", "host", "power_state").get() == before
    run_everything()
    assert_balanced(world)


def test_a_report_between_a_start_and_its_job_does_not_stop_it(world, caller, cloud):
    outcome = deploy(caller, cloud)
    missing(None, cloud.host)
    outcome.value.refresh_from_db()
    assert outcome.value.state == "Starting"
    assert done(outcome).state == "Running"


def test_what_a_dead_job_left_transitional_follows_the_report(world, cloud, account):
    starting = make_vm("Starting", account=account, cloud=cloud, world=world)
    stopping = make_vm("Stopping", account=account, cloud=cloud, world=world)
    world.drop_domain(str(cloud.host.uuid), str(stopping.uuid))
    report(cloud.host)
    missing_at = timezone.now() + timedelta(seconds=3)
    report(cloud.host, missing_at)
    starting.refresh_from_db()
    stopping.refresh_from_db()
    assert (starting.state, stopping.state) == ("Running", "Stopped")


def test_a_lost_host_leaves_its_guests_unknown(world, vm, cloud):
    reports.lost(cloud.host)
    vm.refresh_from_db()
    assert (vm.state, vm.power_state) == ("Running", "PowerUnknown")
    report(cloud.host)
    vm.refresh_from_db()
    assert vm.power_state == "PowerOn"


def test_the_monitor_brings_the_reports(world, vm, cloud):
    world.kill_guest(str(cloud.host.uuid), str(vm.uuid))
    found = agents.call(cloud.host, "host.power")
    settle([Heard(cloud.host, timezone.now(), power=found)])
    vm.refresh_from_db()
    assert vm.state == "Stopped"


# -- strays ----------------------------------------------------------------------------------


def look(host):
    states = agents.call(host, "host.power").states
    return strays.compare(host, states, timezone.now())


def test_a_domain_nobody_knows_is_shown_and_can_be_removed(world, vm, cloud):
    host = str(cloud.host.uuid)
    before = world.domain(host, str(vm.uuid))
    stranger = protocol.DomainSpec("6e6e6e6e-0000-4000-8000-000000000001", "i-9-9-VM", 1, 128)
    world.put_domain(host, type(before)(stranger, "PowerOn", "started", 1.0))
    assert look(cloud.host) == 1
    trouble = Trouble.objects.get(closed=None)
    assert "i-9-9-VM" in trouble.sentence
    begin_repair(trouble)
    run_everything()
    assert world.domain(host, stranger.uuid) is None
    assert look(cloud.host) == 0
    assert not Trouble.objects.filter(closed=None).exists()
    assert_balanced(world)


def test_a_machine_that_runs_twice_is_left_to_a_person(world, account):
    cloud = make_cloud(2, world=world)
    vm = make_vm("Running", account=account, cloud=cloud, world=world)
    here, there = cloud.hosts
    domain = world.domain(str(here.uuid), str(vm.uuid))
    world.put_domain(str(there.uuid), domain)
    assert look(there) == 1
    trouble = Trouble.objects.get(closed=None)
    assert (trouble.kind, trouble.resource_uuid) == ("vm.twice", vm.uuid)
    assert world.domain(str(there.uuid), str(vm.uuid)) is not None
    begin_repair(trouble)
    run_everything()
    assert world.domain(str(here.uuid), str(vm.uuid)).power == "PowerOn"
    assert look(there) == 0
    assert_balanced(world)


def test_leftovers_of_machines_that_are_gone_are_cleaned_up(world, caller, cloud):
    vm = make_vm("Destroyed", account=caller.account, cloud=cloud, world=world)
    vm.host = cloud.host
    put_machine(world, vm)
    assert look(cloud.host) == 1  # its owner may recover it, and it runs: a person decides
    VirtualMachine.objects.filter(pk=vm.pk).update(state="Error")
    look(cloud.host)
    run_everything()
    assert world.domain(str(cloud.host.uuid), str(vm.uuid)) is None


def test_cleaning_up_never_hits_a_machine_that_came_back(world, caller, cloud):
    vm = make_vm("Running", account=caller.account, cloud=cloud, world=world)
    world.kill_guest(str(cloud.host.uuid), str(vm.uuid))
    report(cloud.host)
    look(cloud.host)  # the clean-up is queued …
    assert AsyncJob.objects.filter(plan__endswith="clean_host").exists()
    ask(caller, "startVirtualMachine", id=vm)  # … and its owner starts it first
    run_everything()
    vm.refresh_from_db()
    assert vm.state == "Running"
    assert world.domain(str(cloud.host.uuid), str(vm.uuid)).power == "PowerOn"
    assert_balanced(world)
