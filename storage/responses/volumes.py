"""Volumes as clients see them, but for what only machines know: ``compute`` adds that."""

from __future__ import annotations

from accounts.owners import owner
from accounts.pinned import responses as pinned
from core.responses import Field, Response, computed, date, flag, number, ref, text
from storage import states
from storage.models import Volume
from storage.responses.parts import filled


def _storage_type(scope: str | None) -> str | None:
    return None if scope is None else "local" if scope == "HOST" else "shared"


def _full(physical: int, size: int) -> str | None:
    """How full a thin file is, as CloudStack writes it."""
    return f"{100 * physical / size:.2f}%" if physical and size else None


VOLUME_FIELDS: tuple[Field, ...] = (
    text("id", "uuid"),
    text("name"),
    text("type"),
    text("state"),
    *ref("zone", "zone"),
    number("size", "size_bytes"),
    number("virtualsize", "size_bytes"),
    filled("physicalsize", "physical_bytes", "long"),
    computed("utilization", ("physical_bytes", "size_bytes"), _full),
    date("created"),
    computed(
        "destroyed",
        ("state",),
        lambda state: state in (states.Volumes.DESTROY, states.Volumes.EXPUNGED),
        "boolean",
    ),
    *owner(),
    *ref("diskoffering", "disk_offering"),
    text("diskofferingdisplaytext", "disk_offering__display_text"),
    text("templateid", "template__uuid"),
    text("templatename", "template__name"),
    text("templatedisplaytext", "template__display_text"),
    text("snapshotid", "snapshot__uuid"),
    text("provisioningtype", "provisioning"),
    number("miniops", "min_iops"),
    number("maxiops", "max_iops"),
    filled("diskBytesReadRate", "disk_offering__read_bps", "long"),
    filled("diskBytesWriteRate", "disk_offering__write_bps", "long"),
    filled("diskIopsReadRate", "disk_offering__read_iops", "long"),
    filled("diskIopsWriteRate", "disk_offering__write_iops", "long"),
    flag("displayvolume", "display"),
    flag("deleteprotection", "delete_protection"),
    computed("storagetype", ("pool__scope",), _storage_type),
    text("storageid", "pool__uuid", admin_only=True),
    text("storage", "pool__name", admin_only=True),
    filled("path", admin_only=True),
    filled("chaininfo", "chain_info", admin_only=True),
    text("podid", "pool__pod__uuid", admin_only=True),
    text("podname", "pool__pod__name", admin_only=True),
    text("clusterid", "pool__cluster__uuid", admin_only=True),
    text("clustername", "pool__cluster__name", admin_only=True),
    text("hypervisor", "pool__hypervisor", admin_only=True),
    filled("externaluuid", "external_uuid"),
    pinned.tags(Volume),
    pinned.comments(Volume),
)

volume = Response(
    "volume",
    Volume,
    VOLUME_FIELDS,
    always={
        "isextractable": False,
        "quiescevm": False,
        "supportsstoragesnapshot": False,
    },
)
