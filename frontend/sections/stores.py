"""Primary and secondary storage."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from frontend import tabs
from frontend.sections.base import (
    Action,
    Column,
    F,
    Facts,
    Filter,
    Form,
    Related,
    Section,
)
from frontend.sections.columns import (
    CLUSTER,
    ID,
    NAME,
    POD,
    STATE,
    ZONE,
    ZONE_FILTER,
)
from frontend.sections.places import CAPACITY_TAB, CLUSTER_FILTER, POD_FILTER, SETTINGS_TAB

POOL_SCOPES = (("HOST", _("Host")), ("CLUSTER", _("Cluster")), ("ZONE", _("Zone")))

POOLS = Section(
    key="storagepools",
    title=_("Primary storage"),
    one=_("Storage pool"),
    icon="database",
    list="listStoragePools",
    resource_type="PrimaryStorage",
    admin=True,
    about=_(
        "Primary storage holds the volumes of instances: a folder of one host, or a share that a "
        "cluster or zone can reach."
    ),
    columns=(
        NAME,
        STATE,
        Column("type", _("Type")),
        Column(
            "scope",
            _("Scope"),
            make=lambda r: dict(POOL_SCOPES).get(str(r.get("scope", "")).upper(), r.get("scope")),
        ),
        Column(
            "disksizeused",
            _("Used"),
            "percent",
            make=lambda r: tabs.used_percent(r.get("disksizeused"), r.get("disksizetotal")),
        ),
        Column(
            "disksizeallocated",
            _("Given"),
            "percent",
            make=lambda r: tabs.used_percent(r.get("disksizeallocated"), r.get("disksizetotal")),
        ),
        Column("disksizetotal", _("Size"), "bytes"),
        ZONE,
        CLUSTER,
        Column("tags", _("Storage tags"), "words"),
        Column("path", _("Path"), "mono", shown=False),
    ),
    filters=(
        Filter("scope", _("Scope"), choices=POOL_SCOPES),
        ZONE_FILTER,
        POD_FILTER,
        CLUSTER_FILTER,
    ),
    facts=(
        Facts(
            _("Storage pool"),
            (
                ID,
                Column("type", _("Type")),
                Column(
                    "scope",
                    _("Scope"),
                    make=lambda r: dict(POOL_SCOPES).get(
                        str(r.get("scope", "")).upper(), r.get("scope")
                    ),
                ),
                Column("path", _("Path"), "mono"),
                Column("ipaddress", _("Address"), "mono"),
                Column("tags", _("Storage tags"), "words"),
                Column("created", _("Created"), "date"),
            ),
        ),
        Facts(
            _("Belongs to"),
            (ZONE, POD, Column("clustername", _("Cluster"), to="clusters", by="clusterid")),
        ),
        Facts(
            _("Capacity"),
            (
                Column("disksizetotal", _("Size"), "bytes"),
                Column("disksizeused", _("Used"), "bytes"),
                Column("disksizeallocated", _("Given"), "bytes"),
                Column("overprovisionfactor", _("Overcommit")),
            ),
        ),
    ),
    actions=(
        Action(
            "updateStoragePool",
            _("Edit"),
            "edit",
            primary=True,
            form=Form(("name", F("tags")), prefill=True),
        ),
        Action(
            "updateStoragePool",
            _("Enable"),
            "circle-check",
            key="enable",
            states=("Disabled",),
            form=Form(fixed={"enabled": "true"}),
        ),
        Action(
            "updateStoragePool",
            _("Disable"),
            "ban",
            key="disable",
            states=("Up",),
            form=Form(fixed={"enabled": "false"}),
            ask=_("No new volume is put there. Those that are stay."),
        ),
        Action(
            "enableStorageMaintenance",
            _("Begin maintenance"),
            "tool",
            states=("Up",),
            ask=_("The instances with volumes on it are stopped first."),
        ),
        Action(
            "cancelStorageMaintenance",
            _("End maintenance"),
            "circle-check",
            states=("Maintenance",),
        ),
        Action(
            "deleteStoragePool",
            _("Remove"),
            "trash",
            danger=True,
            ask=_("The pool leaves the cloud. It must hold no volumes."),
        ),
    ),
    create=(
        Action(
            "createStoragePool",
            _("Add primary storage"),
            "plus",
            form=Form(
                (
                    "name",
                    "zoneid",
                    F("scope", choices=POOL_SCOPES, initial="CLUSTER"),
                    "podid",
                    "clusterid",
                    F("url", placeholder="file:///srv/cloudportal"),
                ),
                more=(
                    F("hypervisor", choices=(("KVM", "KVM"), ("Simulator", "Simulator"))),
                    F("tags"),
                    "provider",
                    "details",
                ),
            ),
        ),
    ),
    tabs=(Related("volumes", "storageid"), CAPACITY_TAB, SETTINGS_TAB),
)

#: The one provider whose stores can be added.
_NFS = F("provider", choices=(("NFS", "NFS"),))

STORES = Section(
    key="imagestores",
    title=_("Secondary storage"),
    one=_("Image store"),
    icon="archive",
    list="listImageStores",
    resource_type="ImageStore",
    admin=True,
    state_field="",
    about=_(
        "Secondary storage holds templates, ISOs and snapshots, apart from the disks of instances."
    ),
    columns=(
        NAME,
        Column("readonly", _("Read only"), "flag"),
        Column("providername", _("Provider")),
        Column("protocol", _("Protocol")),
        Column("url", _("URL"), "mono"),
        Column(
            "disksizeused",
            _("Used"),
            "percent",
            make=lambda r: tabs.used_percent(r.get("disksizeused"), r.get("disksizetotal")),
        ),
        Column("disksizetotal", _("Size"), "bytes"),
        ZONE,
    ),
    filters=(ZONE_FILTER,),
    facts=(
        Facts(
            _("Image store"),
            (
                ID,
                ZONE,
                Column("providername", _("Provider")),
                Column("protocol", _("Protocol")),
                Column("url", _("URL"), "mono"),
                Column("scope", _("Scope"), "word"),
                Column("readonly", _("Read only"), "flag"),
            ),
        ),
        Facts(
            _("Capacity"),
            (
                Column("disksizetotal", _("Size"), "bytes"),
                Column("disksizeused", _("Used"), "bytes"),
            ),
        ),
    ),
    actions=(
        Action(
            "updateImageStore",
            _("Edit"),
            "edit",
            primary=True,
            form=Form(("name", "readonly"), prefill=True),
        ),
        Action(
            "deleteImageStore",
            _("Remove"),
            "trash",
            danger=True,
            ask=_("The store leaves the cloud. It must hold no templates, ISOs or snapshots."),
        ),
    ),
    create=(
        Action(
            "addImageStore",
            _("Add secondary storage"),
            "plus",
            form=Form(
                ("name", "zoneid", _NFS, F("url", placeholder="file:///srv/secondary")),
                more=("details",),
            ),
        ),
    ),
)

SECTIONS = (
    POOLS,
    STORES,
)
