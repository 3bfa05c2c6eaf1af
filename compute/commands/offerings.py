"""Service offerings."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.db.models import Q, QuerySet

from accounts.caller import Caller
from accounts.models import Domain, Project
from compute.lookup import find
from compute.models import ServiceOffering, VirtualMachine
from compute.responses import serviceoffering
from compute.services import offerings
from core.commands import (
    DOMAIN_ADMIN,
    Access,
    Between,
    Details,
    Filter,
    Length,
    Operate,
    OrAll,
    Use,
    command,
    listing,
)
from core.errors import InvalidParameter
from core.responses import SUCCESS
from infra.models import Zone
from storage.models import DiskOffering, Template

_Rate = Annotated[int | None, Between(1), "At most this much a second"]


@command(roles=DOMAIN_ADMIN, event="SERVICE.OFFERING.CREATE", response=serviceoffering)
def createServiceOffering(
    caller: Caller,
    name: Annotated[str, "Name of the offering"],
    displaytext: Annotated[str, Length(4096), "What a person choosing it should read"] = "",
    cpunumber: Annotated[int | None, Between(1, 1024), "CPU cores"] = None,
    cpuspeed: Annotated[int | None, Between(1, 100_000), "MHz of each CPU"] = None,
    memory: Annotated[int | None, Between(32, 16_777_216), "Memory, MiB"] = None,
    customized: Annotated[bool | None, "The tenant chooses CPUs and memory"] = None,
    mincpunumber: Annotated[int | None, Between(1, 1024), "Fewest CPUs to choose"] = None,
    maxcpunumber: Annotated[int | None, Between(1, 1024), "Most CPUs to choose"] = None,
    minmemory: Annotated[int | None, Between(32, 16_777_216), "Least memory, MiB"] = None,
    maxmemory: Annotated[int | None, Between(32, 16_777_216), "Most memory, MiB"] = None,
    domainid: Annotated[list[Domain] | None, "For these domains and those below"] = None,
    zoneid: Annotated[list[Zone] | None, Use, "For these zones only"] = None,
    hosttags: Annotated[str, "Only on hosts with all of these tags, comma-separated"] = "",
    tags: Annotated[str, "Root disk only on pools with all of these tags"] = "",
    storagetype: Annotated[Literal["shared", "local"], "Where the root disk lies"] = "shared",
    provisioningtype: Annotated[
        Literal["thin", "sparse", "fat"], "How the root disk takes its space"
    ] = "thin",
    cachemode: Annotated[
        Literal["none", "writeback", "writethrough"], "How the root disk is cached"
    ] = "none",
    rootdisksize: Annotated[int | None, Between(1), "Size of the root disk in GiB"] = None,
    diskofferingid: Annotated[DiskOffering | None, Use, "What the root disk is"] = None,
    diskofferingstrictness: Annotated[bool, "The root disk can be nothing else"] = False,
    networkrate: Annotated[int | None, Between(1, 1_000_000), "Mbit/s for each NIC"] = None,
    limitcpuuse: Annotated[bool, "Never more CPU than this"] = False,
    offerha: Annotated[bool, "Started again elsewhere if its host fails"] = False,
    isvolatile: Annotated[bool, "A fresh root disk at each start"] = False,
    dynamicscalingenabled: Annotated[bool, "May grow while running"] = True,
    bytesreadrate: _Rate = None,
    byteswriterate: _Rate = None,
    iopsreadrate: _Rate = None,
    iopswriterate: _Rate = None,
    miniops: Annotated[int | None, Between(0), "Least operations a second"] = None,
    maxiops: Annotated[int | None, Between(0), "Most operations a second"] = None,
    serviceofferingdetails: Annotated[Details | None, "Further details"] = None,
) -> ServiceOffering:
    """Creates a service offering."""
    if isvolatile:
        raise InvalidParameter("Volatile machines are not offered yet; leave isvolatile out.")
    is_customized = customized if customized is not None else cpunumber is None and memory is None
    _check_domains(caller, domainid)
    return offerings.create(
        caller,
        name=name,
        display_text=displaytext,
        domains=domainid or [],
        zones=zoneid or [],
        root_disk_gb=rootdisksize,
        is_customized=is_customized,
        cpu_number=cpunumber,
        cpu_speed_mhz=cpuspeed,
        memory_mb=memory,
        min_cpu_number=mincpunumber,
        max_cpu_number=maxcpunumber,
        min_memory_mb=minmemory,
        max_memory_mb=maxmemory,
        host_tags=_tags(hosttags),
        storage_tags=_tags(tags),
        storage_type=storagetype,
        provisioning=provisioningtype,
        cache_mode=cachemode,
        disk_offering=diskofferingid,
        disk_offering_strict=diskofferingstrictness,
        network_rate_mbps=networkrate,
        limit_cpu_use=limitcpuuse,
        offer_ha=offerha,
        dynamic_scaling=dynamicscalingenabled,
        read_bps=bytesreadrate,
        write_bps=byteswriterate,
        read_iops=iopsreadrate,
        write_iops=iopswriterate,
        min_iops=miniops,
        max_iops=maxiops,
        details=serviceofferingdetails or {},
    )


def _check_domains(caller: Caller, domains: list[Domain] | None) -> None:
    """A reference of kind Read also finds domains above the caller's own."""
    within = Domain.objects.within(caller.domain)
    for domain in domains or []:
        if not caller.is_root_admin and not within.filter(pk=domain.pk).exists():
            raise InvalidParameter(f"Domain {domain} is not below your own.")


