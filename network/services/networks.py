"""Networks: made from an offering, restarted, changed, and taken away when nobody is in them."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any

from accounts.caller import Caller
from accounts.models import Account, Domain
from accounts.services import limits
from core.config import Scope, Setting
from core.errors import InUse, InvalidParameter, PermissionDenied
from core.locking import locked
from core.steps import Plan
from infra.models import Zone
from network import jobs
from network.models import Network, NetworkOffering, NetworkState, PhysicalNetwork
from network.services import physical, ranges, ranges6, routers, vlans

GUEST_CIDR = "10.1.1.0/24"
_DOMAIN = re.compile(r"^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", re.I)  # fmt: skip  # noqa: E501


def check_domain_name(name: str) -> None:
    if name and not _DOMAIN.fullmatch(name):
        raise InvalidParameter(
            f"Network domain “{name}” is not a DNS name; use letters, digits, hyphens and dots."
        )


def _check_suffix(text: str) -> None:
    if not text:
        raise InvalidParameter("Networks need a DNS domain, like cloud.internal.")
    check_domain_name(text)


GUEST_DOMAIN_SUFFIX = Setting(
    "guest.domain.suffix",
    "cloud.internal",
    "The DNS domain of networks whose zone, domain and account name none.",
    scopes=(Scope.GLOBAL, Scope.ZONE),
    check=_check_suffix,
)


@dataclass(frozen=True)
class Subnet:
    """What a caller said of the addresses; empty texts where it said nothing."""

    gateway: str = ""
    netmask: str = ""
    start_ip: str = ""
    end_ip: str = ""
    ip6_cidr: str = ""
    ip6_gateway: str = ""
    start_ip6: str = ""
    end_ip6: str = ""


def create(
    caller: Caller,
    owner: Account,
    *,
    name: str,
    zone: Zone,
    offering: NetworkOffering,
    subnet: Subnet,
    display_text: str = "",
    acl_type: str = "",
    shared_with: Domain | None = None,
    subdomain_access: bool = True,
    vlan: str = "",
    physical_network: PhysicalNetwork | None = None,
    **more: Any,
) -> Network:
    """A network in Allocated (or Setup when shared): its router starts with the first machine.

    ``more`` are plain fields: dns1, dns2, network_domain, private_mtu, display_network.
    """
    _check_offering(caller, offering, zone, vlan)
    if zone.network_type == "Basic":
        _refuse_second(locked(zone))
    shared = offering.guest_type == "Shared"
    cidr, gateway = _subnet(offering, subnet)
    ip6_cidr, ip6_gateway = ranges6.prefix(subnet.ip6_cidr, subnet.ip6_gateway)
    if shared and ip6_cidr:
        ranges6.refuse_shared_twice(locked(zone), ip6_cidr)
    if shared and not cidr and not ip6_cidr and zone.network_type != "Basic":
        raise InvalidParameter("A shared network needs a gateway and a netmask, or an ip6cidr.")
    check_domain_name(more.get("network_domain", ""))
    wires = physical.for_guests(zone, offering, physical_network)
    number = vlans.number_of(vlan)
    if number is not None:
        _check_vlan(locked(zone), locked(wires), vlan, number, shared=shared)
    limits.reserve(owner, {limits.Resource.NETWORK: 1})
    network = Network.objects.create(
        account=owner,
        name=name,
        display_text=display_text or name,
        zone=zone,
        physical_network=wires,
        offering=offering,
        guest_type=offering.guest_type,
        acl_type=acl_type or ("Domain" if shared else "Account"),
        shared_with=_shared_with(shared, acl_type, shared_with, owner),
        subdomain_access=subdomain_access,
        state=NetworkState.SETUP if shared else NetworkState.ALLOCATED,
        cidr=cidr,
        gateway=gateway or None,
        netmask=str(ipaddress.IPv4Network(cidr).netmask) if cidr else "",
        ip6_cidr=ip6_cidr,
        ip6_gateway=ip6_gateway or None,
        vlan=str(number) if number is not None else "untagged" if vlan else "",
        **{**more, "network_domain": more.get("network_domain") or _domain_name(zone, owner)},
    )
    if number is not None:
        vlans.choose(network, number)
    if subnet.start_ip or subnet.start_ip6:
        ranges.add_guest(
            network, subnet.start_ip, subnet.end_ip,
            start_ip6=subnet.start_ip6, end_ip6=subnet.end_ip6,
        )  # fmt: skip
    return network


def _shared_with(shared: bool, acl: str, domain: Domain | None, owner: Account) -> Domain | None:
    if not shared or acl == "Account":
        return None
    return domain or owner.domain


def _check_offering(caller: Caller, offering: NetworkOffering, zone: Zone, vlan: str) -> None:
    if offering.state != "Enabled":
        raise InvalidParameter(f"Network offering {offering} is not enabled; choose another.")
    if offering.guest_type == "Shared" and not caller.is_root_admin:
        raise PermissionDenied("Only a root administrator creates shared networks.")
    if vlan and not offering.specify_vlan:
        raise InvalidParameter(f"Network offering {offering} does not let you choose a VLAN.")
    if zone.network_type == "Basic" and offering.guest_type != "Shared":
        raise InvalidParameter(f"Zone {zone} is Basic: its networks are shared ones.")


def _check_vlan(
    zone: Zone, wires: PhysicalNetwork, vlan: str, number: int, *, shared: bool
) -> None:
    """A number of the guest VLANs is taken out of them; a shared network's lies outside."""
    method = vlans.method_of(wires)
    if not 1 <= number <= vlans.HIGHEST[method]:
        raise InvalidParameter(
            f"VLAN “{vlan}” is not a number from 1 to {vlans.HIGHEST[method]}, nor “untagged”."
        )
    user = vlans.user_of(zone, number)
    of_guests = user.startswith("the guest VLANs")
    if user and (shared or not of_guests):
        raise InvalidParameter(f"VLAN {number} is used by {user} in zone {zone}.")


