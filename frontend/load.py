"""How busy a host, cluster or zone is: what runs, what was given away, how far from its limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from frontend import figures

if TYPE_CHECKING:
    from frontend.reader import Reader
    from frontend.sections.base import Record, Section

_COMMANDS = {
    "hosts": "listHostsMetrics", "clusters": "listClustersMetrics", "zones": "listZonesMetrics",
}  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """A share in percent, in words beside it; ``over``: beyond what an alert is raised for."""

    title: str
    percent: float
    text: str
    over: bool


def tab(reader: Reader, section: Section, record: Record) -> Mapping[str, Any]:
    found = reader.run(_COMMANDS[section.key], {"id": record["id"]}).records or []
    if not found:
        return {"bars": [], "lines": []}
    facts = found[0]
    return {"bars": _bars(facts), "lines": _lines(facts)}


def _bars(facts: Mapping[str, Any]) -> list[Bar]:
    wanted = (
        (_("CPU busy"), "cpuused", "cpuusedghz", "cputhreshold"),
        (_("CPU given"), "cpuallocated", "cpuallocatedghz", "cpuallocatedthreshold"),
        (_("Memory used"), "memoryused", "memoryusedgb", "memorythreshold"),
        (_("Memory given"), "memoryallocated", "memoryallocatedgb", "memoryallocatedthreshold"),
    )
    bars = []
    for title, name, amount, flag in wanted:
        percent = _share(facts, name)
        if percent is None:
            continue
        words = [figures.percent(percent)]
        if facts.get(amount):
            words.append(figures.reworded(facts[amount]))
        bars.append(Bar(title, percent, " · ".join(words), bool(facts.get(flag))))
    return bars


def _share(facts: Mapping[str, Any], name: str) -> float | None:
    """A host tells memory in MiB and its share of what is given apart; places tell shares."""
    if name == "memoryused" and facts.get("memorytotal") and not _is_percent(facts.get(name)):
        used, total = facts.get("memoryused"), facts["memorytotal"]
        return 100.0 * float(used) / float(total) if used and float(total) else None
    for key in (f"{name}percentage", name):
        if _is_percent(facts.get(key)):
            return float(str(facts[key]).rstrip("%"))
    return None


def _is_percent(value: Any) -> bool:
    return str(value or "").endswith("%")


def _lines(facts: Mapping[str, Any]) -> list[tuple[str, Any]]:
    wanted = (
        (_("Instances, running and all"), "instances"), (_("Hosts, up and all"), "hosts"),
        (_("Clusters, enabled and all"), "clusters"), (_("CPU in all"), "cputotalghz"),
        (_("CPU in all"), "cputotal"), (_("Memory in all"), "memorytotalgb"),
        *(((_("Memory in all"), "memorytotal"),) if "memorytotalgb" not in facts else ()),
        (_("Load average"), "cpuloadaverage"), (_("Received since it started"), "networkread"),
        (_("Sent since it started"), "networkwrite"),
        (_("Busiest host above the average, CPU"), "cpumaxdeviation"),
        (_("Busiest host above the average, memory"), "memorymaxdeviation"),
    )  # fmt: skip
    return [(title, _figure(name, facts[name])) for title, name in wanted if facts.get(name)]


def _figure(name: str, value: Any) -> str:
    """Of a host the command tells memory in bytes, of places in a text with its unit."""
    if name == "memorytotal" and isinstance(value, int):
        return figures.size(value)
    return figures.percent(value) if _is_percent(value) else figures.reworded(str(value))
