"""What tabs with a template of their own draw. Each loader takes the reader, the section and
the record, and answers with the context of its template."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.commands import COMMANDS
from core.errors import CloudError
from frontend import figures, growth, texts
from frontend.states import look
from frontend.tuning import Line
from infra.models import PodAddress
from infra.services import pod_ranges

if TYPE_CHECKING:
    from frontend.reader import Reader
    from frontend.sections.base import Record, Section

Context = Mapping[str, Any]

#: resourcetype → (name, field stem of accounts and domains, how it is drawn)
RESOURCES: dict[int, tuple[Any, str, str]] = {
    0: (gettext_lazy("Instances"), "vm", "number"),
    8: (gettext_lazy("CPU cores"), "cpu", "number"),
    9: (gettext_lazy("Memory"), "memory", "memory"),
    2: (gettext_lazy("Volumes"), "volume", "number"),
    10: (gettext_lazy("Primary storage"), "primarystorage", "gib"),
    3: (gettext_lazy("Snapshots"), "snapshot", "number"),
    11: (gettext_lazy("Secondary storage"), "secondarystorage", "gib"),
    4: (gettext_lazy("Templates"), "template", "number"),
    6: (gettext_lazy("Networks"), "network", "number"),
    1: (gettext_lazy("Public addresses"), "ip", "number"),
    7: (gettext_lazy("VPCs"), "vpc", "number"),
    5: (gettext_lazy("Projects"), "project", "number"),
}
_DRAWN = {"number": lambda n: f"{int(n):,}", "memory": figures.memory, "gib": figures.gib}


def draw_amount(stem: str, amount: float) -> str:
    """An amount of a countable thing in its own unit."""
    form = next((f for _title, s, f in RESOURCES.values() if s == stem), "number")
    return _DRAWN[form](amount)


def quota_lines(record: Record) -> list[dict[str, Any]]:
    """Use against limit of each countable thing, from an account's or domain's own fields."""
    lines = []
    for number, (title, stem, _form) in RESOURCES.items():
        used, ceiling = record.get(f"{stem}total"), record.get(f"{stem}limit")
        if used is None:
            continue
        text = str(ceiling if ceiling is not None else -1)
        unlimited = text.lower() in ("unlimited", "-1")
        most = None if unlimited else int(float(text))
        lines.append({**_quota(number, float(used), most), "title": title, "stem": stem})
    return lines


def _quota(number: int, used: float, most: int | None) -> dict[str, Any]:
    """``most`` None: no limit."""
    form = _DRAWN[RESOURCES[number][2]]
    share = 0 if most is None else min(100, figures.share(used, most)) if most else 100
    return {
        "type": number, "used": used, "limit": most, "percent": share,
        "used_text": form(used), "limit_text": _("No limit") if most is None else form(most),
    }  # fmt: skip


def tagged_lines(record: Record) -> list[dict[str, Any]]:
    """The same for what is limited by tags of offerings."""
    return [
        {
            **_quota(line["resourcetype"], float(line["total"]),
                     None if line["limit"] == -1 else line["limit"]),
            "title": RESOURCES[line["resourcetype"]][0],
            "tag": line["tag"],
        }
        for line in record.get("taggedresources") or []
    ]  # fmt: skip


def limits(reader: Reader, section: Section, record: Record) -> Context:
    holder = {"domainid": record["id"]}
    if section.key == "accounts":
        holder = {"account": record["name"], "domainid": record["domainid"]}
    elif section.key == "projects":
        holder = {"projectid": record["id"]}
    lines = quota_lines(record) + tagged_lines(record)
    is_root = section.key == "domains" and not record.get("parentdomainid")
    may_change = reader.may("updateResourceLimit") and not is_root
    if may_change and not reader.is_admin and section.key != "projects":
        may_change = reader.operates(section, record)  # nobody sets one's own
    return {"lines": lines, "holder": holder, "may_change": may_change}


#: The parameter of listConfigurations that names the holder of a section's settings.
_HOLDERS = {
    "zones": "zoneid", "clusters": "clusterid", "storagepools": "storageid",
    "imagestores": "imagestoreuuid", "domains": "domainid", "accounts": "accountid",
}  # fmt: skip


def settings(reader: Reader, section: Section, record: Record) -> Context:
    holder = _HOLDERS[section.key]
    rows = reader.run("listConfigurations", {holder: record["id"], "pagesize": "-1"}).records or []
    lines = [Line(row, holder, str(record["id"])) for row in rows]
    return {
        "lines": sorted(lines, key=lambda line: not line.is_changed),  # those set here first
        "may_change": reader.may("updateConfiguration"),
        "may_reset": reader.may("resetConfiguration"),
    }


def nics(reader: Reader, section: Section, record: Record) -> Context:
    return {
        "nics": record.get("nic") or [],
        "may_remove": reader.may("removeNicFromVirtualMachine"),
        "may_default": reader.may("updateDefaultNicForVirtualMachine"),
        "may_readdress": reader.may("updateVmNicIp") and record.get("state") == "Stopped",
        "may_add": reader.may("addNicToVirtualMachine"),
    }


def traffic_rules(reader: Reader, section: Section, record: Record) -> Context:
    """What may come in to a security group's instances, and what may go out."""
    ways = (
        ("Ingress", "ingressrule", _("What may come in"), _("From"),
         _("Answers to what an instance asked for come in without a rule."),
         _("Nothing comes in.")),
        ("Egress", "egressrule", _("What may go out"), _("To"),
         _("Without a rule everything goes out; with one, nothing else does."),
         _("Everything goes out.")),
    )  # fmt: skip
    shown = []
    for way, field, title, whom, hint, none in ways:
        allow, revoke = f"authorizeSecurityGroup{way}", f"revokeSecurityGroup{way}"
        rules = [{**rule, "ports": _ports(rule)} for rule in record.get(field) or []]
        shown.append({
            "title": title, "whom": whom, "hint": hint, "none": none, "rules": rules,
            "allow": allow, "revoke": revoke, "may_allow": reader.may(allow),
            "may_revoke": reader.may(revoke),
        })  # fmt: skip
    return {"ways": shown}


