"""Volumes, with the machine they are in."""

from __future__ import annotations

from dataclasses import replace

from core.responses import computed, date, number, text
from storage.responses import volume as storage_volume

_AT = "attachment"
_VM = "attachment__machine"


def _root_only(field: str) -> tuple[str, str]:
    return ("type", f"{_VM}__service_offering__{field}")


volume = replace(
    storage_volume,
    fields=(
        *storage_volume.fields,
        number("deviceid", f"{_AT}__device_id"),
        date("attached", f"{_AT}__attached"),
        text("virtualmachineid", f"{_VM}__uuid"),
        text("vmname", f"{_VM}__name"),
        computed(
            "vmdisplayname",
            (f"{_VM}__display_name", f"{_VM}__name"),
            lambda shown, name: shown or name,
        ),
        text("vmstate", f"{_VM}__state"),
        computed(
            "serviceofferingid", _root_only("uuid"), lambda kind, v: v if kind == "ROOT" else None
        ),
        computed(
            "serviceofferingname", _root_only("name"), lambda kind, v: v if kind == "ROOT" else None
        ),
        computed(
            "serviceofferingdisplaytext",
            _root_only("display_text"),
            lambda kind, v: v if kind == "ROOT" else None,
        ),
    ),
)
