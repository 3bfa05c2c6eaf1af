"""Comments, icons, details, metrics, events and alerts."""

import base64
import io

from PIL import Image

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