def _ports(rule: Record) -> str:
    if rule.get("icmptype") is not None:
        kinds = [rule["icmptype"], rule.get("icmpcode", -1)]
        if kinds == [-1, -1]:
            return _("any")
        return "/".join("*" if kind == -1 else str(kind) for kind in kinds)
    first, last = rule.get("startport"), rule.get("endport")
    if first is None:
        return _("any")
    return str(first) if first == last else f"{first}–{last}"


def chain(reader: Reader, section: Section, record: Record) -> Context:
    """Snapshots of a volume from the first to the last, as a line that ends in today."""
    found = reader.run("listSnapshots", {"volumeid": record["id"], "listall": "true"}).records or []
    return {"chain": sorted(found, key=lambda r: str(r.get("created")))}


def rules(reader: Reader, section: Section, record: Record) -> Context:
    found = reader.run("listRolePermissions", {"roleid": record["id"]}).records or []
    editable = not record.get("isdefault") and reader.may("updateRolePermission")
    return {"rules": found, "may_change": editable, "commands": sorted(COMMANDS)}


def project_rules(reader: Reader, section: Section, record: Record) -> Context:
    given = {"projectid": str(record["projectid"]), "projectroleid": str(record["id"])}
    found = reader.run("listProjectRolePermissions", given).records or []
    may = reader.may("updateProjectRolePermission") and bool(record.get("administers"))
    return {
        "rules": found,
        "may_change": may,
        "rules_url": f"/projectrules/{record['id']}",
        "rules_hint": _(
            "The first rule that matches a command decides; * stands for any letters. What no rule "
            "names is as the member's own role says."
        ),
        "no_rules": _("No rules: members may do what their own roles allow."),
    }


def why(reader: Reader, section: Section, record: Record) -> Context:
    """An empty question about this role or user."""
    param = "roleid" if section.key == "roles" else "userid"
    return {"asked": {param: str(record["id"])}, "commands": sorted(COMMANDS)}


def sharing(reader: Reader, section: Section, record: Record) -> Context:
    found = reader.run("listTemplatePermissions", {"id": record["id"]})
    shared = (found.records or [found.record()])[0] if found else {}
    accounts = shared.get("account") or []
    return {
        "shared_with": accounts if isinstance(accounts, list) else str(accounts).split(","),
        "may_change": reader.may("updateTemplatePermissions"),
    }


