"""What happened and what is happening: events, jobs, alerts."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from frontend import tabs, texts
from frontend.sections.base import Action, Column, F, Facts, Filter, Form, Record, Section
from frontend.sections.columns import DOMAIN, DOMAIN_FILTER, ID
from frontend.states import JOB_STATES

EVENTS = Section(
    key="events",
    title=_("Events"),
    one=_("Event"),
    icon="history",
    list="listEvents",
    name_field="type",
    sort="-created",
    state_field="state",
    above="frontend/parts/audit.html",
    about=_("Everything that anybody changed, when, and what came of it."),
    columns=(
        Column("type", _("Event"), "name"),
        Column("state", _("State"), "state", make=tabs.event_state),
        Column("description", _("Description"), make=tabs.event_text),
        Column("resourcename", _("What")),
        Column("username", _("By")),
        Column("account", _("Account")),
        Column("level", _("Level"), "state", shown=False),
        DOMAIN,
        Column("created", _("When"), "time"),
    ),
    filters=(
        Filter("type", _("Event")),
        Filter(
            "level",
            _("Level"),
            choices=(("INFO", _("Information")), ("WARN", _("Warning")), ("ERROR", _("Error"))),
        ),
        Filter(
            "state",
            _("State"),
            choices=(
                ("Scheduled", _("Scheduled")),
                ("Started", _("Started")),
                ("Completed", _("Completed")),
            ),
        ),
        Filter("startdate", _("From")),
        Filter("enddate", _("Until")),
        Filter("resourcetype", _("Resource type")),
        Filter("resourceid", _("Resource")),
        Filter("archived", _("Archived"), choices=(("true", _("Archived")),)),
        DOMAIN_FILTER,
    ),
    facts=(
        Facts(
            _("Event"),
            (
                ID,
                Column("type", _("Event"), "mono"),
                Column("level", _("Level"), "state"),
                Column("description", _("Description"), make=tabs.event_text),
                Column(
                    "resourcetype",
                    _("Resource type"),
                    make=lambda r: tabs.kind_title(r.get("resourcetype")),
                ),
                Column("resourcename", _("What"), make=lambda r: tabs.thing(r, "resource")),
                Column("resourceid", _("Resource"), "copy"),
                Column("username", _("By")),
                Column("address", _("Address"), "copy"),
                Column("command", _("Command"), "mono"),
                Column("account", _("Account")),
                DOMAIN,
                Column("created", _("When"), "date"),
                Column("jobid", _("Job"), "copy"),
                Column("correlationid", _("Correlation"), "copy"),
            ),
        ),
    ),
    actions=(
        Action("archiveEvents", _("Archive"), "archive", param="ids", bulk=True),
        Action(
            "deleteEvents",
            _("Delete"),
            "trash",
            param="ids",
            danger=True,
            bulk=True,
            ask=_("The record of what happened is gone for good."),
        ),
    ),
)


def _job_state(record: Record) -> str:
    return JOB_STATES.get(int(record.get("jobstatus") or 0), "Working")


def _is_open(record: Record) -> object:
    return "" if int(record.get("jobstatus") or 0) == 0 else _("The job has ended.")


JOBS = Section(
    key="jobs",
    title=_("Jobs"),
    one=_("Job"),
    icon="list-details",
    list="listAsyncJobs",
    name_field="cmd",
    title_of=tabs.job_title,
    state_field="jobstatus",
    sort="",
    about=_("Work that takes longer than a click: its steps, and what each came to."),
    columns=(
        Column("cmd", _("Job"), "name", make=lambda r: tabs.command_title(r.get("cmd"))),
        Column("jobstatus", _("State"), "state", make=_job_state),
        Column(
            "jobinstancetype", _("Kind"), make=lambda r: tabs.kind_title(r.get("jobinstancetype"))
        ),
        Column("jobinstancename", _("What")),
        Column("account", _("Account")),
        Column("domainpath", _("Domain"), shown=False),
        Column("failure", _("Result"), "said"),
        Column("created", _("Begun"), "time"),
        Column("completed", _("Ended"), "time", shown=False),
    ),
    filters=(Filter("startdate", _("From")), DOMAIN_FILTER),
    facts=(
        Facts(
            _("Job"),
            (
                Column("id", _("ID"), "copy"),
                Column("jobstatus", _("State"), "state", make=_job_state),
                Column(
                    "jobinstancetype",
                    _("Kind"),
                    make=lambda r: tabs.kind_title(r.get("jobinstancetype")),
                ),
                Column("jobinstancename", _("What"), make=lambda r: tabs.thing(r, "jobinstance")),
                Column("jobinstanceid", _("Resource"), "copy"),
                Column("account", _("Account")),
                Column("created", _("Begun"), "date"),
                Column("completed", _("Ended"), "date"),
            ),
        ),
    ),
    card="frontend/cards/job.html",
    actions=(
        Action(
            "cancelAsyncJob",
            _("Cancel"),
            "ban",
            param="jobid",
            danger=True,
            unless=_is_open,
            ask=_("What has been done so far is undone, step by step."),
        ),
    ),
)

_YES_NO = (("true", _("Yes")), ("false", _("No")))


def _alert_state(record: Record) -> str:
    if record.get("resolved"):
        return "Resolved"
    return "Acknowledged" if record.get("acknowledged") else "Open"


def _is_taken_on(record: Record) -> object:
    if record.get("resolved"):
        return _("The problem is gone.")
    return _("Somebody has taken it on already.") if record.get("acknowledged") else ""


#: What somebody may find wrong; CloudStack's numbers.
_ALERT_KINDS = (
    ("14", _("Management server")), ("7", _("Host")), ("8", _("Instance")), ("11", _("Network")),
    ("9", _("Router")), ("2", _("Primary storage")), ("6", _("Secondary storage")),
)  # fmt: skip

ALERTS = Section(
    key="alerts",
    title=_("Alerts"),
    one=_("Alert"),
    icon="bell",
    list="listAlerts",
    name_field="name",
    title_of=lambda r: texts.say(r.get("name") or ""),
    state_field="resolved",
    admin=True,
    sort="",
    about=_("What the cloud wanted its administrators to know."),
    columns=(
        Column("name", _("Alert"), "name", make=lambda r: texts.say(r.get("name") or "")),
        Column("resolved", _("State"), "state", make=_alert_state),
        Column("description", _("Description"), make=tabs.event_text),
        Column("zonename", _("Zone"), shown=False),
        Column("count", _("Seen"), "number"),
        Column("acknowledgedby", _("Taken on by")),
        Column("sent", _("Sent"), "time"),
    ),
    filters=(
        Filter("type", _("Type")),
        Filter("resolved", _("Resolved"), choices=_YES_NO),
        Filter("acknowledged", _("Taken on"), choices=_YES_NO),
        Filter("archived", _("Archived"), choices=(("true", _("Archived")),)),
    ),
    facts=(
        Facts(
            _("Alert"),
            (
                ID,
                Column("description", _("Description"), make=tabs.event_text),
                Column(
                    "resourcetype",
                    _("Resource type"),
                    make=lambda r: tabs.kind_title(r.get("resourcetype")),
                ),
                Column("resourcename", _("What"), make=lambda r: tabs.thing(r, "resource")),
                Column("zonename", _("Zone")),
                Column("podname", _("Pod")),
                Column("clustername", _("Cluster")),
                Column("count", _("Seen"), "number"),
                Column("sent", _("Sent"), "date"),
                Column("acknowledged", _("Taken on"), "date"),
                Column("acknowledgedby", _("Taken on by")),
                Column("resolved", _("Resolved"), "date"),
            ),
        ),
    ),
    actions=(
        Action(
            "acknowledgeAlerts",
            _("Take on"),
            "user",
            param="ids",
            bulk=True,
            unless=_is_taken_on,
        ),
        Action("archiveAlerts", _("Archive"), "archive", param="ids", bulk=True),
        Action("deleteAlerts", _("Delete"), "trash", param="ids", bulk=True, danger=True),
    ),
    create=(
        Action(
            "generateAlert",
            _("Raise an alert"),
            "bell",
            form=Form(
                (
                    F("type", label=_("About"), choices=_ALERT_KINDS,
                      help=_("What kind of thing is the matter.")),
                    "name",
                    F("description", widget="textarea"),
                    F("zoneid", help=_("Where it is, if it is in one zone.")),
                ),
                more=("podid",),
            ),
            ask=_("All administrators see it; where alerts are mailed, it is sent as well."),
        ),
    ),
)

SECTIONS = (EVENTS, JOBS, ALERTS)
