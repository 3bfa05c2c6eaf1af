"""Every section of the pages, by its key in the address, and how they are grouped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from frontend.sections import (
    access,
    activity,
    directories,
    guests,
    hosts,
    images,
    instances,
    network,
    offerings,
    people,
    places,
    projects,
    ranges,
    regions,
    securitygroups,
    servers,
    settings,
    stores,
    systemvms,
    tenants,
    volumes,
    wires,
)
from frontend.sections.base import Section

SECTIONS: dict[str, Section] = {
    section.key: section
    for module in (
        instances,
        access,
        volumes,
        images,
        guests,
        network,
        securitygroups,
        activity,
        tenants,
        projects,
        people,
        directories,
        offerings,
        places,
        hosts,
        stores,
        wires,
        ranges,
        regions,
        systemvms,
        servers,
        settings,
    )
    for section in module.SECTIONS
}


def section_of(model: type[Model]) -> Section | None:
    """Where things of this model are listed."""
    for section in SECTIONS.values():
        if section.model is model:
            return section
    return None


@dataclass(frozen=True)
class Page:
    """A page of its own kind beside the sections."""

    key: str
    title: Any
    icon: str
    url: str
    needs: str = ""  # a command
    admin: bool = False


PAGES = {
    page.key: page
    for page in (
        Page("overview", _("Overview"), "layout-dashboard", "/"),
        Page(
            "infrastructure",
            _("Infrastructure tree"),
            "affiliate",
            "/infrastructure",
            "listZones",
            admin=True,
        ),
        Page(
            "dedicated",
            _("Dedicated resources"),
            "lock",
            "/dedicated",
            "listDedicatedZones",
            admin=True,
        ),
        Page(
            "settings",
            _("Global settings"),
            "adjustments",
            "/settings",
            "listConfigurations",
            admin=True,
        ),
        Page("capacity", _("Capacity"), "chart-bar", "/capacity", "listCapacity", admin=True),
        Page("attention", _("Needs attention"), "flag", "/attention", admin=True),
        Page("api", _("API"), "code", "/api-reference", "listApis"),
        Page("profile", _("Me"), "user-circle", "/me"),
    )
}

#: (title, icon, keys of sections and pages), as people think of them.
GROUPS: tuple[tuple[Any, str, tuple[str, ...]], ...] = (
    ("", "", ("overview",)),
    (
        _("Compute"),
        "device-desktop",
        ("instances", "sshkeys", "affinitygroups", "instancegroups", "userdata"),
    ),
    (_("Storage"), "database", ("volumes", "snapshots")),
    (_("Network"), "network", ("networks", "publicips", "securitygroups", "routers")),
    (_("Images"), "photo", ("templates", "isos", "ostypes", "oscategories")),
    (_("Activity"), "activity", ("events", "jobs", "alerts")),
    (
        _("Infrastructure"),
        "building",
        (
            "infrastructure",
            "capacity",
            "zones",
            "pods",
            "clusters",
            "hosts",
            "enrolments",
            "storagepools",
            "imagestores",
            "systemvms",
            "physicalnetworks",
            "dedicated",
            "regions",
        ),
    ),
    (
        _("Addresses and VLANs"),
        "map-pin",
        (
            "publicranges",
            "ipranges",
            "storageranges",
            "portableranges",
            "guestvlans",
            "dedicatedvlans",
        ),
    ),
    (_("Offerings"), "packages", ("serviceofferings", "diskofferings", "networkofferings")),
    (_("Tenancy"), "users-group", ("projects", "domains", "accounts", "users", "roles")),
    (
        _("Sign-in"),
        "lock",
        ("sessions", "ldapservers", "ldaplinks", "oauthproviders", "samlauthorizations"),
    ),
    (
        _("Operation"),
        "settings",
        ("attention", "settings", "managementservers", "consolesessions", "api"),
    ),
)
