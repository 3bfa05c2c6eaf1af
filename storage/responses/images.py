"""Templates, ISOs and snapshots as clients see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from accounts.owners import owner
from accounts.pinned import responses as pinned
from core.responses import Field, Response, computed, date, flag, number, ref, several, text
from storage import states
from storage.models import Snapshot, Template, TemplateCopy
from storage.responses.parts import filled

_C = states.Copies


def _readiness(keys: Sequence[int], caller: Any) -> Mapping[int, dict[str, Any]]:
    """Readiness, status in words, and where each copy is, of many templates in one query."""
    copies = TemplateCopy.objects.filter(template__in=list(keys)).exclude(store=None)
    rows = copies.select_related("store__zone").order_by("pk")
    of: dict[int, list[TemplateCopy]] = {}
    for copy in rows:
        of.setdefault(copy.template_id, []).append(copy)
    shown = caller is None or caller.is_root_admin
    theirs = set(of)
    if not shown:
        # Why a download failed names where it came from, which is its owner's business.
        own = Template.everything.filter(pk__in=list(of)).operable_by(caller)
        theirs = set(own.values_list("pk", flat=True)) if _any_failed(of) else set()
    found = {}
    for key in keys:
        best = sorted(of.get(key, ()), key=_merit)[:1]
        ready = bool(best) and best[0].state == _C.READY
        words = status(best[0]) if best else "Processing"
        if best and best[0].state == _C.FAILED and key not in theirs:
            words = "Failed"
        found[key] = {"isready": ready, "status": words}
        if shown and key in of:
            found[key]["downloaddetails"] = [_detail(copy) for copy in of[key]]
    return found


def _any_failed(of: Mapping[int, Sequence[TemplateCopy]]) -> bool:
    return any(copy.state == _C.FAILED for copies in of.values() for copy in copies)


def _merit(copy: TemplateCopy) -> tuple[int, float]:
    order = {_C.READY: 0, _C.CREATING: 1, _C.ALLOCATED: 2}
    return order.get(copy.state, 3), -copy.percent


def status(copy: TemplateCopy) -> str:
    """How far a copy is, in the words CloudStack's clients look for."""
    if copy.state == _C.READY:
        return "Download Complete"
    if copy.state == _C.CREATING:
        if copy.percent >= 100:
            return "Installing Template"
        return f"{copy.percent:.0f}% Downloaded"
    if copy.state == _C.FAILED:
        return copy.error or "Failed"
    return "Processing"


_DOWNLOAD_STATES = {
    _C.READY: "DOWNLOADED",
    _C.CREATING: "DOWNLOAD_IN_PROGRESS",
    _C.FAILED: "DOWNLOAD_ERROR",
}


def _detail(copy: TemplateCopy) -> dict[str, str]:
    return {
        "datastore": copy.store.name,
        "datastoreId": str(copy.store.uuid),
        "datastoreRole": "Image",
        "downloadPercent": f"{copy.percent:.0f}",
        "downloadState": _DOWNLOAD_STATES.get(copy.state, "NOT_DOWNLOADED"),
        **({"errorString": copy.error} if copy.error else {}),
    }


def _addresses(keys: Sequence[int], caller: Any) -> Mapping[int, dict[str, str]]:
    """Where a template came from is its owner's business: addresses may hold secrets."""
    rows = Template.everything.filter(pk__in=list(keys)).exclude(url="")
    if caller is not None:
        rows = rows.operable_by(caller)
    return {pk: {"url": url} for pk, url in rows.values_list("pk", "url")}


_FIELDS: tuple[Field, ...] = (
    text("id", "uuid"),
    text("name"),
    pinned.tags(Template),
    pinned.comments(Template),
    pinned.icon(),
    text("displaytext", "display_text"),
    *owner(),
    text("accountid", "account__uuid"),
    *ref("zone", "zone"),
    computed("crossZones", ("zone",), lambda zone: zone is None, "boolean"),
    date("created"),
    date("removed"),
    text("format"),
    text("templatetype", "type"),
    filled("hypervisor"),
    text("arch"),
    number("bits"),
    filled("checksum"),
    filled("size", "size_bytes", "long"),
    filled("physicalsize", "physical_bytes", "long"),
    text("ostypeid", "os_type__uuid"),
    text("ostypename", "os_type__display_name"),
    text("oscategoryid", "os_type__category__uuid"),
    flag("ispublic", "is_public"),
    flag("isfeatured", "is_featured"),
    flag("isextractable", "is_extractable"),
    flag("isdynamicallyscalable", "is_dynamically_scalable"),
    flag("bootable"),
    flag("passwordenabled", "password_enabled"),
    flag("sshkeyenabled", "ssh_key_enabled"),
    flag("requireshvm", "requires_hvm"),
    filled("templatetag", "tag"),
    text("sourcetemplateid", "source_template__uuid"),
    filled("details", kind="map"),
    several(
        _readiness,
        Field("isready", "boolean"),
        Field("status"),
        Field("downloaddetails", "list"),
    ),
    several(_addresses, Field("url")),
)
_ALWAYS = {"directdownload": False, "deployasis": False, "forcks": False}

template = Response("template", Template, _FIELDS, always=_ALWAYS)
iso = replace(template, name="iso")

templatepermission = Response(
    "templatepermission",
    None,
    (
        Field("id"),
        Field("ispublic", "boolean"),
        Field("domainid"),
        Field("account", "list"),
        Field("projectids", "list"),
    ),
)
isopermission = replace(templatepermission, name="isopermission")

snapshot = Response(
    "snapshot",
    Snapshot,
    (
        text("id", "uuid"),
        pinned.tags(Snapshot),
        pinned.comments(Snapshot),
        text("name"),
        *owner(),
        *ref("zone", "zone"),
        date("created"),
        text("state"),
        computed("status", ("state",), lambda state: state),
        text("snapshottype", "type"),
        text("intervaltype", "type"),
        text("volumeid", "volume__uuid"),
        text("volumename", "volume__name"),
        text("volumestate", "volume__state"),
        text("volumetype", "volume_type"),
        number("virtualsize", "size_bytes"),
        number("physicalsize", "physical_bytes"),
        text("ostypeid", "os_type__uuid"),
        text("osdisplayname", "os_type__display_name"),
        computed("revertable", ("state",), lambda s: s == states.Snapshots.BACKED_UP, "boolean"),
        text("datastoreid", "store__uuid", admin_only=True),
        text("datastorename", "store__name", admin_only=True),
    ),
    always={"locationtype": "SECONDARY"},
)
