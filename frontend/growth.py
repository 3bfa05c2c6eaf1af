"""How capacity came to be used, as charts in percent, and in words when it will be full."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.errors import CloudError
from frontend import figures

if TYPE_CHECKING:
    from frontend.reader import Reader

#: capacity type → (name, how it is drawn)
CAPACITIES: dict[int, tuple[Any, str]] = {
    1: (gettext_lazy("CPU"), "frequency"),
    90: (gettext_lazy("CPU cores"), "number"),
    0: (gettext_lazy("Memory"), "bytes"),
    2: (gettext_lazy("Storage used"), "bytes"),
    3: (gettext_lazy("Storage given"), "bytes"),
    6: (gettext_lazy("Secondary storage"), "bytes"),
    9: (gettext_lazy("Local storage"), "bytes"),
    8: (gettext_lazy("Guest addresses"), "number"),
    4: (gettext_lazy("Public addresses"), "number"),
    5: (gettext_lazy("Private addresses"), "number"),
    7: (gettext_lazy("VLANs"), "number"),
}
_FORMS = {"frequency": figures.frequency, "number": lambda n: f"{int(n):,}", "bytes": figures.size}


def capacity_bars(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One bar for each kind of capacity: used of total, in order of importance."""
    order = list(CAPACITIES)
    bars = []
    for row in records:
        kind = int(row.get("type", -1))
        if kind not in CAPACITIES:
            continue
        title, form = CAPACITIES[kind]
        used, total = float(row.get("capacityused") or 0), float(row.get("capacitytotal") or 0)
        if not total:
            continue
        bars.append(
            {
                "type": kind, "title": title, "zone": row.get("zonename", ""),
                "zoneid": str(row.get("zoneid", "")),
                "percent": figures.share(used, total),
                "used": _FORMS[form](used), "total": _FORMS[form](total),
            }
        )  # fmt: skip
    return sorted(bars, key=lambda b: (str(b["zone"]), order.index(b["type"])))


COMMAND = "listCapacityHistory"
_SOON_DAYS, _FAR_DAYS = 30, 365


def history(reader: Reader, given: Mapping[str, str]) -> list[dict[str, Any]]:
    if not reader.may(COMMAND):
        return []
    try:
        return list(reader.run(COMMAND, given).records or [])
    except CloudError:
        return []


def words(days: Any) -> str:
    """“full in 12 days”; nothing for what nobody need think of yet."""
    if days is None or float(days) > _FAR_DAYS:
        return ""
    count = round(float(days))
    if count < 1:
        return _("full within a day")
    return ngettext("full in %(n)d day", "full in %(n)d days", count) % {"n": count}


def is_soon(days: Any) -> bool:
    return days is not None and float(days) <= _SOON_DAYS


def add_forecasts(bars: Iterable[dict[str, Any]], records: Iterable[Mapping[str, Any]]) -> None:
    """Says beside each bar when its place will be full. Bars carry ``zoneid`` and ``type``."""
    days = {(str(r["id"]), int(r["type"])): r.get("fullindays") for r in records}
    only = {int(r["type"]): r.get("fullindays") for r in records}
    for bar in bars:
        found = days.get((bar["zoneid"], bar["type"])) if bar["zoneid"] else only.get(bar["type"])
        bar["forecast"], bar["soon"] = words(found), is_soon(found)


def charts(records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One chart for each kind of capacity that has a past, the important ones first."""
    order = list(CAPACITIES)
    found = []
    for record in records:
        kind, points = int(record["type"]), record.get("points") or []
        if kind not in CAPACITIES or len(points) < 2:
            continue
        shares = [
            round(100 * p["capacityused"] / p["capacitytotal"], 2) if p["capacitytotal"] else 0
            for p in points
        ]
        threshold = record.get("threshold")
        found.append(
            {
                "type": kind,
                "title": CAPACITIES[kind][0],
                "unit": "%",
                "times": [p["at"].isoformat() for p in points],
                "values": shares,
                "limit": round(100 * threshold, 1) if threshold is not None else "",
                "forecast": words(record.get("fullindays")),
                "soon": is_soon(record.get("fullindays")),
            }
        )
    return sorted(found, key=lambda chart: order.index(chart["type"]))