def _tags(text: str) -> list[str]:
    return list(dict.fromkeys(t.strip() for t in text.split(",") if t.strip()))


@command(roles=DOMAIN_ADMIN, event="SERVICE.OFFERING.EDIT", response=serviceoffering)
def updateServiceOffering(
    caller: Caller,
    id: Annotated[ServiceOffering, Operate, "The offering to change"],
    name: Annotated[str | None, "A new name"] = None,
    displaytext: Annotated[str | None, Length(4096), "A new description"] = None,
    domainid: Annotated[str | None, Length(4096), "Domains, comma-separated, or public"] = None,
    zoneid: Annotated[str | None, Length(4096), "Zones, comma-separated, or all"] = None,
    hosttags: Annotated[str | None, "Host tags instead of those it has"] = None,
    storagetags: Annotated[str | None, "Storage tags instead of those it has"] = None,
    sortkey: Annotated[int | None, Between(-(2**31), 2**31 - 1), "Place in lists"] = None,
    state: Annotated[Literal["Active", "Inactive"] | None, "Whether it is offered"] = None,
) -> ServiceOffering:
    """Changes a service offering; its sizes stay as they are."""
    fields: dict[str, Any] = {
        "name": name or None,
        "display_text": displaytext,
        "sort_key": sortkey,
        "state": state,
        "host_tags": None if hosttags is None else _tags(hosttags),
        "storage_tags": None if storagetags is None else _tags(storagetags),
    }
    domains = _rows(caller, Domain, domainid, "public", "domainid")
    _check_domains(caller, domains)
    return offerings.update(
        caller,
        id,
        domains=domains,
        zones=_rows(caller, Zone, zoneid, "all", "zoneid"),
        **{k: v for k, v in fields.items() if v is not None},
    )


def _rows(caller: Caller, model: Any, text: str | None, nothing: str, parameter: str) -> Any:
    """Rows named in a comma-separated text, in which one word means none at all."""
    if text is None:
        return None
    if text.strip().lower() == nothing:
        return []
    return [
        find(caller, model, part.strip(), command="updateServiceOffering", parameter=parameter,
             access=Access.READ)
        for part in text.split(",")
        if part.strip()
    ]  # fmt: skip


@command(roles=DOMAIN_ADMIN, event="SERVICE.OFFERING.DELETE", response=SUCCESS)
def deleteServiceOffering(
    caller: Caller, id: Annotated[ServiceOffering, Operate, "The offering to withdraw"]
) -> None:
    """Withdraws a service offering; machines made of it keep it."""
    offerings.delete(id)


