"""Routers by wanted state: computed whole from the rows, applied on the host, compared there.

Twenty machines starting at once need one apply, not twenty: a worker that finds its change
already applied has nothing to do.
"""

from __future__ import annotations

import ipaddress
import threading
from collections import defaultdict
from collections.abc import Collection, Sequence
from contextlib import suppress

from django.db.models import F
from django.utils import timezone

from agent import protocol
from core import vault
from core.steps import Run
from infra import agents
from infra.models import Host
from network.models import GuestAddress, IpRange, Network, PhysicalNetwork, Router
from network.services import implementing, public_ips, vlans

_applying: dict[int, threading.Lock] = defaultdict(threading.Lock)


def bridge_for(network: Network) -> protocol.BridgeSpec:
    """The network's segment on a host. The name is at most 15 characters (IFNAMSIZ)."""
    name, mtu = f"cpbr{network.pk}", network.private_mtu or 0
    physical = network.physical_network
    label = "" if network.is_private_segment or physical is None else label_of(physical, "Guest")
    if not label:
        return protocol.BridgeSpec(name, "", mtu)
    number = vlans.number_of(network.vlan) or 0
    if vlans.method_of(physical) == "VXLAN":
        return protocol.BridgeSpec(name, label, mtu, vni=number)
    return protocol.BridgeSpec(name, f"{label}.{number}", mtu)


def label_of(physical: PhysicalNetwork, kind: str) -> str:
    """The host's device for a kind of traffic; "" where none was named."""
    found = physical.traffic_types.filter(type=kind, removed=None).first()
    return found.kvm_label if found else ""


def _public_uplink(network: Network) -> protocol.PublicUplink | None:
    """The router's place in the public network: its source NAT address, where the zone has
    public addresses and its hosts a device for them."""
    if not network.offering.provides("SourceNat"):
        return None
    ip = public_ips.source_nat_of(network)
    wires = ip.ip_range.physical_network if ip else None
    label = label_of(wires, "Public") if wires else ""
    if ip is None or not label:
        return None
    vlan = ip.ip_range.vlan
    bridge = protocol.BridgeSpec(
        f"cppub{wires.pk}-{vlan or 0}", f"{label}.{vlan}" if vlan else label
    )
    size = ipaddress.IPv4Network(f"0.0.0.0/{ip.ip_range.netmask}").prefixlen
    return protocol.PublicUplink(bridge, f"{ip.address}/{size}", ip.ip_range.gateway or "")


def changed(network: Network | int) -> None:
    """Something the router should know has changed, in this transaction."""
    Router.objects.filter(network=network).update(version=F("version") + 1)


def ensure(network: Network) -> Router | None:
    """The network's router row, made at the first machine; None where none is wanted."""
    if not network.has_router:
        return None
    return Router.objects.get_or_create(network=network)[0]


def apply(run: Run | None, network: Network, host: Host) -> None:
    """Bring bridge and router to the wanted state; a machine on ``host`` can then plug in.

    The router stays on the host it is on while that is up, else it moves to ``host``.
    """
    router = ensure(network)
    if router is None:
        agents.call(host, "bridge.apply", bridge_for(network), run)
        implementing.implemented(network)
        return
    wanted = router.version
    with _applying[router.pk]:
        router = Router.objects.select_related("host").get(pk=router.pk)
        router.network = network  # with what the caller has read of it
        home = _home(router, host)
        if router.applied_version < wanted or router.host_id != home.pk:
            _apply_on(run, router, home)
    if home.pk != host.pk:
        agents.call(host, "bridge.apply", bridge_for(network), run)
    implementing.implemented(network)


def apply_again(router: Router) -> None:
    """Bring a router to the wanted state where it is, whatever it is thought to have."""
    with _applying[router.pk]:
        router.refresh_from_db(fields=["version"])
        _apply_on(None, router, router.host)


def _home(router: Router, host: Host) -> Host:
    if router.host_id and router.host.status == "Up" and router.host.removed is None:
        return router.host
    return host


def _apply_on(run: Run | None, router: Router, host: Host) -> None:
    addresses = guests_of(router.network)
    spec = spec_for(router, addresses)
    state = agents.call(host, "router.apply", spec, run)
    _forget_taken(addresses, state.passwords_taken)
    Router.objects.filter(pk=router.pk, applied_version__lte=spec.version).update(
        host=host,
        state="Running" if state.running else "Stopped",
        rests=False,
        applied_version=spec.version,
        applied_at=timezone.now(),
        problems=list(state.problems),
    )
    if state.problems:
        raise protocol.NetworkFailed(
            f"The router of network {router.network} is not as wanted on {host}: "
            + "; ".join(state.problems)
        )


