"""Disk offerings."""

from __future__ import annotations

from typing import Annotated, Literal

from django.db.models import QuerySet

from accounts.caller import Caller
from accounts.models import Domain, Project
from core.commands import (
    DOMAIN_ADMIN,
    Between,
    Details,
    Filter,
    Length,
    Operate,
    OrAll,
    command,
    listing,
)
from core.responses import SUCCESS
from infra.models import Zone
from storage.models import DiskOffering, StoragePool, Volume
from storage.responses import diskoffering
from storage.services import offerings, places

_COUNT = Between(0, 2**62)


@command(roles=DOMAIN_ADMIN, event="DISK.OFFERING.CREATE", response=diskoffering)
def createDiskOffering(
    caller: Caller,
    name: Annotated[str, "Name of the offering"],
    displaytext: Annotated[str, Length(4096), "What it is, in a few words"] = "",
    disksize: Annotated[int | None, Between(1, 2**31), "Size of its disks, in GiB"] = None,
    customized: Annotated[bool, "Users choose the size"] = False,
    customizediops: Annotated[bool, "Users choose miniops and maxiops"] = False,
    miniops: Annotated[int | None, _COUNT, "I/O operations a second it has at least"] = None,
    maxiops: Annotated[int | None, _COUNT, "I/O operations a second it has at most"] = None,
    tags: Annotated[str, Length(4096), "Storage tags a pool must have, with commas between"] = "",
    domainid: Annotated[list[Domain] | None, "Only for these domains and what is in them"] = None,
    zoneid: Annotated[list[Zone] | None, "Only in these zones"] = None,
    storagetype: Annotated[
        Literal["shared", "local"], "On shared pools or a host's own"
    ] = "shared",
    provisioningtype: Annotated[Literal["thin", "sparse", "fat"], "How space is taken"] = "thin",
    cachemode: Annotated[str, "none, writeback, writethrough or hypervisor_default"] = "none",
    bytesreadrate: Annotated[int | None, _COUNT, "Bytes read a second at most"] = None,
    byteswriterate: Annotated[int | None, _COUNT, "Bytes written a second at most"] = None,
    iopsreadrate: Annotated[int | None, _COUNT, "Reads a second at most"] = None,
    iopswriterate: Annotated[int | None, _COUNT, "Writes a second at most"] = None,
    disksizestrictness: Annotated[bool, "Its disks cannot be resized"] = False,
    displayoffering: Annotated[bool, "Show it to users"] = True,
    details: Annotated[Details | None, "Further facts to keep with it"] = None,
) -> DiskOffering:
    """Adds a kind of data disk."""
    return offerings.create(
        caller,
        name=name,
        display_text=displaytext,
        size_gb=disksize,
        customized=customized,
        custom_iops=customizediops,
        min_iops=miniops,
        max_iops=maxiops,
        tags=tags.split(","),
        domains=domainid or (),
        zones=zoneid or (),
        rates={
            "bytesreadrate": bytesreadrate,
            "byteswriterate": byteswriterate,
            "iopsreadrate": iopsreadrate,
            "iopswriterate": iopswriterate,
        },
        cache_mode=cachemode,
        provisioning=provisioningtype,
        storage_type=storagetype,
        size_is_strict=disksizestrictness,
        display=displayoffering,
        details=details,
    )


@command(roles=DOMAIN_ADMIN, event="DISK.OFFERING.EDIT", response=diskoffering)
def updateDiskOffering(
    caller: Caller,
    id: Annotated[DiskOffering, Operate, "The offering"],
    name: Annotated[str | None, "New name"] = None,
    displaytext: Annotated[str | None, Length(4096), "New description"] = None,
    sortkey: Annotated[int | None, "Its place in lists: higher comes first"] = None,
    displayoffering: Annotated[bool | None, "Show it to users"] = None,
    state: Annotated[Literal["Active", "Inactive"] | None, "Whether new disks may be made"] = None,
    tags: Annotated[str | None, Length(4096), "Its storage tags from now on"] = None,
    cachemode: Annotated[str | None, "New cache mode"] = None,
    bytesreadrate: Annotated[int | None, _COUNT, "Bytes read a second at most"] = None,
    byteswriterate: Annotated[int | None, _COUNT, "Bytes written a second at most"] = None,
    iopsreadrate: Annotated[int | None, _COUNT, "Reads a second at most"] = None,
    iopswriterate: Annotated[int | None, _COUNT, "Writes a second at most"] = None,
    domainid: Annotated[str | None, Length(4096), "Domains it is for, or public for all"] = None,
    zoneid: Annotated[str | None, Length(4096), "Zones it is for, or all"] = None,
) -> DiskOffering:
    """Changes a disk offering; disks that were made of it keep their size."""
    return offerings.update(
        caller,
        id,
        name=name,
        display_text=displaytext,
        sort_key=sortkey,
        display=displayoffering,
        state=state,
        tags=tags.split(",") if tags is not None else None,
        rates={
            "bytesreadrate": bytesreadrate,
            "byteswriterate": byteswriterate,
            "iopsreadrate": iopsreadrate,
            "iopswriterate": iopswriterate,
        },
        cache_mode=cachemode,
        domains=places.domains(caller, "updateDiskOffering", domainid),
        zones=places.zones(caller, "updateDiskOffering", zoneid),
    )


@command(roles=DOMAIN_ADMIN, event="DISK.OFFERING.DELETE", response=SUCCESS)
def deleteDiskOffering(
    caller: Caller, id: Annotated[DiskOffering, Operate, "The offering"]
) -> None:
    """Withdraws a disk offering; disks that were made of it go on."""
    offerings.delete(id)


@listing(
    DiskOffering,
    response=diskoffering,
    keyword=("name", "display_text"),
    order=("-sort_key", "pk"),
)
def listDiskOfferings(
    caller: Caller,
    rows: QuerySet,
    name: Annotated[str | None, Filter("name"), "Only of this name"] = None,
    zoneid: Annotated[Zone | None, "Only those for this zone"] = None,
    domainid: Annotated[Domain | None, "Only those an account of this domain could use"] = None,
    projectid: Annotated[
        Project | None, OrAll, "Only those this project could use; -1: any project"
    ] = None,
    state: Annotated[Literal["Active", "Inactive", "all"], "Only in this state"] = "Active",
    storagetype: Annotated[str | None, Filter("storage_type"), "Only shared or local"] = None,
    storageid: Annotated[StoragePool | None, "Only those whose tags this pool has"] = None,
    volumeid: Annotated[Volume | None, "Only those this volume could change to"] = None,
    encrypt: Annotated[bool | None, "Only (not) encrypting ones"] = None,
) -> QuerySet:
    """Lists disk offerings."""
    if projectid is not None:
        rows = rows.for_domain(projectid.domain)
    return places.offerings(
        caller, rows, zone=zoneid, domain=domainid, state=state, pool=storageid, volume=volumeid,
        encrypt=encrypt,
    )  # fmt: skip
