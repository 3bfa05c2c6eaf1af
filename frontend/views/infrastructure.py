"""The tree of zones, pods, clusters and hosts, with a heat map of the hosts."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from core.errors import CloudError
from frontend import dedicated, htmx
from frontend.heat import tile
from frontend.reader import Reader
from frontend.sections import SECTIONS
from frontend.views.gate import administrators

OPEN_UP_TO = 200  # hosts; with more, a cluster's are read when it is opened
HOSTS_OF_A_CLUSTER = 500


@require_GET
@administrators
def tree(request: HttpRequest) -> HttpResponse:
    reader = request.reader
    clusters = every(reader, "clusters")
    pods = every(reader, "pods")
    total = reader.total(SECTIONS["hosts"]) or 0
    hosts = hosts_by_cluster(reader) if total <= OPEN_UP_TO else None
    zones = [
        {
            "zone": zone,
            "pods": [
                {
                    "pod": pod,
                    "clusters": [
                        {"cluster": c, "tiles": (hosts or {}).get(str(c["id"]), [])}
                        for c in clusters
                        if str(c.get("podid")) == str(pod["id"])
                    ],
                }
                for pod in pods
                if str(pod.get("zoneid")) == str(zone["id"])
            ],
        }
        for zone in every(reader, "zones")
    ]
    create = [
        (action, section)
        for key in ("zones", "pods", "clusters", "hosts")
        for section in (SECTIONS[key],)
        for action in section.create[:1]
        if reader.may(action.command)
    ]
    context = {"zones": zones, "lazy": hosts is None, "total": total, "create": create}
    return htmx.render(
        request, "frontend/infrastructure.html", context,
        fragment="frontend/parts/infrastructure.html",
    )  # fmt: skip


@require_GET
@administrators
def dedicated_to(request: HttpRequest) -> HttpResponse:
    """Zones, pods, clusters and hosts that are not for everybody."""
    reader = request.reader
    found = [line for key in dedicated.KINDS for line in dedicated.lines(reader, SECTIONS[key])]
    return htmx.render(
        request, "frontend/dedicated.html", {"lines": found},
        fragment="frontend/parts/dedicated.html",
    )  # fmt: skip


@require_GET
@administrators
def hosts_of(request: HttpRequest, uuid: str) -> HttpResponse:
    """The tiles of one cluster."""
    found = request.reader.list(
        SECTIONS["hosts"],
        {"clusterid": uuid, "page": "1", "pagesize": str(HOSTS_OF_A_CLUSTER)},
    )
    tiles = [tile(h) for h in found.records or []]
    return htmx.render(request, "frontend/parts/tiles.html", {"tiles": tiles, "count": found.count})


def every(reader: Reader, key: str) -> list[dict[str, Any]]:
    section = SECTIONS[key]
    if not reader.sees(section):
        return []
    try:
        return reader.list(section, {"pagesize": "-1"}).records or []
    except CloudError:
        return []


def hosts_by_cluster(reader: Reader) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for host in every(reader, "hosts"):
        found.setdefault(str(host.get("clusterid")), []).append(tile(host))
    return found
