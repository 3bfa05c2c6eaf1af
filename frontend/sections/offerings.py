"""What tenants may choose from: sizes of machines and disks, kinds of network."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from frontend import tabs
from frontend.sections.base import Action, Column, F, Facts, Filter, Form, Record, Related, Section
from frontend.sections.columns import DESCRIPTION, ID, NAME, STATE, states
from frontend.sections.network import TYPES
from frontend.sections.tenants import ruled_domain

STATE_FILTER = states("state", _("State"), "Active", "Inactive")
STORAGE_TYPES = (("shared", _("Shared")), ("local", _("Local")))
PROVISIONING = (("thin", _("Thin")), ("sparse", _("Sparse")), ("fat", _("Full")))
CACHE_MODES = (
    ("none", _("None")),
    ("writeback", _("Write back")),
    ("writethrough", _("Write through")),
)
CREATED = Column("created", _("Created"), "time", shown=False)
VISIBLE_TO = Facts(_("Visible to"), (Column("domain", _("Domains")), Column("zone", _("Zones"))))


def _speed(record: Record) -> object:
    """Of an offering whose size the user chooses: the user's to choose."""
    return record.get("cpuspeed") or None


def _cores(record: Record) -> str:
    if str(record.get("iscustomized")).lower() == "true" and not record.get("cpunumber"):
        return str(_("Chosen by the user"))
    return str(tabs.size_of(record.get("cpunumber"), record.get("memory")))


def _disk(record: Record) -> str:
    if str(record.get("iscustomized")).lower() == "true":
        return str(_("Chosen by the user"))
    return f"{record.get('disksize', 0)} GiB"


_SWITCHES = (
    lambda command: Action(
        command,
        _("Enable"),
        "circle-check",
        key="enable",
        states=("Inactive",),
        form=Form(fixed={"state": "Active"}),
    ),
    lambda command: Action(
        command,
        _("Disable"),
        "ban",
        key="disable",
        states=("Active",),
        form=Form(fixed={"state": "Inactive"}),
        ask=_("Nobody can choose it any more. What was made with it stays as it is."),
    ),
)

SERVICE = Section(
    key="serviceofferings",
    title=_("Service offerings"),
    one=_("Service offering"),
    icon="cpu",
    list="listServiceOfferings",
    resource_type="ServiceOffering",
    about=_(
        "A service offering is the size of an instance: cores, speed, memory, and where it may run."
    ),
    columns=(
        NAME,
        STATE,
        Column("cpunumber", pgettext_lazy("machine", "Size"), make=_cores),
        Column("cpuspeed", _("CPU speed"), "frequency", make=_speed),
        Column(
            "storagetype",
            _("Storage type"),
            make=lambda r: dict(STORAGE_TYPES).get(r.get("storagetype", ""), r.get("storagetype")),
        ),
        Column("hosttags", _("Host tags"), "words"),
        Column("storagetags", _("Storage tags"), "words", shown=False),
        Column("displaytext", _("Description")),
        CREATED,
    ),
    filters=(STATE_FILTER, Filter("virtualmachineid", _("Fits instance"), section="instances")),
    facts=(
        Facts(
            _("Service offering"),
            (
                ID,
                DESCRIPTION,
                Column("cpunumber", _("CPU cores"), "number"),
                Column("cpuspeed", _("CPU speed"), "frequency", make=_speed),
                Column("memory", _("Memory"), "memory"),
                Column("iscustomized", _("Size chosen by the user"), "flag"),
                Column("offerha", _("High availability"), "flag"),
                Column("limitcpuuse", _("Held to its CPU speed"), "flag"),
                Column("created", _("Created"), "date"),
            ),
        ),
        Facts(
            _("Runs where"),
            (
                Column("storagetype", _("Storage type"), "word"),
                Column("hosttags", _("Host tags"), "words"),
                Column("storagetags", _("Storage tags"), "words"),
                Column("provisioningtype", _("Provisioning"), "word"),
                Column("cacheMode", _("Cache mode"), "word"),
                Column("rootdisksize", _("Root disk"), "gib"),
                Column("networkrate", _("Network rate, Mbit/s"), "number"),
            ),
        ),
        VISIBLE_TO,
    ),
    actions=(
        Action(
            "updateServiceOffering",
            _("Edit"),
            "edit",
            primary=True,
            form=Form(
                ("name", "displaytext", "hosttags", F("storagetags", label=_("Storage tags"))),
                prefill=True,
            ),
        ),
        *(make("updateServiceOffering") for make in _SWITCHES),
        Action(
            "deleteServiceOffering",
            _("Delete"),
            "trash",
            danger=True,
            bulk=True,
            ask=_("Nobody can choose it any more. Instances made with it keep their size."),
        ),
    ),
    create=(
        Action(
            "createServiceOffering",
            _("New service offering"),
            "plus",
            form=Form(
                (
                    "name",
                    "displaytext",
                    "cpunumber",
                    "cpuspeed",
                    "memory",
                    F("storagetype", choices=STORAGE_TYPES, initial="shared"),
                ),
                more=(
                    "customized",
                    "mincpunumber",
                    "maxcpunumber",
                    "minmemory",
                    "maxmemory",
                    "offerha",
                    "limitcpuuse",
                    "hosttags",
                    F("tags"),
                    "rootdisksize",
                    F("provisioningtype", choices=PROVISIONING, initial="thin"),
                    F("cachemode", choices=CACHE_MODES),
                    "networkrate",
                    "isvolatile",
                    "dynamicscalingenabled",
                    F("domainid", label=_("Only for domains"), initial=ruled_domain),
                    F("zoneid", label=_("Only in zones")),
                ),
            ),
        ),
    ),
    tabs=(Related("instances", "serviceofferingid", preset={"serviceofferingid": "id"}),),
)

