"""Hosts, their tags, and the hypervisors there are."""

from __future__ import annotations

import uuid as uuids
from typing import Annotated, Any, Literal

from django.db.models import QuerySet

from accounts.caller import Caller
from core.commands import (
    ADMIN,
    DOMAIN_ADMIN,
    RESOURCE_ADMIN,
    USER,
    Filter,
    Operate,
    Secret,
    Use,
    command,
    listing,
)
from core.errors import InvalidParameter
from core.responses import SUCCESS, Cut
from core.steps import Plan
from infra import jobs
from infra.commands.zones import State
from infra.models import Cluster, Host, Pod, Zone
from infra.responses import host, hosttag, hypervisor, hypervisorcapabilities
from infra.services import clusters, hosts, pages


def wanted_details(arguments: dict[str, Any]) -> frozenset[str] | None:
    """CloudStack's ``details`` as groups of the response; without it all but the raw facts."""
    asked = {d.lower() for d in arguments.get("details") or ()}
    if "all" in asked:
        return None
    if not asked:
        return frozenset({"capacity", "stats"})
    return frozenset(asked - {"min"})


@command(roles=RESOURCE_ADMIN, event="HOST.ADD", response=host)
def addHost(
    caller: Caller,
    hypervisor: Annotated[str, "What it runs: KVM or Simulator"],
    podid: Annotated[Pod, Use, "The pod it stands in"],
    url: Annotated[str, "The machine, as http://name or http://address"],
    zoneid: Annotated[Zone, Use, "The zone of that pod"],
    clusterid: Annotated[Cluster | None, Use, "The cluster it joins"] = None,
    clustername: Annotated[str, "The cluster it joins, by name"] = "",
    hosttags: Annotated[list[str] | None, "Tags that offerings may ask for"] = None,
    allocationstate: Annotated[State, "Whether new machines may be placed on it"] = "Enabled",
    username: Annotated[str, "Taken for clients' sake: the agent needs no login"] = "",
    password: Annotated[str, Secret, "Taken for clients' sake: the agent needs no login"] = "",
) -> QuerySet:
    """Adds a host. It is Connecting at first; a job checks it and brings it up, or takes it
    away again and says which checks failed."""
    made = hosts.add(
        caller,
        zoneid,
        podid,
        cluster=clusterid,
        cluster_name=clustername,
        hypervisor=hypervisor,
        url=url,
        tags=hosttags or [],
        allocation_state=allocationstate,
    )
    return Host.objects.filter(pk=made.pk)


@command(roles=ADMIN, event="HOST.CHECK", response=SUCCESS)
def checkHost(
    caller: Caller,
    id: Annotated[Host | None, Operate, "A host to check"] = None,
    clusterid: Annotated[Cluster | None, Use, "The cluster a new machine would join"] = None,
    url: Annotated[str, "The new machine, as addHost takes it"] = "",
) -> Plan:
    """Checks whether a machine can serve as a host, and changes nothing."""
    if id is not None:
        return Plan(jobs.inspect_host, id)
    if clusterid is None or not url:
        raise InvalidParameter("Say what to check: id of a host, or clusterid and url.")
    return hosts.check(clusterid, url)


@command(roles=ADMIN, event="HOST.EDIT", response=host)
def updateHost(
    caller: Caller,
    id: Annotated[Host, Operate, "The host to change"],
    name: Annotated[str | None, "New name"] = None,
    hosttags: Annotated[list[str] | None, "Its tags from now on; empty for none"] = None,
    allocationstate: Annotated[
        Literal["Enable", "Disable"] | None, "Whether new machines may be placed on it"
    ] = None,
    annotation: Annotated[str | None, "A note for other administrators"] = None,
) -> Host:
    """Changes a host."""
    return hosts.update(
        id, name=name, tags=hosttags, allocation=allocationstate, annotation=annotation
    )


@command(roles=RESOURCE_ADMIN, event="HOST.DELETE", response=SUCCESS)
def deleteHost(
    caller: Caller,
    id: Annotated[Host, Operate, "The host to take away"],
    forced: Annotated[bool, "Also while it is being connected"] = False,
) -> None:
    """Takes a host out of the cloud; refused while machines run on it."""
    hosts.delete(id, forced=forced)


