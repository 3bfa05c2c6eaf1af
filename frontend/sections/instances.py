"""Instances."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from frontend import tabs
from frontend.sections.base import (
    Action,
    Column,
    F,
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
    HOST,
    ID,
    OWNER,
    STATE,
    TAGS,
    ZONE,
    ZONE_FILTER,
    states,
)

OFFERING = Column(
    "serviceofferingname", _("Service offering"), to="serviceofferings", by="serviceofferingid"
)

ADDRESS = Column(
    "ipaddress", _("IP address"), "mono", make=lambda r: r.get("ipaddress") or _first_address(r)
)


def _first_address(record: Record) -> str:
    nics = record.get("nic") or []
    first = next(
        (n for n in nics if str(n.get("isdefault")).lower() == "true"), nics[0] if nics else {}
    )
    return str(first.get("ipaddress") or "")


def _size(record: Record) -> str:
    from_cores = record.get("cpunumber")
    return str(tabs.size_of(from_cores, record.get("memory"))) if from_cores else ""


def _runs(record: Record) -> Text:
    return (
        ""
        if record.get("state") == "Running"
        else _("There is a console only while the instance runs.")
    )


def _has_iso(record: Record) -> Text:
    return "" if record.get("isoid") else _("No ISO is attached.")


def _has_no_iso(record: Record) -> Text:
    return _("An ISO is attached already; detach it first.") if record.get("isoid") else ""


def _can_reset_password(record: Record) -> Text:
    if str(record.get("passwordenabled")).lower() != "true":
        return _("Its template does not let the password be reset.")
    return "" if record.get("state") == "Stopped" else _("The instance must be stopped first.")


INSTANCES = Section(
    key="instances",
    title=_("Instances"),
    one=_("Instance"),
    icon="device-desktop",
    list="listVirtualMachines",
    resource_type="VirtualMachine",
    sort="-created",
    groups=frozenset({"nics"}),
    name_field="displayname",
    card="frontend/cards/instance.html",
    about=_(
        "An instance is a virtual machine: an image, a size, disks and a network. It starts within "
        "seconds."
    ),
    columns=(
        Column("displayname", _("Name"), "name"),
        STATE,
        ADDRESS,
        Column("cpunumber", pgettext_lazy("machine", "Size"), make=_size),
        Column("templatename", _("Template"), to="templates", by="templateid"),
        ZONE,
        HOST,
        Column("account", _("Account")),
        Column(
            "serviceofferingname",
            _("Service offering"),
            to="serviceofferings",
            by="serviceofferingid",
            shown=False,
        ),
        Column("osdisplayname", _("OS type"), shown=False),
        Column("group", _("Group"), shown=False),
        Column("instancename", _("Internal name"), "mono", shown=False),
        Column("hypervisor", _("Hypervisor"), shown=False),
        DOMAIN,
        CREATED,
        TAGS,
    ),
    filters=(
        states(
            "state", _("State"), "Running", "Stopped", "Starting", "Stopping", "Destroyed", "Error"
        ),
        ZONE_FILTER,
        Filter("hostid", _("Host"), section="hosts"),
        Filter("networkid", _("Network"), section="networks"),
        Filter("templateid", _("Template"), section="templates"),
        Filter("serviceofferingid", _("Service offering"), section="serviceofferings"),
        Filter("groupid", _("Group"), section="instancegroups"),
        Filter("affinitygroupid", _("Affinity group"), section="affinitygroups"),
        DOMAIN_FILTER,
        ACCOUNT_FILTER,
    ),
    facts=(
        Facts(
            _("Instance"),
            (
                ID,
                Column("name", _("Host name"), "mono"),
                ADDRESS,
                Column("instancename", _("Internal name"), "mono"),
                Column("powerstate", _("Power, as its host reports it"), "state"),
                Column("osdisplayname", _("OS type")),
                Column("group", _("Group")),
                Column("keypairs", _("SSH keys")),
                Column("userdataname", _("User data")),
            ),
        ),
        Facts(
            _("Runs on"),
            (
                ZONE,
                HOST,
                Column("hypervisor", _("Hypervisor")),
                OFFERING,
                Column("cpunumber", _("CPU cores"), "number"),
                Column("cpuspeed", _("CPU speed"), "frequency"),
                Column("memory", _("Memory"), "memory"),
                Column("affinitygroup", _("Affinity groups"), "words"),
            ),
        ),
        Facts(
            _("Made from"),
            (
                Column("templatename", _("Template"), to="templates", by="templateid"),
                Column("isoname", _("Attached ISO"), to="isos", by="isoid"),
            ),
        ),
        OWNER,
    ),
    actions=(
        Action(
            "createConsoleEndpoint",
            _("Console"),
            "terminal-2",
            param="virtualmachineid",
            primary=True,
            url="/console/{id}",
            unless=_runs,
        ),
        Action(
            "startVirtualMachine",
            _("Start"),
            "player-play",
            event="START",
            bulk=True,
        ),
        Action(
            "startVirtualMachine",
            _("Start on a host"),
            "player-play",
            key="on",
            event="START",
            admin=True,
            form=Form((F("hostid", required=True),)),
        ),
        Action(
            "stopVirtualMachine",
            _("Stop"),
            "player-stop",
            event="STOP",
            bulk=True,
            form=Form(("forced",)),
            ask=_(
                "The guest is asked to shut down. If it does not in time and “Force” is set, its "
                "power is cut."
            ),
        ),
        Action(
            "rebootVirtualMachine",
            _("Reboot"),
            "rotate-clockwise",
            states=("Running",),
            bulk=True,
            form=Form(("forced",)),
            ask=_("The guest is restarted; whoever works on it is interrupted."),
        ),
        Action(
            "updateVirtualMachine",
            _("Edit"),
            "edit",
            form=Form(
                ("displayname", "group", "ostypeid", "isdynamicallyscalable", "deleteprotection"),
                more=("name", F("userdata", widget="base64", source="-")),
                prefill=True,
            ),
        ),
        Action(
            "scaleVirtualMachine",
            _("Change size"),
            "resize",
            states=("Stopped",),
            form=Form(("serviceofferingid",), more=("details",)),
        ),
        Action(
            "attachVolume",
            _("Attach a volume"),
            "database-import",
            param="virtualmachineid",
            states=("Running", "Stopped"),
            form=Form(
                (F("id", label=_("Volume"), section="volumes", among={"type": "DATADISK"}),),
                more=("deviceid",),
            ),
        ),
        Action(
            "attachIso",
            _("Attach an ISO"),
            "disc",
            param="virtualmachineid",
            unless=_has_no_iso,
            form=Form((F("id", label=_("ISO"), section="isos"),)),
        ),
        Action("detachIso", _("Detach the ISO"), "disc", param="virtualmachineid", unless=_has_iso),
        Action(
            "updateDefaultNicForVirtualMachine",
            _("Make default"),
            "network",
            key="nic",
            param="virtualmachineid",
            hidden=True,
            form=Form((F("nicid", widget="hidden"),)),
            ask=_(
                "Outgoing traffic takes this network. The guest learns of it at its next start or "
                "DHCP renewal."
            ),
        ),
        Action(
            "removeNicFromVirtualMachine",
            _("Remove the NIC"),
            "trash",
            key="nic",
            param="virtualmachineid",
            hidden=True,
            danger=True,
            form=Form((F("nicid", widget="hidden"),)),
            ask=_("The instance leaves this network and its address there is free again."),
        ),
        Action(
            "updateVmNicIp",
            _("Change the address"),
            "edit",
            key="nic",
            param="nicid",
            source="-",
            hidden=True,
            states=("Stopped",),
            form=Form((F("nicid", widget="hidden"), "ipaddress")),
        ),
        Action(
            "addNicToVirtualMachine",
            _("Add a network"),
            "network",
            param="virtualmachineid",
            form=Form(("networkid",), more=("ipaddress", "macaddress")),
        ),
        Action(
            "updateVMAffinityGroup",
            _("Affinity groups"),
            "affiliate",
            states=("Stopped",),
            form=Form(("affinitygroupids",)),
        ),
        Action(
            "resetPasswordForVirtualMachine",
            _("Reset the password"),
            "password",
            unless=_can_reset_password,
            ask=_(
                "A new password is made and shown once the job is done. The guest takes it at its "
                "next start."
            ),
        ),
        Action(
            "resetSSHKeyForVirtualMachine",
            _("Reset the SSH keys"),
            "key",
            states=("Stopped",),
            form=Form((F("keypairs", section="sshkeys"),)),
        ),
        Action(
            "resetUserDataForVirtualMachine",
            _("Change the user data"),
            "file-code",
            states=("Stopped",),
            form=Form((F("userdata", widget="base64"), "userdataid")),
        ),
        Action(
            "restoreVirtualMachine",
            _("Reinstall"),
            "refresh",
            param="virtualmachineid",
            danger=True,
            states=("Running", "Stopped"),
            form=Form(("templateid",)),
            ask=_(
                "The root disk is made anew from its template. What is on it now is lost; data "
                "disks stay."
            ),
        ),
        Action(
            "assignVirtualMachine",
            _("Give to another account"),
            "users",
            param="virtualmachineid",
            states=("Stopped",),
            form=Form(
                (
                    "domainid",
                    F("account", help=_("The account's name in that domain; or choose a project.")),
                    "projectid",
                ),
                more=("networkids", "securitygroupids"),
            ),
            ask=_(
                "The instance goes with its volumes, and counts against the new owner's limits "
                "from then on. It leaves the networks, groups and keys of its owner today."
            ),
        ),
        Action("recoverVirtualMachine", _("Recover"), "arrow-back-up", event="RECOVER", bulk=True),
        Action(
            "destroyVirtualMachine",
            _("Destroy"),
            "trash",
            danger=True,
            states=("Running", "Stopped", "Error"),
            bulk=True,
            form=Form(
                (F("expunge", needs="expungeVirtualMachine"),),
                more=(F("volumeids", section="volumes"),),
            ),
            ask=_(
                "The instance is stopped and destroyed. Until it is expunged it can be recovered, "
                "if need be by an administrator."
            ),
        ),
        Action(
            "expungeVirtualMachine",
            _("Expunge"),
            "trash-x",
            danger=True,
            event="EXPUNGE",
            bulk=True,
            ask=_("The instance and its root disk are deleted for good, now."),
        ),
    ),
    create=(Action("deployVirtualMachine", _("New instance"), "plus", url="/instances/new"),),
    tabs=(
        Tab("nics", _("Networks"), "frontend/tabs/nics.html", tabs.nics),
        Related("volumes", "virtualmachineid", preset={"virtualmachineid": "id"}),
        Tab(
            "metrics",
            _("Metrics"),
            "frontend/tabs/metrics.html",
            tabs.metrics,
            needs="listVirtualMachinesUsageHistory",
        ),
    ),
)

SECTIONS = (INSTANCES,)
