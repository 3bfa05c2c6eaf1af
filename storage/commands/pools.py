"""Primary storage pools."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.db.models import Q, QuerySet

from accounts.caller import Caller
from core.commands import (
    ADMIN,
    DOMAIN_ADMIN,
    RESOURCE_ADMIN,
    Details,
    Filter,
    Length,
    Operate,
    command,
    listing,
)
from core.responses import SUCCESS, Cut, Field, Response
from core.steps import Plan
from infra.models import Cluster, Host, Pod, Zone
from storage.models import StoragePool
from storage.responses import storagepool
from storage.services import pools

_URL = (
    "Where it is: file://host/folder (local), SharedMountPoint:///folder (mounted everywhere), "
    "nfs://server/folder (hosts of the Simulator)"
)


@command(roles=ADMIN, event="STORAGE.POOL.CREATE", response=storagepool)
def createStoragePool(
    caller: Caller,
    name: Annotated[str, "Name of the pool"],
    url: Annotated[str, Length(2048), _URL],
    zoneid: Annotated[Zone, Operate, "The zone it is in"],
    clusterid: Annotated[Cluster | None, Operate, "The cluster whose hosts share it"] = None,
    podid: Annotated[Pod | None, Operate, "The pod of the cluster"] = None,
    scope: Annotated[Literal["HOST", "CLUSTER", "ZONE"] | None, "Which hosts it serves"] = None,
    tags: Annotated[str, Length(4096), "Storage tags, with commas between"] = "",
    hypervisor: Annotated[str, "The only hypervisor it serves, for a pool of a zone"] = "",
    provider: Annotated[Literal["DefaultPrimary"] | None, "Who provides it"] = None,
    details: Annotated[Details | None, "Further facts to keep with it"] = None,
) -> StoragePool:
    """Adds a folder as primary storage; its hosts prepare it in a job that follows."""
    return pools.create(
        caller,
        name=name,
        url=url,
        zone=zoneid,
        pod=podid,
        cluster=clusterid,
        scope=scope or "",
        tags=tags.split(","),
        hypervisor=hypervisor,
        details=details,
    )


@command(roles=ADMIN, event="STORAGE.POOL.UPDATE", response=storagepool)
def updateStoragePool(
    caller: Caller,
    id: Annotated[StoragePool, Operate, "The pool"],
    name: Annotated[str | None, "New name"] = None,
    tags: Annotated[list[str] | None, Length(4096), "Its storage tags from now on"] = None,
    enabled: Annotated[bool | None, "Whether new volumes may be placed on it"] = None,
    details: Annotated[Details | None, "Facts to add or change"] = None,
) -> StoragePool:
    """Changes a storage pool."""
    return pools.update(id, name=name, tags=tags, enabled=enabled, details=details)


@command(roles=ADMIN, event="STORAGE.POOL.DELETE", response=SUCCESS)
def deleteStoragePool(
    caller: Caller,
    id: Annotated[StoragePool, Operate, "The pool"],
    forced: Annotated[bool, "Do not wait for hosts that are down"] = False,
) -> None:
    """Removes a storage pool on which no volume lies any more."""
    pools.delete(caller, id, forced=forced)


@command(roles=ADMIN, event="MAINT.PREPARE.PS", response=storagepool)
def enableStorageMaintenance(
    caller: Caller, id: Annotated[StoragePool, Operate, "The pool"]
) -> Plan:
    """Takes a storage pool out of use for new volumes; machines that use it go on."""
    return pools.enable_maintenance(id)


@command(roles=ADMIN, event="MAINT.CANCEL.PS", response=storagepool)
def cancelStorageMaintenance(
    caller: Caller, id: Annotated[StoragePool, Operate, "The pool"]
) -> Plan:
    """Puts a storage pool back to use."""
    return pools.cancel_maintenance(id)


@listing(StoragePool, response=storagepool, roles=RESOURCE_ADMIN, keyword=("name", "path"))
def listStoragePools(
    caller: Caller,
    rows: QuerySet,
    zoneid: Annotated[Zone | None, Filter("zone"), "Only in this zone"] = None,
    podid: Annotated[Pod | None, Filter("pod"), "Only in this pod"] = None,
    clusterid: Annotated[Cluster | None, Filter("cluster"), "Only of this cluster"] = None,
    hostid: Annotated[Host | None, "Only those that this host reaches"] = None,
    name: Annotated[str | None, Filter("name"), "Only of this name"] = None,
    path: Annotated[str | None, Filter("path"), "Only at this path"] = None,
    ipaddress: Annotated[str | None, "Only on this host, or of this server"] = None,
    scope: Annotated[str | None, Filter("scope__iexact"), "Only of this scope"] = None,
    status: Annotated[str | None, Filter("state__iexact"), "Only in this state"] = None,
) -> QuerySet:
    """Lists storage pools."""
    if ipaddress:
        rows = rows.filter(Q(host__address=ipaddress) | Q(location__startswith=f"nfs:{ipaddress}:"))
    return rows.reachable_from(hostid) if hostid else rows


storagetag = Response("storagetag", None, (Field("id"), Field("name"), Field("poolid", "long")))


@command(roles=DOMAIN_ADMIN, response=storagetag, paged=True)
def listStorageTags(
    caller: Caller,
    keyword: Annotated[str, "Only tags with this in them"] = "",
) -> list[dict[str, Any]]:
    """Lists the storage tags that pools have."""
    words = {tag for tags in StoragePool.objects.values_list("tags", flat=True) for tag in tags}
    found = sorted(word for word in words if keyword.lower() in word.lower())
    return Cut([{"id": word, "name": word} for word in found], len(found))


storageprovider = Response("dataStoreProvider", None, (Field("name"), Field("type")))


@command(roles=RESOURCE_ADMIN, response=storageprovider, paged=True)
def listStorageProviders(
    caller: Caller,
    type: Annotated[Literal["primary", "image"], "Of primary storage, or of images"],
) -> list[dict[str, Any]]:
    """Lists who can provide storage here."""
    names = ("DefaultPrimary",) if type == "primary" else ("NFS", "Directory")
    return Cut([{"name": name, "type": type.upper()} for name in names], len(names))