def _refuse_second(zone: Zone) -> None:
    """In a Basic zone machines are made without saying which network."""
    there = Network.objects.filter(zone=zone).first()
    if there is not None:
        raise InvalidParameter(
            f"Zone {zone} is Basic and has its guest network: {there}. For more addresses give it "
            "another range with createVlanIpRange."
        )


def _subnet(offering: NetworkOffering, subnet: Subnet) -> tuple[str, str]:
    if offering.guest_type == "L2":
        if subnet.gateway or subnet.start_ip:
            raise InvalidParameter("An L2 network has no addresses; leave gateway and range out.")
        return "", ""
    if not subnet.gateway:
        if offering.guest_type == "Isolated":
            return GUEST_CIDR, "10.1.1.1"
        return "", ""
    try:
        cidr = ipaddress.IPv4Network(f"{subnet.gateway}/{subnet.netmask or 24}", strict=False)
    except ValueError:
        raise InvalidParameter(
            f"Gateway {subnet.gateway} with netmask {subnet.netmask} is not a subnet."
        ) from None
    if not 8 <= cidr.prefixlen <= 30:
        raise InvalidParameter(f"{cidr} is not a usable size; take a netmask from /8 to /30.")
    return str(cidr), subnet.gateway


def _domain_name(zone: Zone, owner: Account) -> str:
    return (
        owner.network_domain
        or owner.domain.network_domain
        or zone.network_domain
        or f"cs{owner.pk}.{GUEST_DOMAIN_SUFFIX.get(zone)}"
    )


def update(network: Network, **changes: Any) -> Network:
    """Set plain fields; DNS changes reach guests with the router's next apply."""
    check_domain_name(changes.get("network_domain", ""))
    for name, value in changes.items():
        setattr(network, name, value)
    network.save(update_fields=list(changes))
    routers.changed(network)
    return network


def restart(network: Network) -> Plan:
    """Render everything anew and apply it, wherever the router is."""
    if not network.can_use_for_deploy:
        raise InvalidParameter(f"Network {network} is being deleted; it cannot be restarted.")
    return Plan(jobs.restart_network, network)


def delete(network: Network) -> Plan:
    """Refused while anybody is plugged in; the network disappears when its router is gone."""
    refuse_if_plugged(network)
    network.apply("DESTROY")
    return Plan(jobs.delete_network, network)


def refuse_if_plugged(network: Network) -> None:
    """Raises InUse naming some of the machines that are in the network."""
    used = network.addresses.count()
    if used:
        shown = ", ".join(
            f"{a} by {a.hostname}" if a.hostname else str(a)
            for a in network.addresses.order_by("pk")[:5]
        )
        more = " and more" if used > 5 else ""
        raise InUse(
            f"Addresses of machines in network {network} are in use: {used} ({shown}{more}); "
            "remove the machines, or their NICs, first."
        )
