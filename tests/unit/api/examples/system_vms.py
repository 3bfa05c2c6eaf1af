"""The cloud's own machines."""

from agent import protocol as p
from compute.models import SystemVm
from compute.services import system_vms
from infra import agents
from infra.services import pod_ranges
from infra.services.address_book import checked
from jobs.worker import run_everything
from tests import factories
from tests.unit.api.examples import example


def running(stage):
    """A console proxy that runs in the stage's zone."""
    stage["infra.Host"], stage["storage.StoragePool"]
    pod = stage["infra.Pod"]
    pod_ranges.add(pod, checked("10.2.0.1", "255.255.255.0", "10.2.0.10", "10.2.0.20"))
    for kind in ("consoleproxy", "secondarystoragevm"):
        factories.make_service_offering(is_system=True, system_vm_type=kind, default_use=True)
    system_vms.ensure()
    run_everything()
    return SystemVm.objects.get(type="consoleproxy", zone=stage["infra.Zone"])


def state_on_host(vm):
    return agents.call(vm.host, "domain.state", p.DomainRef(str(vm.uuid))).power


@example("listSystemVms")
def _(stage):
    vm = running(stage)
    (answered,) = yield {"id": vm}
    assert (answered["name"], answered["privateip"][:7]) == (vm.name, "10.2.0.")


@example("stopSystemVm")
def _(stage):
    answered = yield {"id": running(stage)}
    assert answered["state"] == "Stopped"


@example("startSystemVm")
def _(stage):
    vm = running(stage)
    stage.ask("stopSystemVm", id=vm)
    answered = yield {"id": vm}
    assert answered["state"] == "Running"


@example("rebootSystemVm")
def _(stage):
    vm = running(stage)
    answered = yield {"id": vm}
    assert (answered["state"], state_on_host(vm)) == ("Running", "PowerOn")


@example("destroySystemVm")
def _(stage):
    vm = running(stage)
    yield {"id": vm}
    assert not SystemVm.objects.filter(pk=vm.pk).exists()


@example("migrateSystemVm")
def _(stage):
    vm = running(stage)
    other = factories.make_host(stage["infra.Cluster"])
    answered = yield {"virtualmachineid": vm, "hostid": other}
    assert answered["hostid"] == str(other.uuid)


def larger():
    return factories.make_service_offering(
        is_system=True, system_vm_type="consoleproxy", memory_mb=2048
    )


@example("scaleSystemVm")
def _(stage):
    offering = larger()
    answered = yield {"id": running(stage), "serviceofferingid": offering}
    assert answered["serviceofferingid"] == str(offering.uuid)


@example("changeServiceForSystemVm")
def _(stage):
    vm, offering = running(stage), larger()
    stage.ask("stopSystemVm", id=vm)
    answered = yield {"id": vm, "serviceofferingid": offering}
    assert answered["serviceofferingid"] == str(offering.uuid)
