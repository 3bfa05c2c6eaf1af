"""Hosts, and what of the cloud's own runs on them."""

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
    Record,
    Related,
    Section,
    Tab,
    Text,
)
from frontend.sections.columns import (
    ID,
    NAME,
    POD,
    STATE,
    ZONE,
    ZONE_FILTER,
    states,
)
from frontend.sections.mocks import MOCKS_TAB, mocking
from frontend.sections.places import (
    CAPACITY_TAB,
    CLUSTER_FILTER,
    CLUSTER_SHOWN,
    DEDICATED_TAB,
    LOAD_TAB,
    POD_FILTER,
    dedication,
)


def _in_maintenance(record: Record) -> Text:
    wanted = (
        "Maintenance",
        "ErrorInMaintenance",
        "PrepareForMaintenance",
        "ErrorInPrepareForMaintenance",
    )
    return "" if record.get("resourcestate") in wanted else _("The host is not in maintenance.")


HOSTS = Section(
    key="hosts",
    title=_("Hosts"),
    one=_("Host"),
    icon="server",
    list="listHosts",
    resource_type="Host",
    admin=True,
    groups=frozenset({"capacity", "stats"}),
    base={"type": "Routing"},
    about=_(
        "A host is a machine that runs instances. Adding one checks it first, by name: libvirt, "
        "virtualisation, clock, disk, bridge."
    ),
    columns=(
        NAME,
        STATE,
        Column("resourcestate", _("Use"), "state"),
        Column("cpuallocatedpercentage", _("CPU given"), "percent"),
        Column("memoryallocatedpercentage", _("Memory given"), "percent"),
        CLUSTER_SHOWN,
        ZONE,
        Column("ipaddress", _("Address"), "mono"),
        Column("hypervisor", _("Hypervisor")),
        Column("cpunumber", _("CPU cores"), "number", shown=False),
        Column("memorytotal", _("Memory"), "bytes", shown=False),
        Column("hosttags", _("Host tags"), "words", shown=False),
        Column("lastpinged", _("Last heard"), "time"),
    ),
    filters=(
        states("state", _("State"), "Up", "Down", "Disconnected", "Alert", "Connecting"),
        states("resourcestate", _("Use"), "Enabled", "Disabled", "Maintenance"),
        ZONE_FILTER,
        POD_FILTER,
        CLUSTER_FILTER,
        Filter("hypervisor", _("Hypervisor")),
    ),
    facts=(
        Facts(
            _("Host"),
            (
                ID,
                Column("ipaddress", _("Address"), "mono"),
                Column("hypervisor", _("Hypervisor")),
                Column("hypervisorversion", _("Hypervisor version")),
                Column("version", _("Agent version")),
                Column("arch", _("Architecture")),
                Column("resourcestate", _("Use"), "state"),
                Column("hosttags", _("Host tags"), "words"),
                Column("lastpinged", _("Last heard"), "time"),
            ),
        ),
        Facts(_("Belongs to"), (ZONE, POD, CLUSTER_SHOWN)),
        Facts(
            _("Capacity"),
            (
                Column("cpusockets", _("CPU sockets"), "number"),
                Column("cpunumber", _("CPU cores"), "number"),
                Column("cpuspeed", _("CPU speed"), "frequency"),
                Column("cpuallocatedpercentage", _("CPU given"), "percent"),
                Column("cpuused", _("CPU busy"), "percent"),
                Column("memorytotal", _("Memory"), "bytes"),
                Column("memoryallocatedbytes", _("Memory given, size"), "bytes"),
                Column("memoryused", _("Memory used"), "bytes"),
                Column("memoryallocatedpercentage", _("Memory given"), "percent"),
            ),
        ),
    ),
    actions=(
        Action(
            "updateHost",
            _("Edit"),
            "edit",
            primary=True,
            form=Form(("name", "hosttags"), more=("annotation",), prefill=True),
        ),
        Action(
            "updateHost",
            _("Enable"),
            "circle-check",
            key="enable",
            form=Form(fixed={"allocationstate": "Enable"}),
            unless=lambda r: (
                "" if r.get("resourcestate") == "Disabled" else _("The host is not disabled.")
            ),
        ),
        Action(
            "updateHost",
            _("Disable"),
            "ban",
            key="disable",
            form=Form(fixed={"allocationstate": "Disable"}),
            unless=lambda r: (
                "" if r.get("resourcestate") == "Enabled" else _("The host is not enabled.")
            ),
            ask=_("Nothing new is placed on it. What runs keeps running."),
        ),
        Action("reconnectHost", _("Reconnect"), "refresh"),
        Action("checkHost", _("Check it"), "heart-rate-monitor"),
        Action(
            "prepareHostForMaintenance",
            _("Begin maintenance"),
            "tool",
            unless=lambda r: (
                "" if r.get("resourcestate") == "Enabled" else _("The host must be enabled.")
            ),
            ask=_(
                "Its instances move to other hosts, or stop where that cannot be; then it may be "
                "worked on."
            ),
        ),
        Action(
            "cancelHostMaintenance", _("End maintenance"), "circle-check", unless=_in_maintenance
        ),
        *dedication("Host", "hostid"),
        *mocking("hostid"),
        Action(
            "deleteHost",
            _("Remove"),
            "trash",
            danger=True,
            form=Form(("forced",)),
            ask=_(
                "The host leaves the cloud. It must be disabled or in maintenance, and empty "
                "unless forced."
            ),
        ),
    ),
    create=(
        Action(
            "addHost",
            _("Add a host"),
            "plus",
            form=Form(
                (
                    "zoneid",
                    "podid",
                    "clusterid",
                    F(
                        "hypervisor",
                        initial="KVM",
                        choices=(("KVM", "KVM"), ("Simulator", "Simulator")),
                    ),
                    F("url", placeholder="http://192.0.2.10"),
                ),
                more=("hosttags",),
            ),
        ),
    ),
    tabs=(
        Related("instances", "hostid"),
        Related("routers", "hostid"),
        Related("systemvms", "hostid"),
        Related("storagepools", "hostid"),
        CAPACITY_TAB,
        LOAD_TAB,
        Tab(
            "metrics",
            _("Metrics"),
            "frontend/tabs/metrics.html",
            tabs.metrics,
            needs="listHostsUsageHistory",
        ),
        DEDICATED_TAB,
        MOCKS_TAB,
    ),
)