DISK = Section(
    key="diskofferings",
    title=_("Disk offerings"),
    one=_("Disk offering"),
    icon="device-floppy",
    list="listDiskOfferings",
    resource_type="DiskOffering",
    about=_("A disk offering is the size and the quality of a volume."),
    columns=(
        NAME,
        STATE,
        Column("disksize", _("Size"), make=_disk),
        Column(
            "storagetype",
            _("Storage type"),
            make=lambda r: dict(STORAGE_TYPES).get(r.get("storagetype", ""), r.get("storagetype")),
        ),
        Column(
            "provisioningtype",
            _("Provisioning"),
            make=lambda r: dict(PROVISIONING).get(
                r.get("provisioningtype", ""), r.get("provisioningtype")
            ),
        ),
        Column("tags", _("Storage tags"), "words"),
        Column("displaytext", _("Description")),
        CREATED,
    ),
    filters=(STATE_FILTER,),
    facts=(
        Facts(
            _("Disk offering"),
            (
                ID,
                DESCRIPTION,
                Column("disksize", _("Size"), "gib"),
                Column("iscustomized", _("Size chosen by the user"), "flag"),
                Column("provisioningtype", _("Provisioning"), "word"),
                Column("cacheMode", _("Cache mode"), "word"),
                Column("storagetype", _("Storage type"), "word"),
                Column("tags", _("Storage tags"), "words"),
                Column("created", _("Created"), "date"),
            ),
        ),
        Facts(
            _("Speed"),
            (
                Column("diskBytesReadRate", _("Read rate, bytes per second"), "number"),
                Column("diskBytesWriteRate", _("Write rate, bytes per second"), "number"),
                Column("diskIopsReadRate", _("Reads per second"), "number"),
                Column("diskIopsWriteRate", _("Writes per second"), "number"),
                Column("miniops", _("Least IOPS"), "number"),
                Column("maxiops", _("Most IOPS"), "number"),
            ),
        ),
        VISIBLE_TO,
    ),
    actions=(
        Action(
            "updateDiskOffering",
            _("Edit"),
            "edit",
            primary=True,
            form=Form(("name", "displaytext", F("tags")), prefill=True),
        ),
        *(make("updateDiskOffering") for make in _SWITCHES),
        Action(
            "deleteDiskOffering",
            _("Delete"),
            "trash",
            danger=True,
            bulk=True,
            ask=_("Nobody can choose it any more. Volumes made with it stay as they are."),
        ),
    ),
    create=(
        Action(
            "createDiskOffering",
            _("New disk offering"),
            "plus",
            form=Form(
                (
                    "name",
                    "displaytext",
                    "disksize",
                    "customized",
                    F("storagetype", choices=STORAGE_TYPES, initial="shared"),
                ),
                more=(
                    F("provisioningtype", choices=PROVISIONING, initial="thin"),
                    F("cachemode", choices=CACHE_MODES),
                    F("tags"),
                    "bytesreadrate",
                    "byteswriterate",
                    "iopsreadrate",
                    "iopswriterate",
                    "customizediops",
                    "miniops",
                    "maxiops",
                    F("domainid", label=_("Only for domains"), initial=ruled_domain),
                    F("zoneid", label=_("Only in zones")),
                ),
            ),
        ),
    ),
    tabs=(Related("volumes", "diskofferingid"),),
)

