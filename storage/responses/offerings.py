"""Disk offerings as clients see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from accounts.pinned import responses as pinned
from core.responses import Field, Response, computed, date, flag, number, several, text
from core.units import GIB
from storage.models import DiskOffering
from storage.responses.parts import filled, listed


def _places(keys: Sequence[int], caller: Any) -> Mapping[int, dict[str, str]]:
    """Domains and zones an offering is for, ids and names each with commas between."""
    found: dict[int, dict[str, str]] = {key: {} for key in keys}
    for kind, through in (("domain", DiskOffering.domains), ("zone", DiskOffering.zones)):
        links = through.through.objects.filter(diskoffering__in=list(keys))
        rows = links.order_by("pk").values_list("diskoffering", f"{kind}__uuid", f"{kind}__name")
        for key, uuid, name in rows:
            for field, value in ((f"{kind}id", str(uuid)), (kind, name)):
                found[key][field] = ",".join(filter(None, (found[key].get(field), value)))
    return found


diskoffering = Response(
    "diskoffering",
    DiskOffering,
    (
        text("id", "uuid"),
        pinned.comments(DiskOffering),
        text("name"),
        text("displaytext", "display_text"),
        computed("disksize", ("size_bytes",), lambda size: size // GIB, "long"),
        date("created"),
        text("state"),
        flag("iscustomized", "is_custom"),
        flag("iscustomizediops", "is_custom_iops"),
        number("miniops", "min_iops"),
        number("maxiops", "max_iops"),
        listed("tags", "tags"),
        text("cacheMode", "cache_mode"),
        text("provisioningtype", "provisioning"),
        text("storagetype", "storage_type"),
        flag("disksizestrictness", "size_is_strict"),
        flag("displayoffering", "display"),
        filled("diskBytesReadRate", "read_bps", "long"),
        filled("diskBytesWriteRate", "write_bps", "long"),
        filled("diskIopsReadRate", "read_iops", "long"),
        filled("diskIopsWriteRate", "write_iops", "long"),
        filled("details", kind="map"),
        several(_places, Field("domainid"), Field("domain"), Field("zoneid"), Field("zone")),
    ),
    always={"encrypt": False},
)
