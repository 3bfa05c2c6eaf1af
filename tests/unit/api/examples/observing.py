"""Comments, icons, details, metrics, events and alerts."""

import base64
import io

from PIL import Image

from compute.models import SystemVmSample, VolumeSample
from infra.models import HostSample, HostTrend
from infra.services import trends
from jobs.models import Worker, WorkerSample
from tests.unit.api.examples import example


def picture(side=16):
    out = io.BytesIO()
    Image.new("RGB", (side, side), "red").save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


@example("addAnnotation", role="User")
def _(stage):
    volume = stage["storage.Volume"]
    answered = yield {"entitytype": "VOLUME", "entityid": volume.uuid, "annotation": "keep it"}
    assert answered["entityname"] == volume.name
    assert stage.ask("listVolumes", id=volume)[0]["hasannotations"] is True


@example("updateAnnotationVisibility")
def _(stage):
    answered = yield {"id": stage["accounts.Annotation"], "adminsonly": True}
    assert answered["adminsonly"] is True


@example("uploadResourceIcon")
def _(stage):
    zone = stage["infra.Zone"]
    yield {"resourceids": [zone.uuid], "resourcetype": "Zone", "base64image": picture()}
    (shown,) = stage.ask("listZones", id=zone, showicon=True)
    assert shown["icon"]["base64image"]


@example("deleteResourceIcon")
def _(stage):
    zone = stage["infra.Zone"]
    stage.ask(
        "uploadResourceIcon", resourceids=[zone.uuid], resourcetype="Zone", base64image=picture()
    )
    yield {"resourceids": [zone.uuid], "resourcetype": "Zone"}
    assert "icon" not in stage.ask("listZones", id=zone, showicon=True)[0]


@example("listResourceIcon")
def _(stage):
    zone = stage["infra.Zone"]
    stage.ask(
        "uploadResourceIcon", resourceids=[zone.uuid], resourcetype="Zone", base64image=picture()
    )
    answered = yield {"resourceids": [zone.uuid], "resourcetype": "Zone"}
    assert [i["resourceid"] for i in answered] == [str(zone.uuid)]


@example("addResourceDetail")
def _(stage):
    machine = stage["compute.VirtualMachine"]
    yield {
        "resourceid": machine.uuid,
        "resourcetype": "UserVm",
        "details": [{"key": "owner", "value": "ops"}],
    }
    assert stage.ask("listVirtualMachines", id=machine)[0]["details"]["owner"] == "ops"


@example("removeResourceDetail")
def _(stage):
    volume = stage["storage.Volume"]
    stage.ask(
        "addResourceDetail", resourceid=volume.uuid, resourcetype="Volume",
        details=[{"key": "owner", "value": "ops"}],
    )  # fmt: skip
    yield {"resourceid": volume.uuid, "resourcetype": "Volume", "key": "owner"}
    left = stage.ask("listResourceDetails", resourceid=volume.uuid, resourcetype="Volume")
    assert left == []


@example("listResourceDetails")
def _(stage):
    volume = stage["storage.Volume"]
    stage.ask(
        "addResourceDetail", resourceid=volume.uuid, resourcetype="Volume",
        details=[{"key": "owner", "value": "ops"}],
    )  # fmt: skip
    answered = yield {"resourceid": volume.uuid, "resourcetype": "Volume"}
    assert [(d["key"], d["value"]) for d in answered] == [("owner", "ops")]


@example("listDetailOptions", role="User")
def _(stage):
    answered = yield {"resourcetype": "UserVm"}
    assert "virtio" in answered["details"]["nicAdapter"]


def _sampled(stage):
    host = stage["infra.Host"]
    sample = {"cpu_used_percent": 50, "memory_used_mb": 32768, "network_read_kb": 2**20}
    HostSample.objects.update_or_create(host=host, defaults=sample)
    return host


@example("listHostsMetrics")
def _(stage):
    stage["compute.VirtualMachine"]
    answered = yield {"id": _sampled(stage)}
    assert answered[0]["cpuusedghz"] == "16.00 Ghz"
    assert answered[0]["memoryusedgb"] == "32.00 GB"
    assert answered[0]["instances"].endswith("/ 1")