NETWORK = Section(
    key="networkofferings",
    title=_("Network offerings"),
    one=_("Network offering"),
    icon="packages",
    list="listNetworkOfferings",
    resource_type="NetworkOffering",
    about=_(
        "A network offering says what a network provides: addresses, names, a way out, and who may "
        "make it."
    ),
    columns=(
        NAME,
        STATE,
        Column(
            "guestiptype",
            _("Guest type"),
            make=lambda r: dict(TYPES).get(r.get("guestiptype", ""), r.get("guestiptype")),
        ),
        Column("service", _("Services"), "words"),
        Column("specifyvlan", _("VLAN is given"), "flag", shown=False),
        Column("isdefault", _("Built in"), "flag", shown=False),
        Column("displaytext", _("Description"), "said"),
        CREATED,
    ),
    filters=(
        states("state", _("State"), "Enabled", "Disabled"),
        Filter("guestiptype", _("Guest type"), choices=TYPES),
    ),
    facts=(
        Facts(
            _("Network offering"),
            (
                ID,
                Column("displaytext", _("Description"), "said"),
                Column(
                    "guestiptype",
                    _("Guest type"),
                    make=lambda r: dict(TYPES).get(r.get("guestiptype", ""), r.get("guestiptype")),
                ),
                Column("availability", _("Availability"), "word"),
                Column("isdefault", _("Built in"), "flag"),
                Column("created", _("Created"), "date"),
            ),
        ),
        Facts(
            _("Provides"),
            (
                Column("service", _("Services"), "words"),
                Column("specifyvlan", _("VLAN is given"), "flag"),
                Column("specifyipranges", _("Address ranges are given"), "flag"),
                Column("ispersistent", _("Persistent"), "flag"),
                Column("conservemode", _("Conserve mode"), "flag"),
                Column("egressdefaultpolicy", _("Outgoing traffic allowed"), "flag"),
                Column("networkrate", _("Network rate, Mbit/s"), "number"),
            ),
        ),
    ),
    actions=(
        Action(
            "updateNetworkOffering",
            _("Edit"),
            "edit",
            primary=True,
            form=Form(("name", "displaytext"), prefill=True),
        ),
        Action(
            "updateNetworkOffering",
            _("Enable"),
            "circle-check",
            key="enable",
            states=("Disabled",),
            form=Form(fixed={"state": "Enabled"}),
        ),
        Action(
            "updateNetworkOffering",
            _("Disable"),
            "ban",
            key="disable",
            states=("Enabled",),
            form=Form(fixed={"state": "Disabled"}),
            ask=_("Nobody can choose it any more. What was made with it stays as it is."),
        ),
        Action(
            "deleteNetworkOffering",
            _("Delete"),
            "trash",
            danger=True,
            bulk=True,
            ask=_(
                "Nobody can choose it any more. An offering that networks use cannot be deleted."
            ),
        ),
    ),
    create=(
        Action(
            "createNetworkOffering",
            _("New network offering"),
            "plus",
            form=Form(
                (
                    "name",
                    "displaytext",
                    F("guestiptype", choices=TYPES),
                    F("traffictype", widget="hidden", initial="GUEST"),
                    F("supportedservices", placeholder="Dhcp,Dns,UserData,SourceNat"),
                    F("enable", initial="true"),
                ),
                more=(
                    "specifyvlan",
                    "specifyipranges",
                    "ispersistent",
                    "conservemode",
                    F("egressdefaultpolicy", initial="true"),
                    "networkrate",
                    F("tags", label=_("Tags")),
                ),
            ),
        ),
    ),
    tabs=(Related("networks", "networkofferingid"),),
)

SECTIONS = (SERVICE, DISK, NETWORK)
