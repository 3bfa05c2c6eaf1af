"""Pools, stores, offerings, templates, volumes and snapshots."""

from storage.models import Template, Volume
from tests import factories
from tests.unit.api.examples import example

IMAGE = "http://images.example.org/debian.qcow2"


@example("addImageStore")
def _(stage):
    stage["infra.Host"]
    return {
        "name": "images", "provider": "NFS", "url": "file:///export/images",
        "zoneid": stage["infra.Zone"],
    }  # fmt: skip


@example("addSecondaryStorage")
def _(stage):
    stage["infra.Host"]
    return {"url": "file:///export/more", "zoneid": stage["infra.Zone"]}


@example("createStoragePool")
def _(stage):
    stage["infra.Host"]
    return {
        "name": "primary", "url": "SharedMountPoint:///srv/primary", "zoneid": stage["infra.Zone"],
        "podid": stage["infra.Pod"], "clusterid": stage["infra.Cluster"], "scope": "CLUSTER",
    }  # fmt: skip


@example("cancelStorageMaintenance")
def _(stage):
    stage["infra.Host"]
    stage.ask("enableStorageMaintenance", id=stage["storage.StoragePool"])
    answered = yield {"id": stage["storage.StoragePool"]}
    assert answered["state"] == "Up"


@example("createDiskOffering")
def _(stage):
    answered = yield {"name": "fast", "displaytext": "Fast", "disksize": 10}
    assert answered["disksize"] == 10


@example("updateDiskOffering")
def _(stage):
    answered = yield {"id": stage["storage.DiskOffering"], "name": "renamed"}
    assert answered["name"] == "renamed"


@example("createVolume", role="User")
def _(stage):
    answered = yield {
        "name": "data", "zoneid": stage["infra.Zone"],
        "diskofferingid": stage["storage.DiskOffering"],
    }  # fmt: skip
    assert Volume.objects.get(uuid=answered["id"]).account == stage.account


@example("resizeVolume")
def _(stage):
    answered = yield {"id": stage["storage.Volume"], "size": 8}
    assert answered["size"] == 8 * 2**30


@example("recoverVolume")
def _(stage):
    stage.ask("destroyVolume", id=stage["storage.Volume"])
    answered = yield {"id": stage["storage.Volume"]}
    assert answered["state"] == "Ready"


@example("createSnapshot")
def _(stage):
    stage["storage.ImageStore"]
    answered = yield {"volumeid": stage["storage.Volume"], "name": "friday"}
    assert answered["state"] == "BackedUp"


@example("revertSnapshot")
def _(stage):
    return {"id": stage["storage.Snapshot"]}


@example("createTemplate")
def _(stage):
    stage["storage.ImageStore"]
    answered = yield {
        "name": "golden", "displaytext": "Golden", "ostypeid": stage["infra.OsType"],
        "volumeid": stage["storage.Volume"],
    }  # fmt: skip
    assert answered["isready"] is True


@example("registerTemplate")
def _(stage):
    stage["storage.ImageStore"], stage["infra.Host"]
    (answered,) = yield {
        "name": "debian", "displaytext": "Debian", "format": "QCOW2", "hypervisor": "Simulator",
        "url": IMAGE, "zoneid": stage["infra.Zone"], "ostypeid": stage["infra.OsType"],
    }  # fmt: skip
    assert Template.objects.get(uuid=answered["id"]).name == "debian"


@example("registerIso")
def _(stage):
    stage["storage.ImageStore"], stage["infra.Host"]
    return {
        "name": "installer", "displaytext": "Installer", "url": "http://images.example.org/a.iso",
        "zoneid": stage["infra.Zone"], "ostypeid": stage["infra.OsType"],
    }  # fmt: skip


def _elsewhere(stage):
    """Another zone with a host and a store that can take a copy."""
    zone = factories.make_zone()
    factories.make_host(zone=zone)
    factories.make_store(zone)
    return zone


@example("copyTemplate")
def _(stage):
    stage["infra.Host"]
    yield {"id": stage["storage.Template"], "destzoneids": [_elsewhere(stage)]}
    assert stage["storage.Template"].copies.count() == 2


@example("copyIso")
def _(stage):
    stage["infra.Host"]
    return {"id": stage.iso(), "destzoneids": [_elsewhere(stage)]}


@example("listTemplates")
def _(stage):
    row = stage["storage.Template"]
    return {"templatefilter": "all", "listall": True, "id": row}


@example("listIsos")
def _(stage):
    answered = yield {"isofilter": "all", "listall": True, "id": stage.iso()}
    assert answered[0]["isready"] is True


@example("updateTemplate")
def _(stage):
    answered = yield {"id": stage["storage.Template"], "name": "renamed"}
    assert answered["name"] == "renamed"


@example("updateIso")
def _(stage):
    answered = yield {"id": stage.iso(), "name": "renamed"}
    assert answered["name"] == "renamed"


@example("updateTemplatePermissions")
def _(stage):
    other = factories.make_account(domain=stage.account.domain)
    template = stage["storage.Template"]
    yield {"id": template, "op": "add", "accounts": [other.name]}
    assert stage.ask("listTemplatePermissions", id=template)[0]["account"] == [other.name]


@example("updateIsoPermissions")
def _(stage):
    iso = stage.iso()
    yield {"id": iso, "ispublic": True}
    assert stage.ask("listIsoPermissions", id=iso)[0]["ispublic"] is True


@example("listIsoPermissions")
def _(stage):
    return {"id": stage.iso()}


@example("deleteIso")
def _(stage):
    stage["infra.Host"]
    return {"id": stage.iso()}
