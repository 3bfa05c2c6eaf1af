"""What the card at the top of some details draws beside the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from frontend import tabs, texts, working
from frontend.reader import Reader
from frontend.sections import SECTIONS
from frontend.sections.base import Record
from frontend.zones.models import ZoneDraft
from jobs.models import AsyncJob


def _account(reader: Reader, record: Record) -> dict[str, Any]:
    lines = tabs.quota_lines(record)
    return {"quota": [line for line in lines if line["used"] or line["limit"] is not None]}


def _job(reader: Reader, record: Record) -> dict[str, Any]:
    job = AsyncJob.objects.all().visible_to(reader.caller).filter(uuid=record["id"]).first()
    steps = working.steps_of([job]).get(job.pk, []) if job else []
    error = texts.say(job.error_text) if job else ""
    about = tabs.thing(record, "jobinstance")
    return {"job_steps": steps, "job_error": error, "job": job, "job_about": about}


#: What every zone needs before machines run in it, in the order in which it is built.
_NEEDS = (
    ("pods", gettext_lazy("a pod"), "createPod"),
    ("clusters", gettext_lazy("a cluster"), "addCluster"),
    ("hosts", gettext_lazy("a host"), "addHost"),
    ("storagepools", gettext_lazy("primary storage"), "createStoragePool"),
    ("imagestores", gettext_lazy("secondary storage"), "addImageStore"),
    ("templates", gettext_lazy("a template"), "registerTemplate"),
)
#: Where machines get their addresses from: in a flat zone its one network, else networks of
#: tenants, whose routers have public addresses.
_FLAT = ("networks", gettext_lazy("a network"), "createNetwork")
_CUT = ("publicranges", gettext_lazy("public addresses"), "createVlanIpRange")


def _zone(reader: Reader, record: Record) -> dict[str, Any]:
    """What is still missing, each with the form that adds it; nothing once all is there."""
    if not reader.is_admin:
        return {}
    zone = str(record["id"])
    flat = record.get("networktype") == "Basic" or record.get("securitygroupsenabled")
    steps = _wires(reader, zone)
    for key, title, command in (*_NEEDS[:3], _FLAT if flat else _CUT, *_NEEDS[3:]):
        there = bool(reader.total(SECTIONS[key], {"zoneid": zone}))
        steps.append(_step(title, there, f"/do/{command}?from={key}&{_places(zone)}"))
    is_open = record.get("allocationstate") == "Enabled"
    form = f"/do/updateZone?from=zones&of={zone}&as=enable&stay=1"
    steps.append(_step(_("open to tenants"), is_open, form))
    return {"zone_steps": steps} if not all(step["there"] for step in steps) else {}


def _wires(reader: Reader, zone: str) -> list[dict[str, Any]]:
    """A physical network that is enabled, and somebody on it who provides networks."""
    wires = reader.list(SECTIONS["physicalnetworks"], {"zoneid": zone}).records or []
    enabled = [w for w in wires if w.get("state") == "Enabled"]
    serving = any(
        reader.total(SECTIONS["providers"], {"physicalnetworkid": w["id"], "state": "Enabled"})
        for w in enabled
    )
    form = f"/do/createPhysicalNetwork?from=physicalnetworks&{_places(zone)}"
    steps = [_step(_("a physical network"), bool(enabled), form)]
    if enabled:
        page = f"/physicalnetworks/{enabled[0]['id']}/providers"
        steps.append(_step(_("service providers"), serving, page, opens=False))
    return steps


def _places(zone: str) -> str:
    return f"zoneid={zone}&zoneids={zone}&stay=1"


def _step(title: Any, there: bool, form: str, *, opens: bool = True) -> dict[str, Any]:
    """``opens``: the address is a form for the drawer, not a page."""
    return {"title": title, "there": there, "form": form, "opens": opens}


def _drafts(reader: Reader, record: Record) -> dict[str, Any]:
    """Zones that somebody began to build, the latest first."""
    rows = ZoneDraft.objects.all().visible_to(reader.caller)
    return {"drafts": list(rows.select_related("job", "user").order_by("-pk")[:20])}


_LOADERS: dict[str, Callable[[Reader, Record], dict[str, Any]]] = {
    "frontend/cards/account.html": _account,
    "frontend/cards/project.html": _account,
    "frontend/cards/job.html": _job,
    "frontend/cards/zone.html": _zone,
    "frontend/zones/drafts.html": _drafts,
    "frontend/parts/audit.html": lambda reader, record: {"may_export": reader.rules},
}


def load(template: str, reader: Reader, record: Record) -> Mapping[str, Any]:
    loader = _LOADERS.get(template)
    return loader(reader, record) if loader else {}