@command(roles=ADMIN, event="HOST.RECONNECT", response=host)
def reconnectHost(caller: Caller, id: Annotated[Host, Operate, "The host to ask anew"]) -> Plan:
    """Connects to a host again and reads what it is."""
    return hosts.reconnect(id)


@listing(
    Host,
    response=host,
    roles=RESOURCE_ADMIN,
    keyword=("name", "address"),
    groups=wanted_details,
)
def listHosts(
    caller: Caller,
    rows: QuerySet,
    name: Annotated[str | None, Filter("name"), "Only of this name"] = None,
    zoneid: Annotated[Zone | None, Filter("zone"), "Only in this zone"] = None,
    podid: Annotated[Pod | None, Filter("pod"), "Only in this pod"] = None,
    clusterid: Annotated[Cluster | None, Filter("cluster"), "Only in this cluster"] = None,
    hypervisor: Annotated[
        str | None, Filter("hypervisor__iexact"), "Only of this hypervisor"
    ] = None,
    state: Annotated[str | None, Filter("status__iexact"), "Only in this state"] = None,
    resourcestate: Annotated[
        str | None, Filter("resource_state__iexact"), "Only in this resource state"
    ] = None,
    arch: Annotated[str | None, Filter("arch"), "Only of these CPUs"] = None,
    version: Annotated[str | None, Filter("version"), "Only with an agent of this version"] = None,
    hosttag: Annotated[str | None, "Only hosts with this tag"] = None,
    type: Annotated[str | None, "Kind of host: all here are Routing"] = None,
    details: Annotated[
        list[str] | None, "What to show besides: min, capacity, stats, facts or all"
    ] = None,
) -> QuerySet:
    """Lists hosts."""
    if type is not None and type.lower() != "routing":
        return rows.none()
    if hosttag is not None:
        # As text: SQLite has no JSON containment. Tags hold no quotes, so this is exact.
        rows = rows.filter(tags__icontains=f'"{hosttag}"')
    return rows


@command(roles=DOMAIN_ADMIN, response=hosttag)
def listHostTags(
    caller: Caller,
    keyword: Annotated[str, "Only tags that have this in them"] = "",
    page: Annotated[int | None, "Which page, from 1; goes with pagesize"] = None,
    pagesize: Annotated[int | None, "Tags in a page"] = None,
) -> Cut:
    """Lists the tags of hosts."""
    lists = Host.objects.exclude(tags=[]).values_list("tags", flat=True)
    names = sorted({tag for tags in lists for tag in tags})
    records = [{"id": uuids.uuid5(_TAGS, n), "name": n} for n in names]
    return pages.cut(records, keyword=keyword, page=page, pagesize=pagesize)


_TAGS = uuids.UUID("5f0c7c6e-6a5e-5d60-9d57-7d0c9f2f6b1a")


@command(roles=USER, response=hypervisor)
def listHypervisors(
    caller: Caller,
    zoneid: Annotated[Zone | None, Use, "Only what runs in this zone"] = None,
) -> list:
    """Lists the hypervisors that can be used."""
    if zoneid is None:
        return [{"name": name} for name in clusters.offered()]
    used = Cluster.objects.filter(zone=zoneid).values_list("hypervisor", flat=True)
    return [{"name": name} for name in sorted(set(used))]


@command(roles=ADMIN, response=hypervisorcapabilities, paged=True)
def listHypervisorCapabilities(
    caller: Caller,
    hypervisor: Annotated[str, "Only of this hypervisor"] = "",
) -> list:
    """Lists what each hypervisor can do."""
    chosen = [clusters.hypervisor(hypervisor)] if hypervisor else clusters.HYPERVISORS
    return [
        {
            "id": uuids.uuid5(_TAGS, name),
            "hypervisor": name,
            "hypervisorversion": "default",
            "maxguestslimit": 200,
            # A PCI bus has room for 27 disks beside the root disk, the CD drive and NICs.
            "maxdatavolumeslimit": 24,
            "securitygroupenabled": True,
            "storagemotionenabled": False,
            "vmsnapshotenabled": False,
        }
        for name in chosen
    ]
