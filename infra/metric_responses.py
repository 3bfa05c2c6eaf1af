"""Places and hosts with what was measured of them, in the texts that CloudStack's clients show.

Everything comes from the database: what hosts last said by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from django.db.models import Count, Q

from core.columns import columns_of
from core.responses import Field, Response, computed, several
from infra.models import Cluster, Host, Zone
from infra.responses import cluster, host, managementserver, zone
from infra.services import capacities, loads
from infra.services.loads import Load, share
from infra.services.thresholds import CPU_FULL, MEMORY_FULL, THRESHOLDS

_CPU, _MEMORY = THRESHOLDS[capacities.CPU], THRESHOLDS[capacities.MEMORY]
_SHARES = ("cpu", "cpuallocated", "memory", "memoryallocated")
_FLAGS = (*(f"{s}threshold" for s in _SHARES), *(f"{s}disablethreshold" for s in _SHARES))


def ghz(mhz: float) -> str:
    return f"{mhz / 1000:.2f} Ghz"


def gb_of_mb(mb: float) -> str:
    return f"{mb / 1024:.2f} GB"


def percent(value: float) -> str:
    return f"{value:.2f}%"


def _limits(place: Any) -> list[float]:
    """Per cent of CPU used, CPU given, memory used, memory given: to be noticed, then to stop."""
    limits = (_CPU, _CPU, _MEMORY, _MEMORY, CPU_FULL, CPU_FULL, MEMORY_FULL, MEMORY_FULL)
    return [100.0 * limit.get(place) for limit in limits]


def _flags(shares: Sequence[float], limits: Sequence[float]) -> dict[str, bool]:
    """Whether they are beyond their ``_limits``."""
    pairs = zip(_FLAGS, (*shares, *shares), limits, strict=True)
    return {name: value > limit for name, value, limit in pairs}


# -- hosts -----------------------------------------------------------------------------


def _host_facts(keys: Sequence[int], caller: Any) -> Mapping[int, dict[str, Any]]:
    running = loads.guests(keys)
    rows = [_Facts(*row) for row in zip(*columns_of(Host, keys, _FACTS), strict=True)]
    limits = {
        key: _limits(Cluster(pk=key, zone_id=zone_id))
        for key, zone_id in {(row.cluster_id, row.zone_id) for row in rows}
    }
    return {
        row.pk: _host(row, limits[row.cluster_id], *running.get(row.pk, (0, 0))) for row in rows
    }


class _Facts(NamedTuple):
    """Of a host, what was given away (None: nothing known) and what it last said of itself."""

    pk: int
    cluster_id: int
    zone_id: int
    cpus: int
    cpu_speed_mhz: int
    memory_mb: int
    cpu_given_mhz: int | None
    cpu_limit_mhz: int | None
    memory_given_mb: int | None
    memory_limit_mb: int | None
    cpu_used_percent: float | None
    memory_used_mb: int | None
    network_read_kb: int | None
    network_write_kb: int | None


_FACTS = (
    "pk", "cluster_id", "zone_id", "cpus", "cpu_speed_mhz", "memory_mb",
    "capacity__cpu_used_mhz", "capacity__cpu_limit_mhz", "capacity__memory_used_mb",
    "capacity__memory_limit_mb", "sample__cpu_used_percent", "sample__memory_used_mb",
    "sample__network_read_kb", "sample__network_write_kb",
)  # fmt: skip


def _host(row: _Facts, limits: Sequence[float], running: int, machines: int) -> dict[str, Any]:
    shares = (
        row.cpu_used_percent or 0.0,
        share(row.cpu_given_mhz or 0, row.cpu_limit_mhz or 0),
        share(row.memory_used_mb or 0, row.memory_mb),
        share(row.memory_given_mb or 0, row.memory_limit_mb or 0),
    )
    facts: dict[str, Any] = {"instances": f"{running} / {machines}"}
    facts |= _flags(shares, limits)
    if row.cpu_given_mhz is not None and row.memory_given_mb is not None:
        facts["cpuallocatedghz"] = ghz(row.cpu_given_mhz)
        facts["memoryallocatedgb"] = gb_of_mb(row.memory_given_mb)
    if row.cpu_used_percent is not None:
        facts["cpuusedghz"] = ghz(row.cpus * row.cpu_speed_mhz * row.cpu_used_percent / 100)
        facts["memoryusedgb"] = gb_of_mb(row.memory_used_mb or 0)
        facts["networkread"] = f"{(row.network_read_kb or 0) / 2**20:.2f} GB"
        facts["networkwrite"] = f"{(row.network_write_kb or 0) / 2**20:.2f} GB"
    return facts


hostmetrics = replace(
    host,
    fields=(
        *host.fields,
        computed("cputotalghz", ("cpus", "cpu_speed_mhz"), lambda n, mhz: ghz(n * mhz)),
        computed("memorytotalgb", ("memory_mb",), gb_of_mb),
        several(
            _host_facts,
            Field("instances"),
            *(Field(name, "boolean") for name in _FLAGS),
            *(
                Field(name)
                for name in (
                    "cpuallocatedghz", "cpuusedghz", "memoryallocatedgb", "memoryusedgb",
                    "networkread", "networkwrite",
                )
            ),
        ),
    ),
)  # fmt: skip


# -- clusters and zones ----------------------------------------------------------------

_PLACE = (
    *(
        Field(name)
        for name in (
            "cputotal", "cpuused", "cpuallocated", "cpumaxdeviation",
            "memorytotal", "memoryused", "memoryallocated", "memorymaxdeviation",
        )
    ),
    *(Field(name, "boolean") for name in _FLAGS),
)  # fmt: skip


def _place(load: Load, row: Any) -> dict[str, Any]:
    shares = (load.cpu_used, load.cpu_given, load.memory_used, load.memory_given)
    return {
        "cputotal": ghz(load.cpu_mhz),
        "cpuused": percent(load.cpu_used),
        "cpuallocated": percent(load.cpu_given),
        "cpumaxdeviation": percent(load.cpu_deviation),
        "memorytotal": gb_of_mb(load.memory_mb),
        "memoryused": percent(load.memory_used),
        "memoryallocated": percent(load.memory_given),
        "memorymaxdeviation": percent(load.memory_deviation),
        **_flags(shares, _limits(row)),
    }


Also = Callable[[Sequence[int], Mapping[int, Load]], Mapping[int, str]]


def _places(level: str, model: Any, name: str, also: Also) -> Any:
    """The bulk value of a place's metrics; ``name`` is what ``also`` says of each."""

    def fetch(keys: Sequence[int], caller: Any) -> dict[int, dict[str, Any]]:
        found = loads.of_places(level, keys)
        more = also(keys, found)
        rows = model.everything.filter(pk__in=list(keys))
        return {
            row.pk: {name: more.get(row.pk, "0 / 0"), **_place(found.get(row.pk, Load()), row)}
            for row in rows
        }

    return fetch


