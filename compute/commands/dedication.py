"""Zones, pods, clusters and hosts kept for one domain or account."""

from __future__ import annotations

from typing import Annotated

from django.db.models import QuerySet

from accounts.caller import Caller
from accounts.models import Account, Domain
from accounts.services import scoping
from compute.jobs import done
from compute.models import AffinityGroup, DedicatedResource
from compute.responses import dedicatedcluster, dedicatedhost, dedicatedpod, dedicatedzone
from compute.services import dedication
from core.commands import ADMIN, Filter, Operate, Read, command, listing
from core.responses import SUCCESS
from core.steps import Plan
from infra.models import Cluster, Host, Pod, Zone


def _holder(caller: Caller, name: str, domain: Domain) -> Account | None:
    return scoping.named(caller, name, domain) if name else None


@command(roles=ADMIN, event="DEDICATE.RESOURCE", response=dedicatedzone)
def dedicateZone(
    caller: Caller,
    zoneid: Annotated[Zone, Operate, "The zone to keep for somebody"],
    domainid: Annotated[Domain, Read, "The domain it is kept for, with those below"],
    account: Annotated[str, "The account of that domain it is kept for alone"] = "",
) -> Plan:
    """Keeps a zone for one domain or account."""
    return Plan(done, dedication.dedicate(zoneid, domainid, _holder(caller, account, domainid)))


@command(roles=ADMIN, event="DEDICATE.RESOURCE.RELEASE", response=SUCCESS)
def releaseDedicatedZone(
    caller: Caller, zoneid: Annotated[Zone, Operate, "The dedicated zone"]
) -> Plan:
    """Opens a dedicated zone to everybody again; machines that run there stay."""
    return Plan(done, dedication.release(zoneid))


@listing(DedicatedResource, response=dedicatedzone, roles=ADMIN, keyword=("zone__name",))
def listDedicatedZones(
    caller: Caller,
    rows: QuerySet,
    zoneid: Annotated[Zone | None, Filter("zone"), "Only this zone"] = None,
    domainid: Annotated[
        Domain | None, Filter("domain"), "Only what is kept for this domain"
    ] = None,
    account: Annotated[
        str | None, Filter("account__name"), "Only what is kept for the account of this name"
    ] = None,
    affinitygroupid: Annotated[
        AffinityGroup | None, Filter("group"), "Only what machines of this group use"
    ] = None,
) -> QuerySet:
    """Lists dedicated zones."""
    return rows.filter(pod=None, cluster=None, host=None)


@command(roles=ADMIN, event="DEDICATE.RESOURCE", response=dedicatedpod)
def dedicatePod(
    caller: Caller,
    podid: Annotated[Pod, Operate, "The pod to keep for somebody"],
    domainid: Annotated[Domain, Read, "The domain it is kept for, with those below"],
    account: Annotated[str, "The account of that domain it is kept for alone"] = "",
) -> Plan:
    """Keeps a pod for one domain or account."""
    return Plan(done, dedication.dedicate(podid, domainid, _holder(caller, account, domainid)))


@command(roles=ADMIN, event="DEDICATE.RESOURCE.RELEASE", response=SUCCESS)
def releaseDedicatedPod(
    caller: Caller, podid: Annotated[Pod, Operate, "The dedicated pod"]
) -> Plan:
    """Opens a dedicated pod to everybody again; machines that run there stay."""
    return Plan(done, dedication.release(podid))


@listing(DedicatedResource, response=dedicatedpod, roles=ADMIN, keyword=("pod__name",))
def listDedicatedPods(
    caller: Caller,
    rows: QuerySet,
    podid: Annotated[Pod | None, Filter("pod"), "Only this pod"] = None,
    domainid: Annotated[
        Domain | None, Filter("domain"), "Only what is kept for this domain"
    ] = None,
    account: Annotated[
        str | None, Filter("account__name"), "Only what is kept for the account of this name"
    ] = None,
    affinitygroupid: Annotated[
        AffinityGroup | None, Filter("group"), "Only what machines of this group use"
    ] = None,
) -> QuerySet:
    """Lists dedicated pods."""
    return rows.exclude(pod=None)


@command(roles=ADMIN, event="DEDICATE.RESOURCE", response=dedicatedcluster)
def dedicateCluster(
    caller: Caller,
    clusterid: Annotated[Cluster, Operate, "The cluster to keep for somebody"],
    domainid: Annotated[Domain, Read, "The domain it is kept for, with those below"],
    account: Annotated[str, "The account of that domain it is kept for alone"] = "",
) -> Plan:
    """Keeps a cluster for one domain or account."""
    return Plan(done, dedication.dedicate(clusterid, domainid, _holder(caller, account, domainid)))


@command(roles=ADMIN, event="DEDICATE.RESOURCE.RELEASE", response=SUCCESS)
def releaseDedicatedCluster(
    caller: Caller, clusterid: Annotated[Cluster, Operate, "The dedicated cluster"]
) -> Plan:
    """Opens a dedicated cluster to everybody again; machines that run there stay."""
    return Plan(done, dedication.release(clusterid))


@listing(DedicatedResource, response=dedicatedcluster, roles=ADMIN, keyword=("cluster__name",))
def listDedicatedClusters(
    caller: Caller,
    rows: QuerySet,
    clusterid: Annotated[Cluster | None, Filter("cluster"), "Only this cluster"] = None,
    domainid: Annotated[
        Domain | None, Filter("domain"), "Only what is kept for this domain"
    ] = None,
    account: Annotated[
        str | None, Filter("account__name"), "Only what is kept for the account of this name"
    ] = None,
    affinitygroupid: Annotated[
        AffinityGroup | None, Filter("group"), "Only what machines of this group use"
    ] = None,
) -> QuerySet:
    """Lists dedicated clusters."""
    return rows.exclude(cluster=None)


@command(roles=ADMIN, event="DEDICATE.RESOURCE", response=dedicatedhost)
def dedicateHost(
    caller: Caller,
    hostid: Annotated[Host, Operate, "The host to keep for somebody"],
    domainid: Annotated[Domain, Read, "The domain it is kept for, with those below"],
    account: Annotated[str, "The account of that domain it is kept for alone"] = "",
) -> Plan:
    """Keeps a host for one domain or account."""
    return Plan(done, dedication.dedicate(hostid, domainid, _holder(caller, account, domainid)))


@command(roles=ADMIN, event="DEDICATE.RESOURCE.RELEASE", response=SUCCESS)
def releaseDedicatedHost(
    caller: Caller, hostid: Annotated[Host, Operate, "The dedicated host"]
) -> Plan:
    """Opens a dedicated host to everybody again; machines that run there stay."""
    return Plan(done, dedication.release(hostid))


@listing(DedicatedResource, response=dedicatedhost, roles=ADMIN, keyword=("host__name",))
def listDedicatedHosts(
    caller: Caller,
    rows: QuerySet,
    hostid: Annotated[Host | None, Filter("host"), "Only this host"] = None,
    domainid: Annotated[
        Domain | None, Filter("domain"), "Only what is kept for this domain"
    ] = None,
    account: Annotated[
        str | None, Filter("account__name"), "Only what is kept for the account of this name"
    ] = None,
    affinitygroupid: Annotated[
        AffinityGroup | None, Filter("group"), "Only what machines of this group use"
    ] = None,
) -> QuerySet:
    """Lists dedicated hosts."""
    return rows.exclude(host=None)
