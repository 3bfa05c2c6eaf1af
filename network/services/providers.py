"""Who provides which service on which physical network, and whether it does so now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from core import live
from core.errors import InUse, InvalidParameter
from core.locking import locked
from network.models import (
    Network,
    NetworkOffering,
    NetworkServiceProvider,
    PhysicalNetwork,
    ProviderElement,
)
from network.models.providers import DISABLED, ENABLED

_SHOWN = 5


@dataclass(frozen=True)
class Kind:
    """What a provider can do here. With ``has_element`` it works through an element, which is
    enabled first."""

    services: tuple[str, ...] = ()
    has_element: bool = False


#: By CloudStack's names, in its order. All are made with a physical network.
KINDS: dict[str, Kind] = {
    "VirtualRouter": Kind(("Dhcp", "Dns", "SourceNat", "UserData"), has_element=True),
    "SecurityGroupProvider": Kind(("SecurityGroup",)),
    "VpcVirtualRouter": Kind(has_element=True),
    "InternalLbVm": Kind(has_element=True),
    "ConfigDrive": Kind(("UserData",)),
}


def make_built_in(physical: PhysicalNetwork) -> None:
    for name in KINDS:
        add(physical, name)


def add(
    physical: PhysicalNetwork, name: str, services: Sequence[str] = ()
) -> NetworkServiceProvider:
    """A provider, Disabled, giving ``services`` or all it can."""
    kind = KINDS.get(name)
    if kind is None:
        raise InvalidParameter(f"There is no provider {name} here; there are {', '.join(KINDS)}.")
    if NetworkServiceProvider.objects.filter(physical_network=physical, name=name).exists():
        raise InvalidParameter(f"Physical network {physical} has provider {name} already.")
    made = NetworkServiceProvider.objects.create(
        physical_network=physical, name=name, services=_services(name, services)
    )
    if kind.has_element:
        ProviderElement.objects.create(provider=made)
    return made


def _services(name: str, wanted: Sequence[str]) -> list[str]:
    able = KINDS[name].services
    unable = sorted(set(wanted) - set(able))
    if unable:
        raise InvalidParameter(
            f"Provider {name} cannot provide {', '.join(unable)} here; "
            f"it can {', '.join(able) or 'nothing yet'}."
        )
    return sorted(set(wanted)) or list(able)


@transaction.atomic
def update(
    provider: NetworkServiceProvider, *, state: str = "", services: Sequence[str] = ()
) -> NetworkServiceProvider:
    """Raises InvalidParameter when it is not ready, InUse when networks would lose it."""
    provider = locked(provider, "physical_network")
    if services:
        chosen = _services(provider.name, services)
        _refuse_users(provider, set(provider.services) - set(chosen))
        provider.services = chosen
    if state == ENABLED:
        _check_ready(provider)
    if state and state != provider.state:
        provider.state = state
    provider.save(update_fields=["state", "services"])
    live.changed(provider)
    return provider


def _check_ready(provider: NetworkServiceProvider) -> None:
    if KINDS[provider.name].has_element and not provider.elements.filter(
        enabled=True, removed=None
    ).exists():
        what = "InternalLoadBalancer" if provider.name == "InternalLbVm" else "VirtualRouter"
        raise InvalidParameter(
            f"Provider {provider.name} is not ready: enable its element first with "
            f"configure{what}Element."
        )


@transaction.atomic
def delete(provider: NetworkServiceProvider) -> None:
    """Raises InUse naming networks that need it."""
    provider = locked(provider, "physical_network")
    _refuse_users(provider, set(KINDS[provider.name].services))
    for element in provider.elements.filter(removed=None):
        element.remove()
    provider.remove(state=DISABLED)


def _refuse_users(provider: NetworkServiceProvider, services: set[str]) -> None:
    users = [
        network
        for network in Network.objects.filter(
            physical_network=provider.physical_network
        ).select_related("offering")
        if services & set(needed(network.offering).get(provider.name, ()))
    ]
    if users:
        shown = ", ".join(map(str, users[:_SHOWN]))
        more = " and more" if len(users) > _SHOWN else ""
        raise InUse(
            f"Provider {provider.name} of physical network {provider.physical_network} serves "
            f"{shown}{more}; delete these networks first."
        )


# -- elements --------------------------------------------------------------------------


def add_element(provider: NetworkServiceProvider) -> ProviderElement:
    """A provider has one element."""
    if not KINDS[provider.name].has_element:
        raise InvalidParameter(f"Provider {provider.name} works without elements.")
    if provider.elements.filter(removed=None).exists():
        raise InvalidParameter(f"Provider {provider.name} has its element already.")
    return ProviderElement.objects.create(provider=provider)


@transaction.atomic
def configure(element: ProviderElement, *, enabled: bool) -> ProviderElement:
    """An element of a provider that is Enabled stays enabled."""
    provider = locked(element.provider)
    if not enabled and provider.state == ENABLED:
        raise InUse(
            f"Provider {provider.name} is Enabled; disable it before its element."
        )
    element.enabled = enabled
    element.save(update_fields=["enabled"])
    live.changed(element)
    return element


# -- what a network needs ---------------------------------------------------------------


def needed(offering: NetworkOffering) -> dict[str, list[str]]:
    """Provider → the services it gives in networks of this offering."""
    found: dict[str, list[str]] = defaultdict(list)
    for service, names in offering.services.items():
        for name in names:
            found[name].append(service)
    return dict(found)


def lacking(physical: PhysicalNetwork, offering: NetworkOffering) -> str:
    """Why networks of this offering cannot be on this physical network now; "" if they can."""
    wanted = needed(offering)
    if not wanted:
        return ""
    rows = NetworkServiceProvider.objects.filter(physical_network=physical, name__in=wanted)
    there = {row.name: row for row in rows}
    for name, services in sorted(wanted.items()):
        row = there.get(name)
        who = f"{name} for {', '.join(services)}"
        if row is None:
            return (
                f"Network offering {offering} needs provider {who}, and physical network "
                f"{physical} has none; add it with addNetworkServiceProvider."
            )
        if row.state != ENABLED:
            return (
                f"Network offering {offering} needs provider {who}, and on physical network "
                f"{physical} it is {row.state}; enable it with updateNetworkServiceProvider."
            )
        missing = ", ".join(sorted(set(services) - set(row.services)))
        if missing:
            return (
                f"Network offering {offering} needs {missing} of provider {name}, and on physical "
                f"network {physical} it does not provide that."
            )
    return ""
