"""Clusters."""

from __future__ import annotations

from typing import Annotated, Literal

from django.db.models import QuerySet

from accounts.caller import Caller
from core.commands import ADMIN, RESOURCE_ADMIN, Filter, Operate, Use, command, listing
from core.responses import SUCCESS
from infra.commands.zones import State, given, with_capacities
from infra.models import Cluster, Pod, Zone
from infra.responses import cluster
from infra.services import clusters

Arch = Literal["x86_64", "aarch64"]


@command(roles=ADMIN, event="CLUSTER.CREATE", response=cluster)
def addCluster(
    caller: Caller,
    clustername: Annotated[str, "Name of the cluster"],
    clustertype: Annotated[Literal["CloudManaged"], "Who manages it: always CloudManaged here"],
    hypervisor: Annotated[str, "What its hosts run: KVM or Simulator"],
    podid: Annotated[Pod, Use, "The pod it stands in"],
    zoneid: Annotated[Zone, Use, "The zone of that pod"],
    allocationstate: Annotated[State, "Whether new machines may be placed in it"] = "Enabled",
    arch: Annotated[Arch, "What CPUs its hosts have"] = "x86_64",
) -> Cluster:
    """Adds a cluster to a pod."""
    return clusters.create(
        zoneid,
        podid,
        name=clustername,
        hypervisor_name=hypervisor,
        cluster_type=clustertype,
        allocation_state=allocationstate,
        arch=arch,
    )


@command(roles=ADMIN, event="CLUSTER.EDIT", response=cluster)
def updateCluster(
    caller: Caller,
    id: Annotated[Cluster, Operate, "The cluster to change"],
    clustername: Annotated[str | None, "New name"] = None,
    clustertype: Annotated[Literal["CloudManaged"] | None, "Who manages it"] = None,
    hypervisor: Annotated[str | None, "What its hosts run; only while it has none"] = None,
    allocationstate: Annotated[State | None, "Whether new machines may be placed in it"] = None,
    managedstate: Annotated[
        Literal["Managed", "Unmanaged"] | None, "Unmanaged: leave its hosts alone"
    ] = None,
    arch: Annotated[Arch | None, "What CPUs its hosts have; only while it has none"] = None,
) -> Cluster:
    """Changes a cluster."""
    return clusters.update(
        id,
        **given(
            name=clustername,
            cluster_type=clustertype,
            hypervisor=hypervisor,
            allocation_state=allocationstate,
            managed_state=managedstate,
            arch=arch,
        ),
    )


@command(roles=ADMIN, event="CLUSTER.DELETE", response=SUCCESS)
def deleteCluster(
    caller: Caller, id: Annotated[Cluster, Operate, "The empty cluster to delete"]
) -> None:
    """Deletes a cluster that has no hosts."""
    clusters.delete(id)


@listing(Cluster, response=cluster, roles=RESOURCE_ADMIN, groups=with_capacities)
def listClusters(
    caller: Caller,
    rows: QuerySet,
    name: Annotated[str | None, Filter("name"), "Only of this name"] = None,
    zoneid: Annotated[Zone | None, Filter("zone"), "Only in this zone"] = None,
    podid: Annotated[Pod | None, Filter("pod"), "Only in this pod"] = None,
    hypervisor: Annotated[
        str | None, Filter("hypervisor__iexact"), "Only of this hypervisor"
    ] = None,
    clustertype: Annotated[str | None, Filter("cluster_type"), "Only of this type"] = None,
    allocationstate: Annotated[
        State | None, Filter("allocation_state"), "Only open, or only closed, clusters"
    ] = None,
    managedstate: Annotated[
        str | None, Filter("managed_state"), "Only those managed, or not managed"
    ] = None,
    arch: Annotated[Arch | None, Filter("arch"), "Only of these CPUs"] = None,
    showcapacities: Annotated[bool, "Show what each cluster has and has given away"] = False,
) -> QuerySet:
    """Lists clusters."""
    return rows
