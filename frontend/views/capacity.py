"""All capacity on one page: what there is, what is given away, and when it will be full."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from frontend import growth, htmx
from frontend.views.gate import administrators


@require_GET
@administrators
def shown(request: HttpRequest) -> HttpResponse:
    """Zone by zone, and the clusters of each with what they promise beyond what they have."""
    reader = request.reader
    records = growth.history(reader, {})
    bars = growth.capacity_bars(reader.run("listCapacity", {"pagesize": "-1"}).records or [])
    growth.add_forecasts(bars, records)
    zones: dict[str, dict[str, Any]] = {}
    for bar in bars:
        place = {"id": bar["zoneid"], "name": bar["zone"], "bars": [], "clusters": []}
        zone = zones.setdefault(bar["zoneid"], place)
        zone["bars"].append(bar)
    for key, zone in zones.items():
        zone["charts"] = growth.charts(r for r in records if str(r["id"]) == key)
    given = {"page": "1", "pagesize": "100"}
    for cluster in reader.run("listClustersMetrics", given).records or []:
        zone = zones.get(str(cluster.get("zoneid")))
        if zone is not None:
            zone["clusters"].append(cluster)
    return htmx.render(
        request, "frontend/capacity.html", {"zones": list(zones.values())},
        fragment="frontend/parts/capacity.html",
    )  # fmt: skip
