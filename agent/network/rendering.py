"""Everything a router needs, as text, from its RouterSpec. Pure, and strict about values.

Host names, options and domains began with people and guests: each is checked before it may
stand in a configuration file, and a value that fails names the guest it belongs to.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
import json
import re
from dataclasses import dataclass, field

from agent import names
from agent import protocol as p

METADATA_ADDRESS = "169.254.169.254"
# The name by which CloudStack's guests find their metadata server; no guest may have it.
DATA_SERVER = "data-server"
LEASE_S = 86_400
UPLINK = "uplink"
MAX_USER_DATA = 2 * 2**20

_OPTION = re.compile(r"[0-9]{1,3}|[a-z][a-z0-9-]{1,40}")
_OPTION_VALUE = re.compile(r"[A-Za-z0-9 ._:/,\[\]@+-]{0,255}")
_ENTRY = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class Link:
    """A veth pair: ``inside`` in the router, ``outside`` on the host (in ``bridge``)."""

    inside: str
    outside: str
    mac: str
    addresses: tuple[str, ...]
    bridge: str = ""
    mtu: int = 0


@dataclass(frozen=True, slots=True)
class Dnsmasq:
    """Texts of one network's dnsmasq. ``config`` needs a restart, the others a reload.

    ``pairs`` are the (address, MAC) the leases must not contradict.
    """

    device: str
    config: str
    hosts: str
    dhcp: str
    options: str
    pairs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """``host4`` (the host's end of the uplink, with its prefix) and ``uplink_address`` (which
    the host lets out) are empty where the uplink is on a bridge to the public network."""

    links: tuple[Link, ...]
    uplink: Link | None
    host4: str
    gateway: str
    uplink_address: str
    rules: str
    dnsmasq: tuple[Dnsmasq, ...]
    metadata: str

    def all_links(self) -> tuple[Link, ...]:
        return self.links if self.uplink is None else (*self.links, self.uplink)


def render(spec: p.RouterSpec, folder: str) -> Wanted:
    """``folder`` is where the files will lie. Raises NetworkFailed for impossible values."""
    try:
        return _render(spec, folder)
    except p.OperationFailed as error:
        raise p.NetworkFailed(f"Router {spec.name}: {error.message}") from error


def _render(spec: p.RouterSpec, folder: str) -> Wanted:
    uplink = _public(spec) or _uplink(spec)
    by_host = uplink is not None and not uplink.bridge
    host4 = _interface(spec.host4, spec.uplink4) if by_host else ""
    gateway = names.ip4(spec.public.gateway4) if spec.public else host4.split("/")[0]
    links = tuple(_link(spec, network) for network in spec.networks)
    served = zip(spec.networks, links, strict=True)
    return Wanted(
        links=links,
        uplink=uplink,
        host4=host4,
        gateway=gateway,
        uplink_address=uplink.addresses[0].split("/")[0] if uplink and by_host else "",
        rules=rules(spec, links, uplink is not None),
        dnsmasq=tuple(
            _dnsmasq(network, link.inside, folder)
            for network, link in served
            if network.dhcp or network.serve_dns
        ),
        metadata=metadata(spec),
    )


# -- links -----------------------------------------------------------------------------


def device_for(bridge: str) -> str:
    """The router's side of its link to a bridge; a function of the name, whatever the order."""
    return "net" + _digest(bridge, 8)


def _link(spec: p.RouterSpec, network: p.RouterNetwork) -> Link:
    bridge = names.device(network.bridge.name)
    digest = _digest(f"{spec.uuid} {bridge}", 10)
    addresses = []
    if network.gateway4:
        addresses.append(f"{names.ip4(network.gateway4)}/{_prefix(network.prefix4, 32)}")
    addresses += [
        f"{names.ip4(more.gateway)}/{_prefix(more.prefix, 32)}" for more in network.more4
    ]
    if network.gateway6:
        addresses.append(f"{names.ip6(network.gateway6)}/{_prefix(network.prefix6, 128)}")
    mtu = network.mtu or network.bridge.mtu
    if mtu and not 576 <= mtu <= 9216:
        raise p.OperationFailed(f"MTU {mtu} is out of range (576 to 9216).")
    return Link(
        inside=device_for(bridge),
        outside="cpv" + digest,
        # The same after a rebuild, so that guests' neighbour tables stay right.
        # Guests never get an address that begins so: it would draw the network's way out to them.
        mac="0e:" + ":".join(digest[i : i + 2] for i in range(0, 10, 2)),
        addresses=tuple(addresses),
        bridge=bridge,
        mtu=mtu,
    )