def permitted(reader: Reader, section: Section, record: Record) -> Context:
    """Other accounts that may plug instances into a network."""
    found = reader.run("listNetworkPermissions", {"networkid": record["id"]}).records or []
    base = f"/do/{{}}?from={section.key}&of={record['id']}&stay=1"

    def take_back(p: Record) -> str:
        # Another account's id is nothing a tenant knows; its name in the same domain is.
        if p.get("projectid"):
            who = {"projectids": p["projectid"]}
        elif str(p.get("domainid")) == str(record.get("domainid")):
            who = {"accounts": p["account"]}
        else:
            who = {"accountids": p["accountid"]}
        return f"{base.format('removeNetworkPermissions')}&{urlencode(who)}"

    may_remove = reader.may("removeNetworkPermissions")
    return {
        "permitted": [{**p, "take_back": take_back(p) if may_remove else ""} for p in found],
        "permit": base.format("createNetworkPermissions")
        if reader.may("createNetworkPermissions") else "",
        "reset": base.format("resetNetworkPermissions")
        if found and reader.may("resetNetworkPermissions") else "",
    }  # fmt: skip


_TAKEN_SHOWN = 500


def management(reader: Reader, section: Section, record: Record) -> Context:
    """A pod's ranges of management addresses with their forms, and what is taken of them."""

    def form(command: str, **values: str) -> str:
        if not reader.may(command):
            return ""
        query = {"from": section.key, "of": str(record["id"]), "stay": "1", **values}
        return f"/do/{command}?{urlencode(query)}"

    lines = []
    for found in record.get("ipranges") or []:
        start, end, vlan = (str(found.get(k) or "") for k in ("startip", "endip", "vlanid"))
        lines.append(
            {
                **found,
                "change": form("updatePodManagementNetworkIpRange", currentstartip=start,
                               currentendip=end, newstartip=start, newendip=end),
                "end": form("deleteManagementNetworkIpRange", startip=start, endip=end, vlan=vlan),
            }
        )  # fmt: skip
    taken = PodAddress.objects.filter(pod__uuid=record["id"]).order_by("number")[:_TAKEN_SHOWN]
    return {
        "ranges": lines,
        "add": form("createManagementNetworkIpRange"),
        "take": form("acquirePodIpAddress") if lines else "",
        "taken": [_taken(row, form) for row in taken],
    }


def _taken(row: PodAddress, form: Callable[..., str]) -> dict[str, Any]:
    """What a system machine holds goes with the machine; the rest somebody took by hand."""
    by_hand = row.holder == pod_ranges.ASKED_FOR
    return {
        "address": row.address,
        "holder": "" if by_hand else row.holder,
        "since": row.taken,
        "end": form("releasePodIpAddress", id=str(row.pk)) if by_hand else "",
    }


_CAPACITY_HOLDERS = {
    "zones": "zoneid", "pods": "podid", "clusters": "clusterid", "hosts": "hostid",
    "storagepools": "storageid",
}  # fmt: skip


def capacity(reader: Reader, section: Section, record: Record) -> Context:
    given = {_CAPACITY_HOLDERS[section.key]: str(record["id"])}
    past = growth.history(reader, given)
    its_own = {"storagepools": _of_pool, "hosts": _of_host}.get(section.key)
    # listCapacity does not tell pools and hosts apart.
    rows = its_own(record) if its_own else reader.run("listCapacity", given).records or []
    bars = growth.capacity_bars(rows)
    growth.add_forecasts(bars, [{**r, "id": ""} for r in past])
    return {"bars": bars, "charts": growth.charts(past)}


def _of_pool(record: Record) -> list[dict[str, Any]]:
    total = float(record.get("disksizetotal") or 0)
    promised = total * float(record.get("overprovisionfactor") or 1)
    return [
        {"type": 2, "capacityused": record.get("disksizeused"), "capacitytotal": total},
        {"type": 3, "capacityused": record.get("disksizeallocated"), "capacitytotal": promised},
    ]


def _of_host(record: Record) -> list[dict[str, Any]]:
    return [
        {"type": kind, "capacityused": record.get(used), "capacitytotal": record.get(total)}
        for kind, used, total in (
            (1, "cpuallocatedvalue", "cpuwithoverprovisioning"),
            (0, "memoryallocatedbytes", "memorywithoverprovisioning"),
        )
    ]


_HISTORIES = {
    "instances": "listVirtualMachinesUsageHistory",
    "hosts": "listHostsUsageHistory",
    "volumes": "listVolumesUsageHistory",
    "systemvms": "listSystemVmsUsageHistory",
}


