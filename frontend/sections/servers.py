"""The processes of the portal itself."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from frontend.sections.base import Action, Column, Facts, Section
from frontend.sections.columns import ID

_ORDER = {"param": "managementserverid"}

SERVERS = Section(
    key="managementservers",
    title=_("Management servers"),
    one=_("Management server"),
    icon="server-bolt",
    list="listManagementServersMetrics",
    admin=True,
    sort="",
    about=_("The processes of the portal that answer and run jobs."),
    columns=(
        Column("name", _("Name"), "name"),
        Column("state", _("State"), "state"),
        Column("ipaddress", _("Address"), "mono"),
        Column("pendingjobscount", _("Jobs"), "number"),
        Column("cpuload", _("CPU"), "share"),
        Column("systemmemoryused", _("Memory used"), "reworded"),
        Column("systemmemorytotal", _("Memory"), "reworded", shown=False),
        Column("version", _("Version"), shown=False),
        Column("lastserverstart", _("Started"), "time"),
    ),
    facts=(
        Facts(
            _("Process"),
            (
                ID,
                Column("state", _("State"), "state"),
                Column("version", _("Version")),
                Column("pendingjobscount", _("Jobs"), "number"),
                Column("threadstotalcount", _("Threads"), "number"),
                Column("cpuload", _("CPU"), "share"),
                Column("lastserverstart", _("Started"), "date"),
            ),
        ),
        Facts(
            _("Machine"),
            (
                Column("ipaddress", _("Address"), "copy"),
                Column("availableprocessors", _("CPUs"), "number"),
                Column("systemmemorytotal", _("Memory"), "reworded"),
                Column("systemmemoryfree", _("Memory free"), "reworded"),
                Column("osdistribution", _("System")),
                Column("kernelversion", _("Kernel")),
                Column("lastboottime", _("Booted"), "date"),
            ),
        ),
    ),
    actions=(
        Action(
            "prepareForMaintenance", _("Take out of work"), "player-pause", **_ORDER,
            states=("Up",),
            ask=_("It ends what it does and takes no new jobs; the others go on."),
        ),
        Action(
            "cancelMaintenance", _("Put back to work"), "player-play", key="maintenance", **_ORDER,
            states=("PreparingForMaintenance", "Maintenance"),
        ),
        Action(
            "cancelShutdown", _("Put back to work"), "player-play", key="shutdown", **_ORDER,
            states=("PreparingForShutDown", "ReadyToShutDown", "ShuttingDown"),
        ),
        Action(
            "prepareForShutdown", _("Prepare to stop"), "clock", **_ORDER,
            states=("Up", "Maintenance"),
            ask=_("It ends what it does and takes no new jobs, so that it can be stopped."),
        ),
        Action(
            "triggerShutdown", _("Stop"), "power", danger=True, **_ORDER,
            states=("Up", "Maintenance", "PreparingForShutDown", "ReadyToShutDown"),
            ask=_("It ends what it does, then it stops. Whatever started it may start it again."),
        ),
    ),
)  # fmt: skip

SECTIONS = (SERVERS,)