def _uplink(spec: p.RouterSpec) -> Link | None:
    if not spec.uplink4 or not spec.host4:
        return None
    digest = _digest(spec.uuid, 8)
    own = ipaddress.IPv4Interface(_interface(spec.uplink4))
    host = ipaddress.IPv4Interface(_interface(spec.host4, spec.uplink4))
    if own.network != host.network or own.ip == host.ip:
        raise p.OperationFailed(f"{own} and {host} are not two ends of one link.")
    mac = "02:" + ":".join(_digest(f"{spec.uuid} uplink", 10)[i : i + 2] for i in range(0, 10, 2))
    return Link(UPLINK, f"cpup-{digest}", mac, (str(own),))


def _public(spec: p.RouterSpec) -> Link | None:
    if spec.public is None:
        return None
    own = ipaddress.IPv4Interface(_interface(spec.public.address4))
    gateway = ipaddress.IPv4Address(names.ip4(spec.public.gateway4))
    if gateway not in own.network or gateway == own.ip:
        raise p.OperationFailed(f"{gateway} is not a gateway for {own}.")
    digest = _digest(f"{spec.uuid} public", 10)
    return Link(
        inside=UPLINK,
        outside="cpvp" + digest,
        mac="0e:" + ":".join(digest[i : i + 2] for i in range(0, 10, 2)),
        addresses=(str(own),),
        bridge=names.device(spec.public.bridge.name),
        mtu=spec.public.bridge.mtu,
    )


def _interface(written: str, like: str = "") -> str:
    """``a.b.c.d/len``; without a length that of ``like``."""
    if "/" not in written and "/" in like:
        written = f"{written}/{like.split('/')[1]}"
    try:
        return str(ipaddress.IPv4Interface(written))
    except ValueError as error:
        raise p.OperationFailed(f"{written[:80]!r} is not an address with its length.") from error


def _prefix(length: int, most: int) -> int:
    if not 0 < length <= most:
        raise p.OperationFailed(f"/{length} is not the length of a prefix.")
    return length


