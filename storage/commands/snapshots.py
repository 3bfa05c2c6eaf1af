"""Volume snapshots. Taking and reverting touch machines, so they are ``compute``'s."""

from __future__ import annotations

from typing import Annotated

from django.db.models import QuerySet

from accounts.caller import Caller
from core.commands import USER, AdminOnly, Filter, Operate, command, listing
from core.responses import SUCCESS
from core.steps import Plan
from infra.models import Zone
from storage.models import ImageStore, Snapshot, StoragePool, Volume
from storage.responses import snapshot
from storage.services import snapshots


@command(roles=USER, event="SNAPSHOT.DELETE", response=SUCCESS)
def deleteSnapshot(
    caller: Caller,
    id: Annotated[Snapshot, Operate, "The snapshot"],
    zoneid: Annotated[Zone | None, "The zone it is in"] = None,
) -> Plan:
    """Deletes a snapshot; volumes and templates made of it stay."""
    return snapshots.delete(id)


@listing(Snapshot, response=snapshot, tagged=True)
def listSnapshots(
    caller: Caller,
    rows: QuerySet,
    name: Annotated[str | None, Filter("name"), "Only of this name"] = None,
    volumeid: Annotated[Volume | None, Filter("volume"), "Only of this volume"] = None,
    zoneid: Annotated[Zone | None, Filter("zone"), "Only in this zone"] = None,
    snapshottype: Annotated[str | None, Filter("type__iexact"), "MANUAL or RECURRING"] = None,
    intervaltype: Annotated[str | None, Filter("type__iexact"), "MANUAL, HOURLY, DAILY, …"] = None,
    imagestoreid: Annotated[
        ImageStore | None, AdminOnly, Filter("store"), "Only in this store"
    ] = None,
    storageid: Annotated[
        StoragePool | None, AdminOnly, Filter("volume__pool"), "Only of volumes on this pool"
    ] = None,
) -> QuerySet:
    """Lists volume snapshots."""
    return rows