ENROLMENTS = Section(
    key="enrolments",
    title=_("Host enrolments"),
    one=_("Host enrolment"),
    icon="plug-connected",
    list="listHostEnrolments",
    state_field="",
    has_detail=False,
    admin=True,
    about=_(
        "A one-time token with which the agent of another machine joins a cluster. Make one, "
        "install the agent there, and start it with the token."
    ),
    columns=(
        NAME,
        CLUSTER_SHOWN,
        Column("hosttags", _("Host tags"), "words"),
        Column("hostname", _("Host"), to="hosts", by="hostid"),
        Column("created", _("Created"), "time"),
        Column("expires", _("Expires"), "time"),
        Column("used", _("Used"), "time"),
    ),
    filters=(CLUSTER_FILTER,),
    actions=(
        Action(
            "deleteHostEnrolment",
            _("Take back"),
            "trash",
            danger=True,
            bulk=True,
            unless=lambda r: _("It has been used.") if r.get("used") else "",
            ask=_("Its token no longer lets a machine in."),
        ),
    ),
    create=(
        Action(
            "createHostEnrolment",
            _("Enrol a host"),
            "plug-connected",
            form=Form(("clusterid", "name"), more=("hosttags",)),
        ),
    ),
)

CONSOLES = Section(
    key="consolesessions",
    title=_("Console sessions"),
    one=_("Console session"),
    icon="screen-share",
    list="listConsoleSessions",
    admin=True,
    has_detail=False,
    state_field="",
    base={"activeonly": "true"},
    name_field="virtualmachinename",
    about=_("Consoles that are open now, and by whom."),
    columns=(
        Column("virtualmachinename", _("Instance"), to="instances", by="virtualmachineid"),
        Column("kind", _("Kind"), "word"),
        Column("user", _("User"), to="users", by="userid"),
        Column("account", _("Account")),
        Column("clientaddress", _("From address"), "mono"),
        Column("hostname", _("Host"), to="hosts", by="hostid"),
        Column("acquired", _("Since"), "time"),
    ),
    actions=(
        Action(
            "endConsoleSession",
            _("End session"),
            "player-stop",
            danger=True,
            bulk=True,
            ask=_("The console closes within seconds."),
        ),
    ),
)

SECTIONS = (
    HOSTS,
    ENROLMENTS,
    CONSOLES,
)
