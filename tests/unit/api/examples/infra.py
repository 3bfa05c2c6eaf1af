"""Places, hosts, settings and alerts."""

from infra.models import Alert, Host
from infra.services import configuration
from tests import factories
from tests.unit.api.examples import example


@example("createZone")
def _(stage):
    return {
        "name": "north", "networktype": "Advanced", "dns1": "8.8.8.8", "internaldns1": "8.8.4.4",
        "guestcidraddress": "10.1.1.0/24",
    }  # fmt: skip


@example("addCluster")
def _(stage):
    return {
        "zoneid": stage["infra.Zone"], "podid": stage["infra.Pod"], "clustername": "c0",
        "clustertype": "CloudManaged", "hypervisor": "Simulator",
    }  # fmt: skip


@example("addHost")
def _(stage):
    (answered,) = yield {
        "zoneid": stage["infra.Zone"], "podid": stage["infra.Pod"],
        "clusterid": stage["infra.Cluster"], "hypervisor": "Simulator", "url": "http://sim/c0/h0",
        "username": "root", "password": "secret",
    }  # fmt: skip
    assert Host.objects.filter(uuid=answered["id"]).exists()


@example("checkHost", effect="asks the host and changes nothing")
def _(stage):
    return {"id": stage["infra.Host"]}


@example("prepareHostForMaintenance")
def _(stage):
    answered = yield {"id": stage["infra.Host"]}
    assert answered["resourcestate"] == "Maintenance"


@example("cancelHostMaintenance")
def _(stage):
    stage.ask("prepareHostForMaintenance", id=stage["infra.Host"])
    answered = yield {"id": stage["infra.Host"]}
    assert answered["resourcestate"] == "Enabled"


@example("createHostEnrolment")
def _(stage):
    return {"clusterid": factories.make_cluster(stage["infra.Pod"], hypervisor="KVM")}


@example("archiveAlerts")
def _(stage):
    yield {"ids": [stage["infra.Alert"]]}
    assert Alert.objects.get().archived


@example("deleteAlerts")
def _(stage):
    yield {"ids": [stage["infra.Alert"]]}
    assert not Alert.objects.exists()


@example("deleteOsCategory")
def _(stage):
    answered = stage.ask("addOsCategory", name="Exotic")
    return {"id": answered["id"]}


@example("updateConfiguration")
def _(stage):
    answered = yield {"name": "session.timeout.minutes", "value": "45"}
    assert answered["value"] == "45"


@example("resetConfiguration")
def _(stage):
    configuration.set_value("session.timeout.minutes", "45")
    answered = yield {"name": "session.timeout.minutes"}
    assert answered["value"] == "30"


_NORTH = {"id": 2, "name": "north", "endpoint": "https://north.example/client/api"}


@example("addRegion")
def _(stage):
    return _NORTH


@example("updateRegion")
def _(stage):
    stage.ask("addRegion", **_NORTH)
    answered = yield {"id": 2, "name": "norden"}
    assert answered["name"] == "norden"


@example("removeRegion")
def _(stage):
    stage.ask("addRegion", **_NORTH)
    yield {"id": 2}
    assert stage.ask("listRegions", id=2) == []


@example("listRegions")
def _(stage):
    stage.ask("addRegion", **_NORTH)
    return {"id": 2}
