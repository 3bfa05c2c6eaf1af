"""What is pinned to a thing, as its page shows it: comments, details, an icon."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from accounts.pinned import types
from accounts.services import icons
from core.errors import CloudError, InvalidParameter

if TYPE_CHECKING:
    from frontend.reader import Reader
    from frontend.sections.base import Record, Section

Context = Mapping[str, Any]


def kind_of(section: Section) -> types.ResourceType | None:
    """The kind of thing a section lists, if anything can be pinned to it."""
    if not section.resource_type:
        return None
    try:
        return types.named(section.resource_type)
    except InvalidParameter:
        return None


def tabs(reader: Reader, section: Section, record: Record) -> list[tuple[str, Any]]:
    """Keys and titles of the tabs that every such thing has; nothing is pinned by who only sees
    the thing, as the cloud's own templates and zones."""
    if kind_of(section) is None or not reader.operates(section, record):
        return []
    found = []
    if reader.may("listAnnotations"):
        found.append(("comments", _("Comments")))
    if reader.may("addResourceDetail"):
        found.append(("details", _("Details")))
    return found


def body(reader: Reader, section: Section, record: Record, key: str) -> Context | None:
    """What the tab of this key draws; None when there is no such tab here."""
    if key not in dict(tabs(reader, section, record)):
        return None
    load = {"comments": comments, "details": details}[key]
    return {"template": f"frontend/tabs/{key}.html", **load(reader, section, record)}


def comments(reader: Reader, section: Section, record: Record) -> Context:
    kind = kind_of(section)
    about = {"entitytype": kind.entity if kind else "", "entityid": str(record["id"])}
    found = reader.run("listAnnotations", {**about, "pagesize": "200", "page": "1"}).records or []
    user = reader.caller.user
    for comment in found:
        mine = user is not None and str(comment.get("userid")) == str(user.uuid)
        comment["may_remove"] = mine or reader.rules
    return {
        "comments": found,
        "may_hide": reader.may("updateAnnotationVisibility"),
        "may_add": reader.may("addAnnotation"),
    }


def details(reader: Reader, section: Section, record: Record) -> Context:
    about = {"resourcetype": section.resource_type, "resourceid": str(record["id"])}
    hidden = {d["key"] for d in reader.run("listResourceDetails", about).records or []}
    shown = reader.run("listResourceDetails", {**about, "fordisplay": "true"}).records or []
    hidden -= {d["key"] for d in shown}
    every = reader.run("listResourceDetails", about).records or []
    options = reader.run("listDetailOptions", about).record().get("details") or {}
    return {
        "pairs": [{**d, "hidden": d["key"] in hidden} for d in every],
        "options": sorted(options),
        "values": sorted({value for values in options.values() for value in values}),
    }


def icon(reader: Reader, section: Section, record: Record) -> Context:
    """Whether the thing has a picture, and whether one may be given to it."""
    kind = kind_of(section)
    if kind is None or kind.name not in icons.KINDS or not reader.may("listResourceIcon"):
        return {}
    found = picture(reader, section, str(record["id"]))
    version = hashlib.sha256(found.encode()).hexdigest()[:12] if found else ""
    return {
        "icon_url": f"/icon/{section.key}/{record['id']}?v={version}" if found else "",
        "may_icon": reader.may("uploadResourceIcon"),
    }


def picture(reader: Reader, section: Section, uuid: str) -> str:
    """Base64 of a PNG; "" when there is none."""
    about = {"resourcetype": section.resource_type, "resourceids": uuid}
    try:
        found = reader.run("listResourceIcon", about).records or []
    except CloudError:
        return ""
    return str(found[0]["base64image"]) if found else ""