def guests_of(network: Network) -> list[GuestAddress]:
    return list(GuestAddress.objects.filter(network=network).order_by("pk"))


def spec_for(router: Router, addresses: Sequence[GuestAddress]) -> protocol.RouterSpec:
    """What the router is to be with these guests. They were read after ``router``: rows may be
    newer than its version, never older."""
    network = router.network
    offering = network.offering
    ours, host_end = router.link
    served = protocol.RouterNetwork(
        bridge=bridge_for(network),
        gateway4=network.gateway or "",
        prefix4=ipaddress.IPv4Network(network.cidr).prefixlen if network.cidr else 24,
        gateway6=network.ip6_gateway or "",
        prefix6=ipaddress.IPv6Network(network.ip6_cidr).prefixlen if network.ip6_cidr else 64,
        domain=network.network_domain,
        dns=tuple(d for d in resolvers(network) if d),
        mtu=network.private_mtu or 0,
        dhcp=offering.provides("Dhcp"),
        serve_dns=offering.provides("Dns"),
        hosts=tuple(
            protocol.DhcpHost(a.mac, a.ip4 or "", a.ip6 or "", a.hostname) for a in addresses
        ),
        metadata=tuple(_metadata(a) for a in addresses if a.ip4 and (a.metadata or a.user_data))
        if offering.provides("UserData")
        else (),
        more4=_more_subnets(network),
    )
    return protocol.RouterSpec(
        uuid=str(router.uuid),
        name=router.name,
        version=router.version,
        networks=(served,),
        uplink4=ours,
        host4=host_end,
        nat=offering.provides("SourceNat") or network.is_private_segment,
        public=_public_uplink(network),
    )


def _more_subnets(network: Network) -> tuple[protocol.Subnet4, ...]:
    """Those of a Basic zone's pods beside the network's own."""
    if network.zone.network_type != "Basic":
        return ()
    rows = IpRange.objects.filter(network=network).exclude(first=0).order_by("pk")
    found = {r.gateway: r.subnet.prefixlen for r in rows if r.subnet is not None}
    return tuple(protocol.Subnet4(g, n) for g, n in found.items() if g != network.gateway)


def _forget_taken(addresses: Sequence[GuestAddress], taken: Collection[str]) -> None:
    """A password that a guest has fetched is gone for good, unless a new one came since."""
    for address in addresses:
        if address.sealed_password and address.ip4 in taken:
            same = GuestAddress.objects.filter(
                pk=address.pk, sealed_password=address.sealed_password
            )
            same.update(sealed_password="")


def _metadata(address: GuestAddress) -> protocol.GuestMetadata:
    password = vault.unseal(address.sealed_password) if address.sealed_password else ""
    return protocol.GuestMetadata(
        address.ip4 or "", address.metadata, address.user_data, password
    )


def resolvers(network: Network) -> list[str]:
    """Where the router asks: the network's own, else the zone's."""
    own = [network.dns1, network.dns2]
    return own if any(own) else [network.zone.dns1, network.zone.dns2]


def remove(run: Run | None, network: Network) -> None:
    """Take the router and the bridge from every host that may have them."""
    router = Router.objects.filter(network=network).first()
    if router is not None and router.host is not None:
        agents.call(
            router.host, "router.remove", protocol.RouterRef(str(router.uuid), router.name), run
        )
        agents.call(router.host, "bridge.remove", bridge_for(network), run)
        _leave_public(run, router)
        Router.objects.filter(pk=router.pk).update(
            host=None, state="Stopped", applied_version=0
        )


def _leave_public(run: Run | None, router: Router) -> None:
    """The last router of a zone on a host takes the bridge to the public network with it."""
    public = _public_uplink(router.network)
    if public is None:
        return
    others = Router.objects.filter(host=router.host).exclude(pk=router.pk)
    if not others.filter(network__zone=router.network.zone_id).exists():
        with suppress(protocol.NetworkFailed):  # a router came meanwhile
            agents.call(router.host, "bridge.remove", public.bridge, run)
