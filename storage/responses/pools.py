"""Pools and stores as clients see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from accounts.pinned import responses as pinned
from core.responses import Response, computed, date, flag, many, number, ref, text
from storage.models import ImageStore, StoragePool
from storage.responses.parts import filled, listed
from storage.services.space import FACTOR


def _factors(keys: Sequence[int], caller: Any) -> Mapping[int, str]:
    pools = StoragePool.everything.filter(pk__in=list(keys))
    return {pool.pk: str(FACTOR.get(pool)) for pool in pools}


def _server(address: str | None, location: str) -> str:
    """The host that has a local folder, or the server of a network one (``nfs:server:/path``)."""
    if location.startswith("nfs:"):
        return location.removeprefix("nfs:").rpartition(":")[0]
    return address or "localhost"


storagepool = Response(
    "storagepool",
    StoragePool,
    (
        text("id", "uuid"),
        pinned.comments(StoragePool),
        text("name"),
        *ref("zone", "zone"),
        *ref("pod", "pod"),
        *ref("cluster", "cluster"),
        text("hostid", "host__uuid"),
        text("hostname", "host__name"),
        date("created"),
        computed("ipaddress", ("host__address", "location"), _server),
        text("path"),
        text("type"),
        text("state"),
        text("scope"),
        text("provider"),
        filled("hypervisor"),
        listed("tags", "tags"),
        number("disksizetotal", "capacity_bytes"),
        number("disksizeused", "used_bytes"),
        number("disksizeallocated", "allocated_bytes"),
        many("overprovisionfactor", _factors),
        filled("details", kind="map"),
    ),
    always={"managed": False, "istagarule": False},
)

imagestore = Response(
    "imagestore",
    ImageStore,
    (
        text("id", "uuid"),
        pinned.comments(ImageStore),
        text("name"),
        *ref("zone", "zone"),
        text("url"),
        text("protocol"),
        text("providername", "provider"),
        computed("scope", ("zone",), lambda zone: "ZONE" if zone else "REGION"),
        flag("readonly", "read_only"),
        text("state"),
        number("disksizetotal", "capacity_bytes"),
        number("disksizeused", "used_bytes"),
    ),
)
