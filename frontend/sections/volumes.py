"""Volumes and their snapshots."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from frontend import tabs
from frontend.sections.base import (
    Action,
    Column,
    Facts,
    Filter,
    Form,
    Record,
    Related,
    Section,
    Tab,
    Text,
)
from frontend.sections.columns import (
    ACCOUNT_FILTER,
    CREATED,
    DOMAIN,
    DOMAIN_FILTER,
    ID,
    NAME,
    OWNER,
    STATE,
    TAGS,
    ZONE,
    ZONE_FILTER,
    states,
)

MACHINE = Column(
    "vmname",
    _("Instance"),
    to="instances",
    by="virtualmachineid",
    make=lambda r: r.get("vmdisplayname") or r.get("vmname"),
)


def _is_attached(record: Record) -> Text:
    if record.get("type") == "ROOT":
        return _("A root disk stays with its instance.")
    return "" if record.get("virtualmachineid") else _("The volume is not attached.")


def _is_free(record: Record) -> Text:
    return (
        _("The volume is attached already; detach it first.")
        if record.get("virtualmachineid")
        else ""
    )


def _can_go(record: Record) -> Text:
    if record.get("type") == "ROOT" and record.get("virtualmachineid"):
        return _("A root disk goes with its instance.")
    return _is_free(record)


def _exists(record: Record) -> Text:
    return (
        _("Nothing is on disk yet; attach it first.") if record.get("state") == "Allocated" else ""
    )


VOLUMES = Section(
    key="volumes",
    title=_("Volumes"),
    one=_("Volume"),
    icon="database",
    list="listVolumes",
    resource_type="Volume",
    sort="-created",
    about=_("A volume is a disk. Its data outlives the instance it is attached to."),
    columns=(
        NAME,
        STATE,
        Column("size", _("Size"), "bytes"),
        Column("type", _("Type"), "word"),
        MACHINE,
        Column("storage", _("Primary storage"), to="storagepools", by="storageid"),
        ZONE,
        Column("account", _("Account")),
        Column(
            "diskofferingname",
            _("Disk offering"),
            to="diskofferings",
            by="diskofferingid",
            shown=False,
        ),
        Column("deviceid", _("Device number"), "number", shown=False),
        Column("provisioningtype", _("Provisioning"), "word", shown=False),
        DOMAIN,
        CREATED,
        TAGS,
    ),
    filters=(
        states("state", _("State"), "Ready", "Allocated", "Expunging", "Destroy"),
        Filter("type", _("Type"), choices=(("ROOT", _("Root disk")), ("DATADISK", _("Data disk")))),
        ZONE_FILTER,
        Filter("virtualmachineid", _("Instance"), section="instances"),
        Filter("storageid", _("Primary storage"), section="storagepools"),
        Filter("diskofferingid", _("Disk offering"), section="diskofferings"),
        DOMAIN_FILTER,
        ACCOUNT_FILTER,
    ),
    facts=(
        Facts(
            _("Volume"),
            (
                ID,
                Column("type", _("Type"), "word"),
                Column("size", _("Size"), "bytes"),
                Column("physicalsize", _("On disk"), "bytes"),
                Column(
                    "diskofferingname", _("Disk offering"), to="diskofferings", by="diskofferingid"
                ),
                Column("path", _("File"), "mono"),
            ),
        ),
        Facts(
            _("Attached to"),
            (
                MACHINE,
                Column("deviceid", _("Device number"), "number"),
                Column("attached", _("Since"), "date"),
            ),
        ),
        Facts(
            _("Lies in"),
            (
                ZONE,
                Column("storage", _("Primary storage"), to="storagepools", by="storageid"),
                Column("storagetype", _("Kind of storage"), "word"),
            ),
        ),
        OWNER,
    ),
    actions=(
        Action(
            "createSnapshot",
            _("Take a snapshot"),
            "camera",
            param="volumeid",
            primary=True,
            bulk=True,
            unless=_exists,
            form=Form(("name",), more=("quiescevm",)),
        ),
        Action(
            "attachVolume",
            _("Attach"),
            "plug-connected",
            unless=_is_free,
            form=Form(("virtualmachineid",), more=("deviceid",)),
        ),
        Action(
            "detachVolume",
            _("Detach"),
            "plug-connected-x",
            bulk=True,
            unless=_is_attached,
            ask=_("Unmount it in the guest first: what the guest has not written yet is lost."),
        ),
        Action("updateVolume", _("Edit"), "edit", form=Form(("name",), prefill=True)),
        Action(
            "resizeVolume",
            _("Change size"),
            "resize",
            form=Form(("size", "diskofferingid"), more=("shrinkok",)),
        ),
        Action(
            "createTemplate",
            _("Make a template"),
            "template",
            param="volumeid",
            unless=_exists,
            form=Form(
                ("name", "displaytext", "ostypeid"),
                more=("ispublic", "passwordenabled", "requireshvm"),
            ),
        ),
        Action("recoverVolume", _("Recover"), "arrow-back-up", states=("Destroy",), bulk=True),
        Action(
            "assignVolume",
            _("Give to another account"),
            "users",
            param="volumeid",
            unless=lambda r: (
                _("It is attached; give the instance away instead, or detach it first.")
                if r.get("virtualmachineid")
                else ""
            ),
            form=Form(("accountid", "projectid")),
            ask=_("The volume counts against the new owner's limits from then on."),
        ),
        Action(
            "deleteVolume",
            _("Delete"),
            "trash",
            danger=True,
            bulk=True,
            unless=_can_go,
            ask=_("The volume and all that is on it are deleted for good. Its snapshots stay."),
        ),
    ),
    create=(
        Action(
            "createVolume",
            _("New volume"),
            "plus",
            form=Form(
                ("name", "zoneid", "diskofferingid", "size"),
                more=(
                    "snapshotid",
                    "virtualmachineid",
                    "miniops",
                    "maxiops",
                    "account",
                    "domainid",
                ),
            ),
        ),
    ),
    tabs=(
        Tab(
            "chain",
            _("Snapshot chain"),
            "frontend/tabs/chain.html",
            tabs.chain,
            needs="listSnapshots",
        ),
        Related("snapshots", "volumeid", preset={"volumeid": "id"}),
        Tab(
            "metrics",
            _("Metrics"),
            "frontend/tabs/metrics.html",
            tabs.metrics,
            needs="listVolumesUsageHistory",
        ),
    ),
)

SNAPSHOTS = Section(
    key="snapshots",
    title=_("Snapshots"),
    one=_("Snapshot"),
    icon="camera",
    list="listSnapshots",
    resource_type="Snapshot",
    sort="-created",
    about=_(
        "A snapshot is a volume as it was at one moment, kept in secondary storage. New volumes "
        "and templates can be made from it."
    ),
    columns=(
        NAME,
        STATE,
        Column("volumename", _("Volume"), to="volumes", by="volumeid"),
        Column("physicalsize", _("On disk"), "bytes"),
        Column("virtualsize", _("Size"), "bytes"),
        Column("snapshottype", _("Type"), "word"),
        ZONE,
        Column("account", _("Account")),
        DOMAIN,
        CREATED,
        TAGS,
    ),
    filters=(
        Filter("volumeid", _("Volume"), section="volumes"),
        ZONE_FILTER,
        Filter(
            "snapshottype",
            _("Type"),
            choices=(("MANUAL", _("Manual")), ("RECURRING", _("Recurring"))),
        ),
        DOMAIN_FILTER,
        ACCOUNT_FILTER,
    ),
    facts=(
        Facts(
            _("Snapshot"),
            (
                ID,
                Column("volumename", _("Volume"), to="volumes", by="volumeid"),
                Column("volumetype", _("Type of volume"), "word"),
                Column("snapshottype", _("Type"), "word"),
                Column("physicalsize", _("On disk"), "bytes"),
                Column("virtualsize", _("Size"), "bytes"),
                ZONE,
            ),
        ),
        OWNER,
    ),
    actions=(
        Action(
            "createVolume",
            _("Make a volume"),
            "database",
            param="snapshotid",
            primary=True,
            states=("BackedUp",),
            form=Form(("name",), more=("size", "diskofferingid", "virtualmachineid")),
        ),
        Action(
            "createTemplate",
            _("Make a template"),
            "template",
            param="snapshotid",
            states=("BackedUp",),
            form=Form(
                ("name", "displaytext", "ostypeid"),
                more=("ispublic", "passwordenabled", "requireshvm"),
            ),
        ),
        Action(
            "revertSnapshot",
            _("Revert the volume to it"),
            "arrow-back-up",
            danger=True,
            states=("BackedUp",),
            ask=_(
                "The volume becomes as it was; what was written since is lost. Its instance must "
                "be stopped."
            ),
        ),
        Action(
            "deleteSnapshot",
            _("Delete"),
            "trash",
            danger=True,
            bulk=True,
            ask=_("The snapshot is deleted for good. Volumes and templates made from it stay."),
        ),
    ),
    create=(
        Action(
            "createSnapshot",
            _("New snapshot"),
            "plus",
            form=Form(("volumeid", "name"), more=("quiescevm",)),
        ),
    ),
)

SECTIONS = (
    VOLUMES,
    SNAPSHOTS,
)
