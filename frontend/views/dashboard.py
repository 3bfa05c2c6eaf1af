"""Overview: an administrator's cloud, a tenant's account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.models import Domain
from accounts.querysets import in_subtree
from compute.services import machines
from compute.states import GONE
from core.errors import CloudError
from frontend import growth, htmx, tabs, texts
from frontend.heat import tile
from frontend.reader import Reader
from frontend.sections import SECTIONS
from frontend.states import JOB_STATES
from frontend.views.gate import signed_in
from jobs.models import AsyncJob, JobStatus, Trouble

LATEST = 8
HOSTS_SHOWN = 400


@require_GET
@signed_in
def overview(request: HttpRequest) -> HttpResponse:
    reader = request.reader
    context: dict[str, Any] = {
        "machines": by_state(reader, "instances"),
        "events": latest_events(reader),
        "failures": failures(reader),
    }
    if reader.is_admin:
        context |= administrators(reader)
        page = "admin"
    else:
        context |= {"quota": quota(reader), "shortcuts": shortcuts(reader)}
        if reader.rules and reader.project is None:
            context["ruled"] = counts(reader, ("domains", "accounts", "users", "projects"))
        page = "account"
    return htmx.render(
        request, f"frontend/overview_{page}.html", context,
        fragment=f"frontend/parts/overview_{page}.html",
    )  # fmt: skip


def administrators(reader: Reader) -> dict[str, Any]:
    hosts = by_state(reader, "hosts", "status")
    return {
        "hosts": hosts,
        "health": health(reader, hosts),
        "zones": capacity(reader),
        "tiles": [tile(h) for h in rows(reader, "hosts", {"pagesize": str(HOSTS_SHOWN)})],
        "troubles": Trouble.objects.all().visible_to(reader.caller).filter(closed=None).count(),
        "alerts": rows(reader, "alerts", {"pagesize": "5"}),
        "summary": counts(reader),
    }


def rows(reader: Reader, key: str, params: dict[str, str]) -> list[dict[str, Any]]:
    section = SECTIONS[key]
    if not reader.sees(section):
        return []
    try:
        return reader.list(section, {"page": "1", **params}).records or []
    except CloudError:
        return []


def by_state(reader: Reader, key: str, field: str = "state") -> list[tuple[str, int]]:
    """(state, how many) of what the reader sees in its scope; one query."""
    section = SECTIONS[key]
    model = section.model
    if model is None or not reader.sees(section):
        return []
    found = model._default_manager.all().visible_to(reader.caller)
    if hasattr(model, "OWNER"):
        found = in_scope(reader, found, model.OWNER)
    if key == "instances" and not machines.may_see_destroyed(reader.caller):
        found = found.exclude(state__in=GONE)
    counted = found.order_by().values_list(field).annotate(n=Count("pk"))
    return sorted(((str(s), n) for s, n in counted), key=lambda pair: -pair[1])


def in_scope(reader: Reader, rows: Any, owner: str) -> Any:
    """Of the rows, reached by whose ``owner`` path is their account, those of the chosen project,
    account or domain and what lies below it; what projects own is in their own scope alone, as
    in the lists."""
    if reader.project is not None:
        return rows.owned_by(reader.project.account)
    if not reader.rules:
        return rows.owned_by(reader.caller.account)
    marked = "of_project" if hasattr(rows.model, "of_project") else f"{owner}__is_project"
    rows = rows.filter(**{marked: False})
    if not reader.scope:
        return rows
    domain = domain_of(reader)
    if domain is None:
        return rows.none()
    if "account" in reader.scope:
        at = {f"{owner}__domain": domain, f"{owner}__name": reader.scope["account"]}
        return rows.filter(**at)
    return rows.filter(in_subtree(domain, f"{owner}__domain"))


def domain_of(reader: Reader) -> Domain | None:
    """The domain of the chosen scope, if there is such a one."""
    try:
        wanted = UUID(reader.scope["domainid"])
    except ValueError:
        return None
    return Domain.objects.all().visible_to(reader.caller).filter(uuid=wanted).first()


def health(reader: Reader, hosts: list[tuple[str, int]]) -> list[dict[str, Any]]:
    """What is not well, in words; an empty list is good news."""
    found = []
    for state, count in hosts:
        if state != "Up" and count:
            found.append({"kind": "hosts", "state": state, "count": count,
                          "url": f"/hosts?state={state}"})  # fmt: skip
    day = timezone.now() - timedelta(days=1)
    failed = (
        AsyncJob.objects.all()
        .visible_to(reader.caller)
        .filter(status=JobStatus.FAILED, created__gte=day)
        .count()
    )
    if failed:
        found.append({"kind": "jobs", "count": failed, "url": "/jobs"})
    open_troubles = Trouble.objects.all().visible_to(reader.caller).filter(closed=None).count()
    if open_troubles:
        found.append({"kind": "troubles", "count": open_troubles, "url": "/attention"})
    return found


def capacity(reader: Reader) -> list[dict[str, Any]]:
    """Bars of each zone, most important kinds first."""
    if not reader.may("listCapacity"):
        return []
    try:
        bars = growth.capacity_bars(reader.run("listCapacity").records or [])
    except CloudError:
        return []
    growth.add_forecasts(bars, growth.history(reader, {"showpoints": "false"}))
    zones: dict[str, dict[str, Any]] = {}
    for bar in bars:
        zone = zones.setdefault(
            str(bar["zone"]), {"name": bar["zone"], "id": bar["zoneid"], "bars": []}
        )
        zone["bars"].append(bar)
    return list(zones.values())


#: What an administrator's overview counts.
COUNTED_OF_ALL = (
    "zones", "hosts", "instances", "volumes", "networks", "templates", "accounts", "users",
)  # fmt: skip


def counts(reader: Reader, keys: tuple[str, ...] = COUNTED_OF_ALL) -> list[dict[str, Any]]:
    """How many of each there are, as links."""
    out = []
    for key in keys:
        section = SECTIONS[key]
        total = reader.total(section)
        if total is not None:
            out.append(
                {"title": section.title, "icon": section.icon, "total": total, "url": f"/{key}"}
            )
    return out


#: What the side bar counts.
COUNTED = ("instances", "volumes", "snapshots", "networks", "templates", "isos", "hosts")


@require_GET
@signed_in
def sidebar_counts(request: HttpRequest) -> JsonResponse:
    """How many of each there are in the chosen scope; read after the page, not with it."""
    reader = request.reader
    found = {key: reader.total(SECTIONS[key]) for key in COUNTED}
    if reader.is_admin:
        troubles = Trouble.objects.all().visible_to(reader.caller).filter(closed=None)
        found["attention"] = troubles.count()
    return JsonResponse({key: count for key, count in found.items() if count is not None})


def quota(reader: Reader) -> list[dict[str, Any]]:
    """Use against limits; lines without a limit and without use are left out."""
    record = holder(reader)
    lines = tabs.quota_lines(record) if record else []
    return [line for line in lines if line["used"] or line["limit"] is not None]


def holder(reader: Reader) -> dict[str, Any] | None:
    """Whose use is shown: the project's or account's one acts in, the domain's that one rules,
    or one's own account's."""
    scope, caller = reader.scope, reader.caller
    if reader.project is not None:
        command, given = "listProjects", {"id": str(reader.project.uuid)}
    elif "account" in scope:
        command, given = "listAccounts", {"name": scope["account"], "domainid": scope["domainid"]}
    elif reader.rules:
        command, given = "listDomains", {"id": scope.get("domainid") or str(caller.domain.uuid)}
    else:
        command, given = "listAccounts", {"id": str(caller.account.uuid)}
    try:
        found = reader.run(command, given).records
    except CloudError:
        return None
    return found[0] if found else None


def shortcuts(reader: Reader) -> list[dict[str, Any]]:
    out = []
    for key in ("instances", "volumes", "networks", "sshkeys", "templates", "accounts", "users"):
        for action in SECTIONS[key].create[:1]:
            if reader.may(action.command):
                url = action.url or f"/do/{action.command}?from={key}"
                out.append({"label": action.label, "icon": SECTIONS[key].icon, "url": url,
                            "drawer": not action.url})  # fmt: skip
    return out


def latest_events(reader: Reader) -> list[dict[str, Any]]:
    section = SECTIONS["events"]
    if not reader.sees(section):
        return []
    try:
        found = reader.list(section, {"page": "1", "pagesize": str(LATEST)}, sort="-created")
    except CloudError:
        return []
    return found.records or []


def failures(reader: Reader) -> list[dict[str, Any]]:
    """Jobs that failed in the last days, newest first."""
    since = timezone.now() - timedelta(days=7)
    jobs = AsyncJob.objects.all().visible_to(reader.caller)
    failed = jobs.filter(status=JobStatus.FAILED, created__gte=since).order_by("-created")
    return [
        {
            "title": tabs.command_title(job.command), "name": job.instance_name,
            "text": texts.say(job.error_text), "when": job.completed or job.created,
            "url": f"/jobs/{job.uuid}", "state": JOB_STATES[job.status],
        }
        for job in failed[:5]
    ]  # fmt: skip
