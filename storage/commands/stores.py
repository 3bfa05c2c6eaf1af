"""Secondary storage."""

from __future__ import annotations

from typing import Annotated

from django.db.models import QuerySet

from accounts.caller import Caller
from core.commands import ADMIN, Details, Filter, Length, Operate, command, listing
from core.responses import SUCCESS
from infra.models import Zone
from storage.models import ImageStore
from storage.responses import imagestore
from storage.services import stores

_URL = "Where it is: file:///folder, or nfs://server/folder for hosts of the Simulator"


@command(roles=ADMIN, event="IMAGE.STORE.CREATE", response=imagestore)
def addImageStore(
    caller: Caller,
    provider: Annotated[str, "NFS: a folder that every host reaches"],
    url: Annotated[str, Length(2048), _URL] = "",
    name: Annotated[str, "Name of the store; its address when left out"] = "",
    zoneid: Annotated[Zone | None, Operate, "The zone it serves; all when left out"] = None,
    details: Annotated[Details | None, "Further facts to keep with it"] = None,
) -> ImageStore:
    """Adds a folder as secondary storage; a host prepares it in a job that follows."""
    return stores.create(
        caller, provider=provider, url=url, zone=zoneid, name=name, details=details
    )


@command(roles=ADMIN, event="IMAGE.STORE.CREATE", response=imagestore)
def addSecondaryStorage(
    caller: Caller,
    url: Annotated[str, Length(2048), _URL],
    zoneid: Annotated[Zone | None, Operate, "The zone it serves; all when left out"] = None,
    details: Annotated[Details | None, "Further facts to keep with it"] = None,
) -> ImageStore:
    """Adds a folder as secondary storage (the older name of addImageStore)."""
    return stores.create(caller, provider="NFS", url=url, zone=zoneid, details=details)


@command(roles=ADMIN, event="IMAGE.STORE.ACCESS.UPDATED", response=imagestore)
def updateImageStore(
    caller: Caller,
    id: Annotated[ImageStore, Operate, "The store"],
    name: Annotated[str | None, "New name"] = None,
    readonly: Annotated[bool | None, "Whether nothing more is written to it"] = None,
) -> ImageStore:
    """Changes a store's name, or whether it is written to."""
    return stores.update(id, name=name, read_only=readonly)


@command(roles=ADMIN, event="IMAGE.STORE.DELETE", response=SUCCESS)
def deleteImageStore(caller: Caller, id: Annotated[ImageStore, Operate, "The store"]) -> None:
    """Removes a store that holds no templates, ISOs or snapshots any more."""
    stores.delete(caller, id)


@listing(ImageStore, response=imagestore, roles=ADMIN, keyword=("name", "url"))
def listImageStores(
    caller: Caller,
    rows: QuerySet,
    zoneid: Annotated[Zone | None, Filter("zone"), "Only of this zone"] = None,
    name: Annotated[str | None, Filter("name"), "Only of this name"] = None,
    provider: Annotated[str | None, Filter("provider__iexact"), "Only of this provider"] = None,
    protocol: Annotated[str | None, Filter("protocol__iexact"), "Only of this protocol"] = None,
    readonly: Annotated[bool | None, Filter("read_only"), "Only (not) read-only ones"] = None,
) -> QuerySet:
    """Lists image stores."""
    return rows
