"""How full places were, and when they will be full."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from accounts.caller import Caller
from core.commands import ADMIN, Read, command
from core.errors import InvalidParameter
from core.responses import Cut, Field, Response
from infra.models import Cluster, Host, Pod, Zone
from infra.services import capacities, trends
from infra.services.thresholds import THRESHOLDS
from storage.models import StoragePool

capacityhistory = Response(
    "capacityhistory",
    None,
    (
        Field("scope"),
        Field("id"),
        Field("placename"),
        Field("type", "short"),
        Field("name"),
        Field("capacitytotal", "long"),
        Field("capacityused", "long"),
        Field("percentused"),
        Field("threshold", "float"),
        Field("fullindays", "float"),
        Field("points", "list"),
    ),
)


@command(roles=ADMIN, response=capacityhistory)
def listCapacityHistory(
    caller: Caller,
    zoneid: Annotated[Zone | None, Read, "Of this zone"] = None,
    podid: Annotated[Pod | None, Read, "Of this pod"] = None,
    clusterid: Annotated[Cluster | None, Read, "Of this cluster"] = None,
    hostid: Annotated[Host | None, Read, "Of this host"] = None,
    storageid: Annotated[StoragePool | None, Read, "Of this storage pool"] = None,
    type: Annotated[int | None, "Only this kind of capacity, by its number"] = None,
    startdate: Annotated[datetime | None, "From this moment on"] = None,
    enddate: Annotated[datetime | None, "Until this moment"] = None,
    showpoints: Annotated[bool, "With what it was, hour by hour; else only the forecast"] = True,
) -> list[dict[str, Any]]:
    """Shows how full a place was and in how many days it will be full; of all zones if none
    is named."""
    named = {
        "zone": zoneid, "pod": podid, "cluster": clusterid, "host": hostid, "pool": storageid,
    }  # fmt: skip
    given = [(scope, row) for scope, row in named.items() if row is not None]
    if len(given) > 1:
        raise InvalidParameter("Give one of zoneid, podid, clusterid, hostid and storageid.")
    scope = given[0][0] if given else "zone"
    rows = {row.pk: row for _, row in given} or {zone.pk: zone for zone in Zone.objects.all()}
    span = {"kind": type, "start": startdate, "end": enddate}
    found = trends.of_host(hostid, **span) if hostid else trends.series(scope, list(rows), **span)
    records = [
        _record(scope, rows[holder], kind, points, showpoints)
        for (holder, kind), points in sorted(found.items())
    ]
    return Cut(records, len(records))


def _record(
    scope: str, row: Any, kind: int, points: list[Any], with_points: bool
) -> dict[str, Any]:
    last = points[-1]
    threshold = THRESHOLDS.get(kind)
    record = {
        "scope": scope,
        "id": row.uuid,
        "placename": row.name,
        "type": kind,
        "name": capacities.NAMES.get(kind, str(kind)),
        "capacitytotal": last.total,
        "capacityused": last.used,
        "percentused": f"{100 * last.used / last.total:.2f}" if last.total else "0.00",
        "threshold": threshold.get(row.cluster if scope == "host" else row) if threshold else None,
        "fullindays": trends.full_in_days(points),
    }
    if with_points:
        record["points"] = [
            {"at": p.at, "capacitytotal": p.total, "capacityused": p.used} for p in points
        ]
    return {name: value for name, value in record.items() if value is not None}