def _hosts_up(keys: Sequence[int], found: Mapping[int, Load]) -> dict[int, str]:
    return {key: f"{load.hosts_up} / {load.hosts}" for key, load in found.items()}


def _clusters_open(keys: Sequence[int], found: Mapping[int, Load]) -> dict[int, str]:
    rows = (
        Cluster.objects.filter(zone__in=list(keys))
        .values_list("zone")
        .order_by("zone")
        .annotate(n=Count("pk"), up=Count("pk", filter=Q(allocation_state="Enabled")))
    )
    return {key: f"{up} / {n}" for key, n, up in rows}


def _state(allocation: str, managed: str) -> str:
    return allocation if managed == "Managed" else managed


clustermetrics = replace(
    cluster,
    fields=(
        *cluster.fields,
        computed("state", ("allocation_state", "managed_state"), _state),
        several(_places("cluster", Cluster, "hosts", _hosts_up), Field("hosts"), *_PLACE),
    ),
)

zonemetrics = replace(
    zone,
    fields=(
        *zone.fields,
        computed("state", ("allocation_state",), lambda state: state),
        several(_places("zone", Zone, "clusters", _clusters_open), Field("clusters"), *_PLACE),
    ),
)


# -- the portal itself -----------------------------------------------------------------

managementservermetrics = replace(
    managementserver,
    fields=(
        *managementserver.fields,
        Field("availableprocessors", "integer"),
        Field("agentcount", "integer"),
        Field("sessions", "long"),
        Field("cpuload"),
        Field("systemloadaverages", "list"),
        Field("systemmemorytotal"),
        Field("systemmemoryfree"),
        Field("systemmemoryused"),
        Field("threadstotalcount", "integer"),
        Field("collectiontime", "date"),
        Field("dbislocal", "boolean"),
    ),
)

hostusagehistory = Response(
    "host", None, (Field("id"), Field("name"), Field("stats", "list"))
)

maintenance = Response(
    "managementserver",
    None,
    (
        Field("managementserverid"),
        Field("state"),
        Field("maintenanceinitiated", "boolean"),
        Field("shutdowntriggered", "boolean"),
        Field("readyforshutdown", "boolean"),
        Field("pendingjobscount", "long"),
        Field("agentscount", "long"),
    ),
)

dbmetrics = Response(
    "dbMetrics",
    None,
    (
        Field("hostname"),
        Field("version"),
        Field("versioncomment"),
        Field("collectiontime", "date"),
        Field("uptime", "long"),
        Field("queries", "long"),
        Field("connections", "integer"),
        Field("dbloadaverages", "list"),
        Field("replicas", "list"),
    ),
)

cloudidentifier = Response(
    "cloudidentifier", None, (Field("cloudidentifier"), Field("signature"), Field("userid"))
)
