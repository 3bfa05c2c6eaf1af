"""Service providers of physical networks, and the elements they work with."""

from __future__ import annotations

from typing import Annotated, Literal

from django.db.models import QuerySet

from accounts.caller import Caller
from core.commands import ADMIN, DOMAIN_ADMIN, Filter, Operate, command, listing
from core.errors import InvalidParameter
from core.responses import SUCCESS, Cut
from infra.services import pages
from network.models import (
    InternalLbElement,
    NetworkServiceProvider,
    PhysicalNetwork,
    ProviderElement,
)
from network.responses import (
    internalloadbalancerelement,
    networkservice,
    networkserviceprovider,
    virtualrouterelement,
)
from network.services import providers, supported

State = Literal["Enabled", "Disabled", "Shutdown"]


@command(roles=ADMIN, event="SERVICE.PROVIDER.CREATE", response=networkserviceprovider)
def addNetworkServiceProvider(
    caller: Caller,
    name: Annotated[str, "Name of the provider, e.g. VirtualRouter"],
    physicalnetworkid: Annotated[PhysicalNetwork, Operate, "The wires it serves"],
    servicelist: Annotated[list[str] | None, "Only these services; all it can if left out"] = None,
) -> NetworkServiceProvider:
    """Adds a service provider to a physical network; it is disabled at first."""
    return providers.add(physicalnetworkid, name, servicelist or ())


@command(roles=ADMIN, event="SERVICE.PROVIDER.UPDATE", response=networkserviceprovider)
def updateNetworkServiceProvider(
    caller: Caller,
    id: Annotated[NetworkServiceProvider, Operate, "The provider to change"],
    state: Annotated[State | None, "Whether networks may use it"] = None,
    servicelist: Annotated[list[str] | None, "The services it shall give"] = None,
) -> NetworkServiceProvider:
    """Enables or disables a service provider, or changes what it provides."""
    return providers.update(id, state=state or "", services=servicelist or ())


@command(roles=ADMIN, event="SERVICE.PROVIDER.DELETE", response=SUCCESS)
def deleteNetworkServiceProvider(
    caller: Caller, id: Annotated[NetworkServiceProvider, Operate, "The provider to take away"]
) -> None:
    """Takes a service provider that no network needs from its physical network."""
    providers.delete(id)


@listing(NetworkServiceProvider, response=networkserviceprovider, roles=ADMIN)
def listNetworkServiceProviders(
    caller: Caller,
    rows: QuerySet,
    name: Annotated[str | None, Filter("name"), "Only of this name"] = None,
    physicalnetworkid: Annotated[
        PhysicalNetwork | None, Filter("physical_network"), "Only of this physical network"
    ] = None,
    state: Annotated[State | None, Filter("state"), "Only in this state"] = None,
) -> QuerySet:
    """Lists the service providers of physical networks."""
    return rows


@command(roles=ADMIN, response=networkservice)
def listSupportedNetworkServices(
    caller: Caller,
    service: Annotated[str, "Only this service"] = "",
    provider: Annotated[str, "Only what this provider can"] = "",
    keyword: Annotated[str, "Only what has this in its name"] = "",
    page: Annotated[int | None, "Which page, from 1; goes with pagesize"] = None,
    pagesize: Annotated[int | None, "Records in a page"] = None,
) -> Cut:
    """Lists the services that networks can have, and who provides them."""
    records = supported.records(service=service, provider=provider)
    return pages.cut(records, keyword=keyword, page=page, pagesize=pagesize)


# -- elements --------------------------------------------------------------------------


@listing(
    ProviderElement, response=virtualrouterelement, roles=DOMAIN_ADMIN, keyword=("provider__name",)
)
def listVirtualRouterElements(
    caller: Caller,
    rows: QuerySet,
    nspid: Annotated[
        NetworkServiceProvider | None, Filter("provider"), "Only of this provider"
    ] = None,
    enabled: Annotated[bool | None, Filter("enabled"), "Only enabled, or disabled, ones"] = None,
) -> QuerySet:
    """Lists the elements by which virtual routers are made."""
    return rows.routers()


@command(roles=DOMAIN_ADMIN, event="NETWORK.ELEMENT.CONFIGURE", response=virtualrouterelement)
def createVirtualRouterElement(
    caller: Caller,
    nspid: Annotated[NetworkServiceProvider, Operate, "The provider: a virtual router's"],
) -> ProviderElement:
    """Creates the element of a virtual router provider that has none."""
    _require(nspid, balancer=False)
    return providers.add_element(nspid)


@command(roles=DOMAIN_ADMIN, event="NETWORK.ELEMENT.CONFIGURE", response=virtualrouterelement)
def configureVirtualRouterElement(
    caller: Caller,
    id: Annotated[ProviderElement, Operate, "The element to change"],
    enabled: Annotated[bool, "Whether routers may be made"],
) -> ProviderElement:
    """Enables or disables the making of virtual routers."""
    _require(id.provider, balancer=False)
    return providers.configure(id, enabled=enabled)


@listing(
    InternalLbElement,
    response=internalloadbalancerelement,
    roles=DOMAIN_ADMIN,
    keyword=("provider__name",),
)
def listInternalLoadBalancerElements(
    caller: Caller,
    rows: QuerySet,
    nspid: Annotated[
        NetworkServiceProvider | None, Filter("provider"), "Only of this provider"
    ] = None,
    enabled: Annotated[bool | None, Filter("enabled"), "Only enabled, or disabled, ones"] = None,
) -> QuerySet:
    """Lists the elements by which internal load balancers are made."""
    return rows


@command(
    roles=DOMAIN_ADMIN, event="NETWORK.ELEMENT.CONFIGURE", response=internalloadbalancerelement
)
def createInternalLoadBalancerElement(
    caller: Caller,
    nspid: Annotated[NetworkServiceProvider, Operate, "The provider InternalLbVm"],
) -> ProviderElement:
    """Creates the element of an internal load balancer provider that has none."""
    _require(nspid, balancer=True)
    return providers.add_element(nspid)


@command(
    roles=DOMAIN_ADMIN, event="NETWORK.ELEMENT.CONFIGURE", response=internalloadbalancerelement
)
def configureInternalLoadBalancerElement(
    caller: Caller,
    id: Annotated[InternalLbElement, Operate, "The element to change"],
    enabled: Annotated[bool, "Whether internal load balancers may be made"],
) -> ProviderElement:
    """Enables or disables the making of internal load balancers."""
    return providers.configure(id, enabled=enabled)


def _require(provider: NetworkServiceProvider, *, balancer: bool) -> None:
    if (provider.name == "InternalLbVm") == balancer:
        return
    if balancer:
        raise InvalidParameter(f"Provider {provider.name} has no internal load balancers.")
    raise InvalidParameter(f"Provider {provider.name} has no virtual routers.")
