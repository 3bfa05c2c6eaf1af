"""Wires, ranges, addresses, networks and routers."""

from django.db import transaction

from accounts.models import Account
from accounts.resources import Resource
from accounts.services import limits
from infra.models import (
    Host,
    Pod,
    Zone,
)
from infra.services import address_book, regions
from network.models import (
    DedicatedVlanRange,
    IpRange,
    Network,
    NetworkOffering,
    NetworkServiceProvider,
    PhysicalNetwork,
    PortableIpRange,
    ProviderElement,
    PublicIp,
    Router,
    StorageIpRange,
    TrafficType,
)
from network.services import providers, public_ips, ranges
from tests.factories.accounts import make_account
from tests.factories.basics import next_number, unique
from tests.factories.infra import make_pod, make_zone


def make_network_offering(name: str = "", guest_type: str = "Isolated", **fields):
    """Enabled, with what a router here provides (nothing for L2)."""
    services = {s: ["VirtualRouter"] for s in ("Dhcp", "Dns", "UserData")}
    if guest_type == "Isolated":
        services["SourceNat"] = ["VirtualRouter"]
    fields = {"services": {} if guest_type == "L2" else services, "state": "Enabled", **fields}
    return NetworkOffering.objects.create(
        name=name or unique("network-offering"), guest_type=guest_type, **fields
    )


def make_physical_network(zone: Zone | None = None, name: str = "", **fields):
    return PhysicalNetwork.objects.create(
        zone=zone or make_zone(), name=name or unique("physnet"), **fields
    )


def make_wires(zone: Zone | None = None, name: str = "", *, vlan: str = "", **fields):
    """A physical network that is ready: Guest and Public traffic, all providers enabled."""
    wires = make_physical_network(zone, name, vlan=vlan, isolation_methods=["VLAN"], **fields)
    providers.make_built_in(wires)
    NetworkServiceProvider.objects.filter(physical_network=wires).update(state="Enabled")
    ProviderElement.objects.filter(provider__physical_network=wires).update(enabled=True)
    for kind in ("Guest", "Public"):
        make_traffic_type(wires, kind)
    return wires


def make_provider(wires: PhysicalNetwork | None = None, name: str = "VirtualRouter"):
    return providers.add(wires or make_physical_network(), name)


def make_public_range(zone: Zone | None = None, **fields) -> IpRange:
    """192.0.2.10–20, for everybody, in a zone that is wired for it."""
    zone = zone or make_zone()
    if not zone.physical_networks.filter(traffic_types__type="Public").exists():
        make_wires(zone)
    wanted = address_book.checked("192.0.2.1", "255.255.255.0", "192.0.2.10", "192.0.2.20")
    return ranges.add_public(zone, wanted, **fields)


def make_dedicated_vlans(
    wires: PhysicalNetwork | None = None, account: Account | None = None
) -> DedicatedVlanRange:
    wires = wires or make_physical_network(isolation_methods=["VLAN"], vlan="100-199")
    return DedicatedVlanRange.objects.create(
        physical_network=wires, account=account or make_account(), first=110, last=119
    )


def make_storage_range(pod: Pod | None = None) -> StorageIpRange:
    return StorageIpRange.objects.create(
        pod=pod or make_pod(), gateway="172.18.0.1", netmask="255.255.255.0",
        start_ip="172.18.0.10", end_ip="172.18.0.20",
    )  # fmt: skip


def make_portable_range() -> PortableIpRange:
    number = next_number() % 200
    return PortableIpRange.objects.create(
        region=regions.ensure_local(), gateway=f"203.0.{number}.1",
        netmask="255.255.255.0", start_ip=f"203.0.{number}.10", end_ip=f"203.0.{number}.20",
    )  # fmt: skip


def make_public_ip(account: Account | None = None, *, zone: Zone | None = None) -> PublicIp:
    """One that is kept for an account."""
    row = make_public_range(zone)
    return public_ips.reserve(row.public_ips.order_by("number")[0], account or make_account())


def make_network(
    account: Account | None = None,
    *,
    zone: Zone | None = None,
    name: str = "",
    guest_type: str = "Isolated",
    offering: NetworkOffering | None = None,
    **fields,
) -> Network:
    """Isolated 10.1.1.0/24 of an account; a Shared one is for the owner's whole domain."""
    account = account or make_account()
    if guest_type == "Shared":
        fields = {"acl_type": "Domain", "shared_with": account.domain, "state": "Setup", **fields}
    if guest_type != "L2":
        fields = {
            "cidr": "10.1.1.0/24", "gateway": "10.1.1.1", "netmask": "255.255.255.0", **fields
        }  # fmt: skip
    with transaction.atomic():
        limits.reserve(account, {Resource.NETWORK: 1})
    return Network.objects.create(
        account=account,
        name=name or unique("network"),
        zone=zone or make_zone(),
        offering=offering or make_network_offering(guest_type=guest_type),
        guest_type=guest_type,
        network_domain="example.internal",
        **fields,
    )


def make_ip_range(network: Network | None = None, start: str = "10.1.1.10", end: str = "10.1.1.20"):
    return IpRange.objects.create(
        network=network or make_network(), start_ip=start, end_ip=end
    )


def make_router(network: Network | None = None, host: Host | None = None) -> Router:
    network = network or make_network()
    return Router.objects.create(network=network, host=host, state="Running" if host else "Stopped")


def make_traffic_type(network: PhysicalNetwork | None = None, kind: str = "Guest") -> TrafficType:
    return TrafficType.objects.create(
        physical_network=network or make_physical_network(), type=kind
    )
