"""Places, hosts, the portal and its database with what was measured of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from accounts.caller import Caller
from accounts.models import User
from core.commands import ADMIN, USER, Operate, Uuid, command, listing, renamed
from core.errors import InvalidParameter
from core.units import MIB
from infra.commands.clusters import listClusters
from infra.commands.hosts import listHosts, wanted_details
from infra.commands.zones import listZones, with_capacities
from infra.metric_responses import (
    cloudidentifier,
    clustermetrics,
    dbmetrics,
    hostmetrics,
    hostusagehistory,
    managementservermetrics,
    zonemetrics,
)
from infra.models import Cluster, Host, HostTrend, Zone
from infra.services import database, identity, servers

listing(
    Host,
    response=hostmetrics,
    roles=ADMIN,
    keyword=("name", "address"),
    groups=wanted_details,
)(renamed(listHosts, "listHostsMetrics", "Lists hosts with what they use and have given away."))

listing(Cluster, response=clustermetrics, roles=ADMIN, groups=with_capacities)(
    renamed(listClusters, "listClustersMetrics", "Lists clusters with what their hosts use.")
)

listing(
    Zone,
    response=zonemetrics,
    roles=ADMIN,
    order=("sort_key", "pk"),
    scoped=False,
    groups=with_capacities,
    tagged=True,
    icons=True,
)(renamed(listZones, "listZonesMetrics", "Lists zones with what their hosts use."))


@command(roles=ADMIN, response=managementservermetrics, paged=True)
def listManagementServersMetrics(
    caller: Caller,
    id: Annotated[Uuid, "Only this one"] = "",
    name: Annotated[str, "Only of this name"] = "",
    keyword: Annotated[str, "Only those with this in their name"] = "",
) -> list[dict[str, Any]]:
    """Lists the processes of the portal with what they use."""
    return servers.with_measures(servers.found(name, keyword, id))


@command(roles=ADMIN, response=dbmetrics)
def listDbMetrics(caller: Caller) -> dict[str, Any]:
    """Shows what the database is and how busy."""
    return database.measures()


@command(roles=USER, response=cloudidentifier)
def getCloudIdentifier(
    caller: Caller,
    userid: Annotated[User, Operate, "Who signs it"],
) -> dict[str, Any]:
    """Tells which cloud this is, signed with a user's secret key."""
    return {"userid": userid.uuid, **identity.signed_by(userid)}


@command(roles=ADMIN, response=hostusagehistory)
def listHostsUsageHistory(
    caller: Caller,
    id: Annotated[Host | None, "Of this host"] = None,
    ids: Annotated[list[Host] | None, "Of these hosts"] = None,
) -> list[dict[str, Any]]:
    """Shows what hosts used in the last day, oldest first."""
    chosen = [id] if id is not None else ids or []
    if not chosen:
        raise InvalidParameter("Give id or ids: which hosts.")
    trends = HostTrend.objects.filter(host__in=[h.pk for h in chosen]).select_related("host")
    return [
        {"id": trend.host.uuid, "name": trend.host.name, "stats": [_point(p) for p in trend.points]}
        for trend in trends.order_by("host")
    ]


def _point(point: list[float]) -> dict[str, Any]:
    at, cpu, memory_mb, load = point
    return {
        "timestamp": datetime.fromtimestamp(at, UTC),
        "cpuused": f"{cpu:.2f}%",
        "memoryused": int(memory_mb) * MIB,
        "cpuloadaverage": load,
    }