@example("listClustersMetrics")
def _(stage):
    answered = yield {"id": _sampled(stage).cluster}
    assert answered[0]["hosts"] == "1 / 1"
    assert answered[0]["cpuused"] == "50.00%"


@example("listZonesMetrics")
def _(stage):
    answered = yield {"id": _sampled(stage).zone}
    assert answered[0]["clusters"] == "1 / 1"
    assert answered[0]["memoryused"] == "50.00%"


@example("listStoragePoolsMetrics")
def _(stage):
    answered = yield {"id": stage["storage.StoragePool"]}
    assert answered[0]["storageusagethreshold"] is False
    assert answered[0]["disksizetotalgb"] == "1024.00 GB"


@example("listVolumesMetrics", role="User")
def _(stage):
    volume = stage["storage.Volume"]
    VolumeSample.objects.create(volume=volume, read_bytes=4096, read_ops=2)
    answered = yield {"id": volume}
    assert answered[0]["diskkbsread"] == 4
    assert answered[0]["sizegb"]


@example("listVolumesUsageHistory", role="User")
def _(stage):
    volume = stage["storage.Volume"]
    VolumeSample.objects.create(volume=volume, write_bytes=2048)
    answered = yield {"id": volume}
    assert [point["diskkbswrite"] for point in answered[0]["stats"]] == [2]


@example("listSystemVmsUsageHistory")
def _(stage):
    proxy = stage["compute.SystemVm"]
    SystemVmSample.objects.create(machine=proxy, disk_read_bytes=8192)
    answered = yield {"id": proxy}
    assert [point["diskkbsread"] for point in answered[0]["stats"]] == [8]


@example("listManagementServersMetrics")
def _(stage):
    worker = Worker.objects.create(name="a-worker", machine="here", pid=1)
    WorkerSample.objects.create(worker=worker, cpus=4, memory_total_bytes=2**33)
    answered = yield {"name": "a-worker"}
    assert answered[0]["availableprocessors"] == 4
    assert answered[0]["systemmemorytotal"] == "8.00 GiB"


@example("listDbMetrics")
def _(stage):
    answered = yield {}
    assert answered["version"]


@example("getCloudIdentifier")
def _(stage):
    answered = yield {"userid": stage.user}
    again = stage.ask("getCloudIdentifier", userid=stage.user)
    assert answered["cloudidentifier"] == again["cloudidentifier"]
    assert answered["signature"]


@example("acknowledgeAlerts")
def _(stage):
    alert = stage["infra.Alert"]
    yield {"ids": [alert.uuid]}
    (shown,) = stage.ask("listAlerts", acknowledged=True)
    assert shown["acknowledgedby"] == stage.user.username


def _server(state="Up"):
    """A process that is at work, beside another."""
    Worker.objects.create(name="other", machine="elsewhere", pid=2)
    worker = Worker.objects.create(name="some", machine="elsewhere", pid=1, state=state)
    return {"managementserverid": worker.uuid}


@example("prepareForMaintenance")
def _(stage):
    answered = yield _server()
    assert answered["state"] == "PreparingForMaintenance"


@example("cancelMaintenance")
def _(stage):
    answered = yield _server("Maintenance")
    assert answered["state"] == "Up"


@example("prepareForShutdown")
def _(stage):
    answered = yield _server()
    assert answered["state"] == "PreparingForShutDown"


@example("cancelShutdown")
def _(stage):
    answered = yield _server("ReadyToShutDown")
    assert answered["state"] == "Up"


@example("triggerShutdown")
def _(stage):
    answered = yield _server("ReadyToShutDown")
    assert answered["shutdowntriggered"] is True


@example("readyForShutdown")
def _(stage):
    answered = yield _server("ReadyToShutDown")
    assert answered["readyforshutdown"] is True


@example("listCapacityHistory")
def _(stage):
    zone = stage["infra.Host"].zone
    trends.note()
    answered = yield {"zoneid": zone, "type": 1}
    assert answered[0]["name"] == "CPU"
    assert len(answered[0]["points"]) == 1


@example("listHostsUsageHistory")
def _(stage):
    host = stage["infra.Host"]
    HostTrend.objects.create(host=host, points=[[1700000000, 12.5, 1024, 0.5]])
    answered = yield {"id": host}
    assert answered[0]["stats"][0]["cpuused"] == "12.50%"