def _digest(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


# -- nftables inside the router --------------------------------------------------------

TABLE = "cloudportal_router"


def rules(spec: p.RouterSpec, links: tuple[Link, ...], has_uplink: bool) -> str:
    """The whole table; loading it replaces the old one in one transaction."""
    guests = ", ".join(f'"{link.inside}"' for link in links)
    lines = [
        f"table inet {TABLE}",
        f"delete table inet {TABLE}",
        f"table inet {TABLE} {{",
        "chain input {",
        "type filter hook input priority 0; policy drop;",
        'iifname "lo" accept',
        "ct state established,related accept",
        "ct state invalid drop",
        "icmp type echo-request accept",
        "meta l4proto ipv6-icmp accept",
    ]
    if guests:
        lines += [
            f"iifname {{ {guests} }} udp dport {{ 53, 67, 547 }} accept",
            f"iifname {{ {guests} }} tcp dport {{ 53, 80, 8080 }} accept",
        ]
    lines += [
        "}",
        "chain forward {",
        "type filter hook forward priority 0; policy drop;",
        "ct state established,related accept",
        "ct state invalid drop",
    ]
    if has_uplink:
        lines += [_way_out(link) for link in links if link.addresses]
    lines.append("}")
    if has_uplink and spec.nat:
        lines += [
            "chain postrouting {",
            "type nat hook postrouting priority 100; policy accept;",
            f'oifname "{UPLINK}" {_source_nat(spec)}',
            "}",
        ]
    return "\n".join([*lines, "}"]) + "\n"


def _source_nat(spec: p.RouterSpec) -> str:
    if spec.public is None:
        return "masquerade"
    return f"snat ip to {_interface(spec.public.address4).split('/')[0]}"


def _way_out(link: Link) -> str:
    """Only with an address of the guest's own network."""
    own = [ipaddress.ip_interface(a).network for a in link.addresses]
    v4 = [str(network) for network in own if network.version == 4]
    source = v4[0] if len(v4) == 1 else f"{{ {', '.join(v4)} }}"
    match = f"ip saddr {source} " if v4 else "meta nfproto ipv4 "
    return f'iifname "{link.inside}" {match}oifname "{UPLINK}" accept'


# -- dnsmasq ---------------------------------------------------------------------------


def _dnsmasq(network: p.RouterNetwork, device: str, folder: str) -> Dnsmasq:
    domain = names.domain(network.domain) if network.domain else ""
    hosts = tuple(_checked(host) for host in network.hosts)
    return Dnsmasq(
        device=device,
        config=_config(network, device, folder, domain),
        hosts=_hosts(network, hosts, domain),
        dhcp="".join(_dhcp_line(host) for host in hosts),
        options="".join(_option_lines(host) for host in hosts),
        pairs={host.ip4: host.mac for host in hosts if host.ip4},
    )


def _checked(host: p.DhcpHost) -> p.DhcpHost:
    return p.DhcpHost(
        mac=names.mac(host.mac),
        ip4=names.ip4(host.ip4) if host.ip4 else "",
        ip6=names.ip6(host.ip6) if host.ip6 else "",
        hostname=names.label(host.hostname).lower() if host.hostname else "",
        options=host.options,
    )


def _config(network: p.RouterNetwork, device: str, folder: str, domain: str) -> str:
    base = f"{folder}/{device}"
    lines = [
        f"interface={device}",
        "except-interface=lo",
        "bind-interfaces",
        f"pid-file={base}.pid",
        f"port={53 if network.serve_dns else 0}",
        "no-hosts",
        "no-resolv",
        "no-poll",
        "domain-needed",
        "bogus-priv",
        "cache-size=2000",
        "dns-forward-max=500",
        f"addn-hosts={base}.hosts",
    ]
    if domain:
        lines += [f"domain={domain}", f"local=/{domain}/"]
    lines += [f"server={_resolver(address)}" for address in network.dns if address]
    if network.dhcp:
        lines += _dhcp_config(network, base)
    return "\n".join(lines) + "\n"


def _dhcp_config(network: p.RouterNetwork, base: str) -> list[str]:
    lines = [
        f"dhcp-hostsfile={base}.dhcp",
        f"dhcp-optsfile={base}.options",
        f"dhcp-leasefile={base}.leases",
        "dhcp-authoritative",
        "dhcp-ignore=tag:!known",
        "dhcp-lease-max=70000",
        # Addresses are given out by the portal: nobody else can have one, so no ping first.
        "no-ping",
        "quiet-dhcp",
        "quiet-dhcp6",
        "quiet-ra",
    ]
    resolvers = [names_of for names_of in network.dns if names_of]
    if network.gateway4:
        gateway = names.ip4(network.gateway4)
        net = ipaddress.IPv4Interface(f"{gateway}/{network.prefix4}").network
        v4 = [gateway] if network.serve_dns else [r for r in resolvers if ":" not in r]
        lines += [
            f"dhcp-range={net.network_address},static,{net.netmask},{LEASE_S}",
            f"dhcp-option=option:router,{gateway}",
        ]
        if v4:
            lines.append(f"dhcp-option=option:dns-server,{','.join(_resolver(a) for a in v4)}")
        if network.mtu:
            lines.append(f"dhcp-option=option:mtu,{network.mtu}")
    for number, more in enumerate(network.more4):
        lines += _more_subnet(f"subnet{number}", more, network)
    if network.gateway6:
        net6 = ipaddress.IPv6Interface(f"{names.ip6(network.gateway6)}/{network.prefix6}").network
        v6 = (
            [names.ip6(network.gateway6)]
            if network.serve_dns
            else [r for r in resolvers if ":" in r]
        )
        lines += [
            "enable-ra",
            f"dhcp-range={net6.network_address},static,slaac,{net6.prefixlen},{LEASE_S}",
        ]
        if v6:
            servers = ",".join(f"[{_resolver(a)}]" for a in v6)
            lines.append(f"dhcp-option=option6:dns-server,{servers}")
    return lines


def _more_subnet(tag: str, more: p.Subnet4, network: p.RouterNetwork) -> list[str]:
    """Options with a tag take the place of those without (dnsmasq)."""
    gateway = names.ip4(more.gateway)
    net = ipaddress.IPv4Interface(f"{gateway}/{_prefix(more.prefix, 32)}").network
    lines = [
        f"dhcp-range=set:{tag},{net.network_address},static,{net.netmask},{LEASE_S}",
        f"dhcp-option=tag:{tag},option:router,{gateway}",
    ]
    if network.serve_dns:
        lines.append(f"dhcp-option=tag:{tag},option:dns-server,{gateway}")
    return lines


def _hosts(network: p.RouterNetwork, hosts: tuple[p.DhcpHost, ...], domain: str) -> str:
    lines = []
    if network.gateway4:
        lines.append(f"{names.ip4(network.gateway4)} {DATA_SERVER}\n")
    for host in hosts:
        if host.hostname and host.hostname != DATA_SERVER:
            full = f"{host.hostname}.{domain} {host.hostname}" if domain else host.hostname
            lines += [f"{address} {full}\n" for address in (host.ip4, host.ip6) if address]
    return "".join(lines)


def _dhcp_line(host: p.DhcpHost) -> str:
    fields = [host.mac]
    if host.options:
        fields.append(f"set:{_tag(host)}")
    if host.ip4:
        fields.append(host.ip4)
    if host.ip6:
        fields.append(f"[{host.ip6}]")
    if host.hostname and host.hostname != DATA_SERVER:
        fields.append(host.hostname)
    return ",".join([*fields, str(LEASE_S)]) + "\n"


def _option_lines(host: p.DhcpHost) -> str:
    """An empty value keeps the option from the guest (dnsmasq: an option without a value)."""
    lines = []
    for key, value in sorted(host.options.items()):
        if not _OPTION.fullmatch(key) or not _OPTION_VALUE.fullmatch(value):
            raise p.OperationFailed(
                f"DHCP option {key[:40]!r} of {host.hostname or host.mac} cannot be {value[:80]!r}."
            )
        if key.isdecimal() and not 1 <= int(key) <= 254:
            raise p.OperationFailed(f"There is no DHCP option {key}.")
        option = key if key.isdecimal() else f"option:{key}"
        lines.append(f"tag:{_tag(host)},{option}{',' + value if value else ''}\n")
    return "".join(lines)


def _tag(host: p.DhcpHost) -> str:
    return "m" + host.mac.replace(":", "")


def _resolver(written: str) -> str:
    return names.ip6(written) if ":" in written else names.ip4(written)


# -- metadata --------------------------------------------------------------------------


def metadata(spec: p.RouterSpec) -> str:
    """What the metadata server reads: guests by address, each with the MAC it must have."""
    guests = {}
    for network in spec.networks:
        macs = {host.ip4: names.mac(host.mac) for host in network.hosts if host.ip4}
        for guest in network.metadata:
            guests[names.ip4(guest.ip4)] = {
                "mac": macs.get(guest.ip4, ""),
                "entries": {_entry(k): v for k, v in sorted(guest.entries.items())},
                "user_data": _user_data(guest),
                "password": guest.password,
            }
    return json.dumps({"guests": guests}, sort_keys=True)


def _entry(key: str) -> str:
    if not _ENTRY.fullmatch(key):
        raise p.OperationFailed(f"{key[:80]!r} cannot be the name of a metadata entry.")
    return key


def _user_data(guest: p.GuestMetadata) -> str:
    try:
        plain = base64.b64decode(guest.user_data, validate=True)
    except (ValueError, binascii.Error) as error:
        raise p.OperationFailed(f"The user data of {guest.ip4} is not base64.") from error
    if len(plain) > MAX_USER_DATA:
        raise p.OperationFailed(f"The user data of {guest.ip4} is too long.")
    return guest.user_data
