"""Deploying: the request decides, the job builds, and a refusal leaves nothing."""

import pytest

from api.dispatch import execute
from compute.models import Nic, VirtualMachine, VolumeAttachment
from infra.models import HostCapacity
from jobs.models import JobStatus
from jobs.worker import run_everything
from tests.factories import caller_of, make_account, make_cloud

pytestmark = pytest.mark.django_db


def deploy(caller, cloud, **more):
    if "networkids" not in more:
        more["networkids"] = str(cloud.network(caller.account).uuid)
    wanted = {
        "zoneid": str(cloud.zone.uuid),
        "serviceofferingid": str(cloud.offering.uuid),
        "templateid": str(cloud.template.uuid),
        "name": "web-1",
    }
    return execute(caller, "deployVirtualMachine", {**wanted, **more})


def test_a_machine_is_deployed_and_runs(world):
    cloud = make_cloud(world=world)
    caller = caller_of(make_account())
    outcome = deploy(caller, cloud)
    assert outcome.value.state == "Starting"
    run_everything()
    outcome.job.refresh_from_db()
    assert outcome.job.status == JobStatus.DONE, outcome.job.error_text
    vm = VirtualMachine.objects.get(pk=outcome.value.pk)
    assert (vm.state, vm.host, vm.power_state) == ("Running", cloud.host, "PowerOn")
    assert vm.instance_name == f"i-{vm.account_id}-{vm.pk}-VM"
    domain = world.domain(str(cloud.host.uuid), str(vm.uuid))
    assert domain.power == "PowerOn"
    assert domain.spec.nics[0].mac == Nic.objects.get(machine=vm).address.mac
    root = VolumeAttachment.objects.get(machine=vm).volume
    assert (root.state, root.type, root.pool) == ("Ready", "ROOT", cloud.pool)
    used = HostCapacity.objects.get(host=cloud.host)
    assert (used.cpu_used_mhz, used.memory_used_mb, used.cores_used) == (500, 512, 1)