@listing(
    ServiceOffering,
    response=serviceoffering,
    keyword=("name", "display_text"),
    order=("sort_key", "pk"),
)
def listServiceOfferings(
    caller: Caller,
    rows: QuerySet,
    name: Annotated[str | None, Filter("name"), "Only of this name"] = None,
    state: Annotated[
        Literal["Active", "Inactive", "all"], "Only in this state; all for both"
    ] = "Active",
    zoneid: Annotated[Zone | None, "Only what can be used in this zone"] = None,
    domainid: Annotated[Domain | None, "Only what is for this domain"] = None,
    isrecursive: Annotated[bool, "With domainid: and for those below"] = False,
    projectid: Annotated[
        Project | None, OrAll, "Only what machines of this project can be; -1: of any"
    ] = None,
    listall: Annotated[bool, "Accepted; what may be seen is always listed"] = False,
    virtualmachineid: Annotated[
        VirtualMachine | None, "Only what this machine could change to"
    ] = None,
    templateid: Annotated[Template | None, "Only what this template can be started with"] = None,
    issystem: Annotated[bool, "Those for the cloud's own machines"] = False,
    systemvmtype: Annotated[str | None, Filter("system_vm_type"), "For this kind of them"] = None,
    storagetype: Annotated[
        Literal["shared", "local"] | None, Filter("storage_type"), "Only with such root disks"
    ] = None,
    cpunumber: Annotated[int | None, "Only with this many CPUs, or that can have them"] = None,
    cpuspeed: Annotated[int | None, "Only with this speed, or that can have it"] = None,
    memory: Annotated[int | None, "Only with this much memory, or that can have it"] = None,
) -> QuerySet:
    """Lists service offerings."""
    rows = rows.filter(is_system=issystem)
    if projectid is not None:
        rows = rows.for_owner(projectid.account)
    if state != "all":
        rows = rows.filter(state=state)
    if zoneid is not None:
        rows = rows.filter(Q(zones=None) | Q(zones=zoneid))
    if domainid is not None:
        inside = Domain.objects.within(domainid) if isrecursive else Domain.objects.filter(
            pk=domainid.pk
        )
        rows = rows.filter(pk__in=ServiceOffering.objects.filter(domains__in=inside).values("pk"))
    if virtualmachineid is not None:
        rows = _alternatives(rows, virtualmachineid)
    if templateid is not None and not templateid.is_iso:
        enough = Q(root_disk_size_bytes=None) | Q(root_disk_size_bytes__gte=templateid.size_bytes)
        rows = rows.filter(enough)
    return _with_size(rows, cpunumber, cpuspeed, memory)


def _alternatives(rows: QuerySet, vm: VirtualMachine) -> QuerySet:
    """What ``vm`` could change to: its owner's to use, not what it is already."""
    usable = ServiceOffering.objects.all().for_owner(vm.account).values("pk")
    rows = rows.filter(pk__in=usable).exclude(pk=vm.service_offering_id, is_customized=False)
    return rows.filter(Q(zones=None) | Q(zones=vm.zone_id))


def _with_size(
    rows: QuerySet, cpus: int | None, speed_mhz: int | None, memory_mb: int | None
) -> QuerySet:
    free = Q(is_customized=True, cpu_number=None, min_cpu_number=None)
    if cpus is not None:
        between = Q(min_cpu_number__lte=cpus, max_cpu_number__gte=cpus)
        rows = rows.filter(Q(cpu_number=cpus) | between | free)
    if memory_mb is not None:
        between = Q(min_memory_mb__lte=memory_mb, max_memory_mb__gte=memory_mb)
        rows = rows.filter(Q(memory_mb=memory_mb) | between | free)
    if speed_mhz is not None:
        rows = rows.filter(Q(cpu_speed_mhz=speed_mhz) | Q(cpu_speed_mhz=None))
    return rows
