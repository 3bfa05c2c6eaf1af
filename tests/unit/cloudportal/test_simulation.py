"""A cloud written in bulk is as one that grew: all that is counted is right, all runs."""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.models import Sum

from accounts.services import recounting
from api.dispatch import execute
from cloudportal import defaults, hosts
from cloudportal.simulation import Simulation, Wanted
from compute.models import VirtualMachine
from compute.services.recount import recount_hosts
from infra import agents
from infra.models import Host
from infra.services.monitor import Monitor
from jobs.models import Trouble
from jobs.worker import run_everything
from network.models import GuestAddress
from storage.models import StoragePool
from storage.upkeep.comparing import compare_all
from tests.factories import admin_caller

pytestmark = pytest.mark.django_db
WANTED = Wanted(hosts=6, machines=60, accounts=5, domains=2, networks=4, projects=3, zones=2)


@pytest.fixture
def seeded(world):
    defaults.ensure()
    simulation = Simulation(WANTED)
    simulation.seed()
    world.ledger.put_all(simulation.picture())
    return simulation


def test_everything_that_is_counted_is_right(seeded):
    assert recount_hosts() == 0
    assert recounting.mend() == 0
    for pool in StoragePool.objects.annotate(volume_bytes=Sum("volumes__reserved_bytes")):
        based = pool.templates.aggregate(n=Sum("reserved_bytes"))["n"]
        assert pool.allocated_bytes == pool.volume_bytes + based
    assert VirtualMachine.objects.count() == GuestAddress.objects.count() == 60


def test_the_simulated_hosts_have_what_the_database_says(seeded, world):
    Monitor().round()
    assert not VirtualMachine.objects.exclude(state__in=("Running", "Stopped")).exists()
    assert VirtualMachine.objects.filter(state="Running").count() == 54
    assert world.ledger.count("domains") == 54
    compare_all()
    assert not Trouble.objects.filter(closed=None).exists()


def test_what_was_seeded_can_be_worked_with(seeded):
    vm = VirtualMachine.objects.filter(state="Running").first()
    execute(admin_caller(), "stopVirtualMachine", {"id": str(vm.uuid)})
    execute(admin_caller(), "destroyVirtualMachine",
            {"id": str(VirtualMachine.objects.last().uuid), "expunge": True})  # fmt: skip
    run_everything()
    vm.refresh_from_db()
    assert vm.state == "Stopped"
    assert VirtualMachine.objects.count() == 59
    assert recount_hosts() == 0


def test_a_second_cloud_fits_beside_the_first(seeded):
    Simulation(WANTED).seed()
    assert Host.objects.count() == 12
    assert recounting.mend() == 0


def test_some_are_removed_when_asked_for(world):
    defaults.ensure()
    Simulation(Wanted(hosts=40, machines=100, accounts=40, networks=40, removed_each=20)).seed()
    assert VirtualMachine.objects.count() == 95
    assert VirtualMachine.everything.count() == 100
    assert recount_hosts() == 0
    assert recounting.mend() == 0


def test_the_command_fills_database_and_simulator(world, monkeypatch, capsys):
    monkeypatch.setattr(hosts, "world", lambda: world)
    call_command("simulate", hosts=3, machines=20, accounts=2)
    assert VirtualMachine.objects.count() == 20
    assert world.ledger.count("domains") == 18
    (host, *_) = Host.objects.all()
    assert agents.call(host, "host.power").states


@pytest.mark.parametrize(
    "given, said",
    [
        ({"hosts": 1, "machines": 1000}, "takes 50 machines"),
        ({"hosts": 1, "machines": 1, "zones": 2}, "2 zones need"),
        ({"hosts": 0, "machines": 0}, "at least one"),
    ],
)
def test_a_cloud_that_cannot_be_is_refused(db, given, said):
    with pytest.raises(CommandError, match=said):
        call_command("simulate", **given)