def metrics(reader: Reader, section: Section, record: Record) -> Context:
    """Series for the charts: ``{title, unit, times, values}``; empty until the first reports."""
    try:
        found = reader.run(_HISTORIES[section.key], {"id": record["id"]}).records or []
    except CloudError:
        found = []
    stats = found[0].get("stats", []) if found else []
    return {"series": _series(stats)}


def _series(stats: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """CPU as it is; the rest are totals in KiB, of which the chart shows the rate."""
    shown = (
        ("cpuused", _("CPU"), "%"),
        ("memoryused", _("Memory"), "GiB"),
        ("cpuloadaverage", _("Load"), ""),
        ("networkkbsread", _("Network in"), "KiB/s"),
        ("networkkbswrite", _("Network out"), "KiB/s"),
        ("diskkbsread", _("Disk read"), "KiB/s"),
        ("diskkbswrite", _("Disk write"), "KiB/s"),
    )
    out = []
    for name, title, unit in shown:
        points = [
            (moment, float(str(s[name]).rstrip("%")))
            for s in stats
            if s.get(name) is not None and (moment := _moment(s["timestamp"]))
        ]
        if unit == "GiB":
            points = [(at, value / 2**30) for at, value in points]
        elif unit == "KiB/s":
            points = rates(points)
        if points:
            out.append(
                {
                    "title": str(title),
                    "unit": unit,
                    "times": [at.isoformat() for at, _value in points],
                    "values": [round(value, 2) for _at, value in points],
                }
            )
    return out


def _moment(value: Any) -> datetime | None:
    return value if isinstance(value, datetime) else parse_datetime(str(value))


def rates(points: list[tuple[datetime, float]]) -> list[tuple[datetime, float]]:
    """Totals as growth a second. A total that fell began anew (the machine was restarted)."""
    out = []
    for (begun, before), (at, now) in pairwise(points):
        seconds = (at - begun).total_seconds()
        if seconds > 0:
            grown = now - before if now >= before else now
            out.append((at, grown / seconds))
    return out


# -- small things that columns make of a record ------------------------------------------


def size_of(cores: Any, memory_mb: Any) -> str:
    """“2 vCPU 4 GiB”, the size of a machine in a glance."""
    parts = [f"{cores} vCPU" if cores else "", figures.memory(memory_mb) if memory_mb else ""]
    return " ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts if part)


def used_percent(used: Any, total: Any) -> float | None:
    return 100 * float(used) / float(total) if used is not None and total else None


def job_title(record: Record) -> str:
    named = record.get("jobinstancename")
    title = command_title(record.get("cmd"))
    return texts.titled(title, named) if named else title


def command_title(command: Any) -> str:
    """“Start · Instance”: a command as its button calls it."""
    name = str(command or "").rsplit(".", 1)[-1]
    return " · ".join(str(part) for part in _titles().get(name, (name,)))


_DONE = re.compile(r"^(\w+): ")
_OF_JOB = re.compile(
    r"^(?P<name>.*): (?P<command>\w+) (?P<how>scheduled|started|done|failed|cancelled)"
    r"(?:: (?P<why>.*))?$",
    re.S,
)


def event_state(record: Record) -> str:
    """An event that tells of a refusal or a failure is no success, though it is complete."""
    if record.get("level") == "ERROR" and record.get("state") == "Completed":
        return "Failed"
    return str(record.get("state") or record.get("level") or "")


def event_text(record: Record) -> str:
    """What happened, in the pages' words: the record names commands."""
    text = str(record.get("description") or "")
    begun = _DONE.match(text)
    if begun and begun[1] in COMMANDS and record.get("level") == "ERROR":
        return _refusal(begun[1], text, str(record.get("resourcename") or ""))
    if begun and begun[1] in COMMANDS:
        title, named = command_title(begun[1]), record.get("resourcename")
        return texts.titled(title, named) if named else title
    job = _OF_JOB.match(text)
    if job and job["command"] in COMMANDS:
        what = f"{command_title(job['command'])} – {look(job['how']).word}"
        what = texts.titled(what, texts.say(job["why"])) if job["why"] else what
        return texts.titled(job["name"], what)
    return texts.say(text)


def _refusal(command: str, text: str, name: str) -> str:
    """“createVolume: volume data: There is no room.” in the pages' words."""
    why = text.partition(": ")[2]
    before, found, after = why.partition(f" {name}: ") if name else ("", "", "")
    why = after if found and len(before.split()) <= 3 else why  # “virtual machine”, the kind
    about = f" {name}" if name else ""
    return texts.titled(f"{command_title(command)}{about} – {look('refused').word}", texts.say(why))


#: Commands without a button of their own: they are done within a thing's page.
_IN_PLACE: dict[str, tuple[Any, ...]] = {
    "createTags": (gettext_lazy("Add a tag"),),
    "deleteTags": (gettext_lazy("Remove a tag"),),
    "addAnnotation": (gettext_lazy("Comment"),),
    "removeAnnotation": (gettext_lazy("Remove a comment"),),
    "updateAnnotationVisibility": (gettext_lazy("Show or hide a comment"),),
    "uploadResourceIcon": (gettext_lazy("Upload an icon"),),
    "deleteResourceIcon": (gettext_lazy("Remove the icon"),),
    "addResourceDetail": (gettext_lazy("Add a detail"),),
    "removeResourceDetail": (gettext_lazy("Remove a detail"),),
    "createRolePermission": (gettext_lazy("Add a rule"),),
    "updateRolePermission": (gettext_lazy("Change a rule"),),
    "deleteRolePermission": (gettext_lazy("Delete a rule"),),
    "createProjectRolePermission": (gettext_lazy("Add a rule"),),
    "updateProjectRolePermission": (gettext_lazy("Change a rule"),),
    "deleteProjectRolePermission": (gettext_lazy("Delete a rule"),),
    "updateConfiguration": (gettext_lazy("Change a setting"),),
    "resetConfiguration": (gettext_lazy("Reset a setting"),),
    "updateProjectInvitation": (gettext_lazy("Answer an invitation"),),
    "setupUserTwoFactorAuthentication": (gettext_lazy("Set up or switch off a second factor"),),
    "validateUserTwoFactorAuthenticationCode": (gettext_lazy("Prove the second factor"),),
    "repairTrouble": (gettext_lazy("Repair"),),
    # What the cloud does without being asked.
    "replicateTemplate": (gettext_lazy("Copy a template to another store"),),
    "deleteLeftovers": (gettext_lazy("Delete leftovers"),),
    "mend": (gettext_lazy("Mend"),),
}


@functools.cache
def _titles() -> dict[str, tuple[Any, ...]]:
    from frontend.sections import SECTIONS

    found: dict[str, tuple[Any, ...]] = dict(_IN_PLACE)
    for section in SECTIONS.values():
        for action in section.create:
            found.setdefault(action.command, (action.label,))
        for action in section.actions:
            if action.param == "id" or action.command not in found:
                found.setdefault(action.command, (action.label, section.one))
    return found


#: Kinds that are listed nowhere by themselves.
_KINDS = {
    "dedicatedresource": gettext_lazy("Dedication"),
    "configuration": gettext_lazy("Setting"),
    "ipaddress": gettext_lazy("Public address"),
    "nic": gettext_lazy("Network card"),
    "annotation": gettext_lazy("Comment"),
    "tag": gettext_lazy("Tag"),
    "resourcelimit": gettext_lazy("Limit"),
    "accountlimit": gettext_lazy("Limit"),
    "domainlimit": gettext_lazy("Limit"),
    "trouble": gettext_lazy("Trouble"),
    "zonedraft": gettext_lazy("Zone"),
}


def kind_title(kind: Any) -> str:
    section = section_of_kind(kind)
    if section is not None:
        return str(section.one)
    return str(_KINDS.get(str(kind or "").lower(), "")) or texts.say(str(kind or ""))


def thing(record: Record, stem: str) -> Any:
    """What a record is about: its name, which leads to its page while the thing is there."""
    uuid, named = record.get(f"{stem}id"), record.get(f"{stem}name")
    section = section_of_kind(record.get(f"{stem}type"))
    if not (uuid and named and section and section.has_detail and section.model):
        return named
    found = section.model._default_manager.filter(uuid=uuid).exists()
    return format_html('<a href="/{}/{}">{}</a>', section.key, uuid, named) if found else named


def section_of_kind(kind: Any) -> Section | None:
    """By a model's name, as jobs and events have it."""
    from frontend.sections import SECTIONS

    wanted = str(kind or "").lower()
    found = (s for s in SECTIONS.values() if wanted in (s.kind, s.resource_type.lower()))
    return next(found, None) if wanted else None
