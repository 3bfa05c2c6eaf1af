"""Service offerings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accounts.pinned import responses as pinned
from compute.models import ServiceOffering
from compute.together import Together
from core.responses import Response, computed, date, flag, many, number, text
from core.units import gb


def _joined(tags: list[str]) -> str | None:
    return ",".join(tags) or None


def _links(relation: str) -> Together:
    """Names and uuids of the offering's domains or zones, comma-separated."""

    def fetch(keys: Sequence[int], caller: Any) -> dict[int, dict[str, str]]:
        rows = ServiceOffering.everything.filter(pk__in=keys, **{f"{relation}__isnull": False})
        rows = rows.order_by("pk", f"{relation}__pk")
        found: dict[int, dict[str, list[str]]] = {}
        for key, uuid, name in rows.values_list("pk", f"{relation}__uuid", f"{relation}__name"):
            entry = found.setdefault(key, {"ids": [], "names": []})
            entry["ids"].append(str(uuid))
            entry["names"].append(name)
        return {k: {n: ",".join(v) for n, v in e.items()} for k, e in found.items()}

    return Together(fetch)


_domains, _zones = _links("domains"), _links("zones")

serviceoffering = Response(
    "serviceoffering",
    ServiceOffering,
    (
        text("id", "uuid"),
        pinned.comments(ServiceOffering),
        text("name"),
        text("displaytext", "display_text"),
        text("state"),
        date("created"),
        flag("iscustomized", "is_customized"),
        # 0 where the tenant chooses: libcloud takes no offering without these numbers.
        *(
            computed(name, (source,), lambda number: number or 0, "long")
            for name, source in (
                ("cpunumber", "cpu_number"), ("cpuspeed", "cpu_speed_mhz"), ("memory", "memory_mb"),
            )
        ),  # fmt: skip
        computed(
            "serviceofferingdetails",
            ("min_cpu_number", "max_cpu_number", "min_memory_mb", "max_memory_mb", "details"),
            lambda a, b, c, d, more: {
                **{
                    name: str(number)
                    for name, number in (
                        ("mincpunumber", a), ("maxcpunumber", b),
                        ("minmemory", c), ("maxmemory", d),
                    )
                    if number is not None
                },
                **more,
            } or None,
            "map",
        ),  # fmt: skip
        flag("offerha", "offer_ha"),
        flag("limitcpuuse", "limit_cpu_use"),
        flag("isvolatile", "is_volatile"),
        flag("dynamicscalingenabled", "dynamic_scaling"),
        flag("issystem", "is_system"),
        flag("defaultuse", "default_use"),
        computed("systemvmtype", ("system_vm_type",), lambda t: t or None),
        number("networkrate", "network_rate_mbps"),
        computed("deploymentplanner", ("deployment_planner",), lambda t: t or None),
        computed("hosttags", ("host_tags",), _joined, admin_only=True),
        computed("storagetags", ("storage_tags",), _joined, admin_only=True),
        text("storagetype", "storage_type"),
        text("provisioningtype", "provisioning"),
        text("cacheMode", "cache_mode"),
        computed(
            "rootdisksize", ("root_disk_size_bytes",), lambda n: gb(n) if n else None, "long"
        ),
        text("diskofferingid", "disk_offering__uuid"),
        text("diskofferingname", "disk_offering__name"),
        text("diskofferingdisplaytext", "disk_offering__display_text"),
        flag("diskofferingstrictness", "disk_offering_strict"),
        number("diskBytesReadRate", "read_bps"),
        number("diskBytesWriteRate", "write_bps"),
        number("diskIopsReadRate", "read_iops"),
        number("diskIopsWriteRate", "write_iops"),
        number("miniops", "min_iops"),
        number("maxiops", "max_iops"),
        flag("iscustomizediops", "is_customized_iops"),
        many("domainid", _domains.item("ids")),
        many("domain", _domains.item("names")),
        many("zoneid", _zones.item("ids")),
        many("zone", _zones.item("names")),
    ),
)
