"""System VMs: the cloud's own machines for consoles and for secondary storage."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from frontend import tabs
from frontend.sections.base import Action, Column, F, Facts, Filter, Form, Section, Tab
from frontend.sections.columns import HOST, ID, NAME, POD, STATE, ZONE, ZONE_FILTER, states

_KINDS = (("consoleproxy", _("Consoles")), ("secondarystoragevm", _("Secondary storage")))
KIND = Column(
    "systemvmtype",
    _("Type"),
    make=lambda r: dict(_KINDS).get(r.get("systemvmtype", ""), r.get("systemvmtype")),
)

SYSTEM_VMS = Section(
    key="systemvms",
    title=_("System VMs"),
    one=_("System VM"),
    icon="server-bolt",
    list="listSystemVms",
    resource_type="SystemVm",
    admin=True,
    about=_(
        "The cloud’s own machines: one shows consoles, one moves images. A zone of simulated "
        "hosts makes them when it is opened."
    ),
    columns=(
        NAME,
        STATE,
        Column("agentstate", _("Agent"), "state"),
        KIND,
        HOST,
        ZONE,
        POD,
        Column("privateip", _("Private address"), "mono"),
        Column("version", _("Version"), shown=False),
        Column("created", _("Created"), "time"),
    ),
    filters=(
        states("state", _("State"), "Running", "Stopped", "Starting", "Stopping"),
        Filter("systemvmtype", _("Type"), choices=_KINDS),
        ZONE_FILTER,
        Filter("podid", _("Pod"), section="pods"),
        Filter("hostid", _("Host"), section="hosts"),
    ),
    facts=(
        Facts(
            _("System VM"),
            (
                ID,
                KIND,
                HOST,
                POD,
                ZONE,
                Column("serviceofferingname", _("Service offering")),
                Column("agentstate", _("Agent"), "state"),
                Column("version", _("Version")),
                Column("created", _("Created"), "date"),
            ),
        ),
        Facts(
            _("Addresses"),
            (
                Column("privateip", _("Private address"), "mono"),
                Column("privatenetmask", _("Netmask"), "mono"),
                Column("privatemacaddress", _("MAC address"), "mono"),
                Column("gateway", _("Gateway"), "mono"),
                Column("dns1", _("DNS server 1"), "mono"),
                Column("dns2", _("DNS server 2"), "mono"),
            ),
        ),
    ),
    actions=(
        Action("startSystemVm", _("Start"), "player-play", event="START", bulk=True),
        Action(
            "stopSystemVm",
            _("Stop"),
            "player-stop",
            event="STOP",
            bulk=True,
            form=Form(("forced",)),
            ask=_("It stays off until somebody starts it; what it serves waits."),
        ),
        Action(
            "rebootSystemVm",
            _("Reboot"),
            "refresh",
            states=("Running",),
            bulk=True,
            ask=_("What it serves pauses for a moment."),
        ),
        Action(
            "migrateSystemVm",
            _("Move to another host"),
            "transfer",
            param="virtualmachineid",
            event="MIGRATE",
            form=Form((F("hostid", required=True),)),
        ),
        Action(
            "scaleSystemVm",
            _("Change service offering"),
            "scale",
            states=("Running", "Stopped"),
            form=Form((F("serviceofferingid", required=True, among={"issystem": "true"}),)),
            ask=_("What runs is started anew with the new size; what it serves pauses."),
        ),
        Action(
            "destroySystemVm",
            _("Destroy"),
            "trash",
            event="DESTROY",
            danger=True,
            bulk=True,
            ask=_("While its zone is open, another one takes its place."),
        ),
    ),
    tabs=(
        Tab(
            "metrics",
            _("Metrics"),
            "frontend/tabs/metrics.html",
            tabs.metrics,
            needs="listSystemVmsUsageHistory",
        ),
    ),
)

SECTIONS = (SYSTEM_VMS,)
