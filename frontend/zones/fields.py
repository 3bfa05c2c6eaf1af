"""What the zone wizard asks, as data: kinds of zones, their groups of fields, each field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

Values = Mapping[str, str]
#: A text, or gettext's lazy one.
Text = Any

WIRES = ("1", "2", "3")  # physical networks that the page has room for
HYPERVISORS = (("KVM", "KVM"), ("Simulator", "Simulator"))
_ISOLATION = (("VLAN", "VLAN"), ("VXLAN", "VXLAN"))
_SCOPES = (
    ("HOST", _("One host’s own disk")), ("CLUSTER", _("The cluster")), ("ZONE", _("The zone")),
)  # fmt: skip
_PROVIDERS = (("NFS", "NFS"), ("Directory", _("Folder")))
TRAFFIC: dict[str, Text] = {
    "Management": _("Management"), "Public": pgettext_lazy("traffic", "Public"),
    "Guest": _("Guest"), "Storage": _("Storage"),
}  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One value. ``suggest`` names a list that the browser offers while one types; ``more``
    ones are folded away."""

    name: str
    label: Text
    help: Text = ""
    kind: str = "text"  # text, select, checkbox, lines
    choices: tuple[tuple[str, Text], ...] = ()
    mono: bool = False
    more: bool = False
    required: bool = False
    suggest: str = ""


@dataclass(frozen=True)
class Group:
    """A step of the wizard, all of which are on one page."""

    key: str
    title: Text
    help: Text
    fields: tuple[Field, ...]
    icon: str

    @property
    def plain(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields if not f.more)

    @property
    def folded(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields if f.more)


@dataclass(frozen=True)
class Kind:
    """A kind of zone. ``zone`` are parameters that createZone gets along; ``traffic`` is what
    its physical networks carry, beside Storage, which is always a choice."""

    key: str
    title: Text
    about: Text
    icon: str
    groups: tuple[Group, ...]
    zone: Mapping[str, str]
    traffic: tuple[str, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        return tuple(f for group in self.groups for f in group.fields)

    @property
    def is_basic(self) -> bool:
        return self.zone["networktype"] == "Basic"

    @property
    def is_flat(self) -> bool:
        """All instances share a network, and security groups keep them apart."""
        return "Public" not in self.traffic


def _address(name: str, label: Text, help: Text = "", **more: Any) -> Field:
    return Field(name, label, help, mono=True, **more)


def _range(prefix: str, **more: Any) -> tuple[Field, ...]:
    """Gateway, netmask, first and last address: ``podgateway`` …"""
    return (
        _address(f"{prefix}gateway", _("Gateway"), **more),
        _address(f"{prefix}netmask", _("Netmask"), **more),
        _address(f"{prefix}startip", _("First address"), **more),
        _address(f"{prefix}endip", _("Last address"), **more),
    )


def _zone(*more: Field) -> Group:
    return Group(
        "zone", _("Zone"), _("What it is called, and who answers names in it."),
        (
            Field("name", _("Name"), required=True),
            Field("hypervisor", _("Hypervisor"), kind="select", choices=HYPERVISORS),
            _address("dns1", _("DNS server 1"), _("Guests ask it for names."), required=True),
            _address("internaldns1", _("Internal DNS server 1"),
                     _("Hosts and system machines ask it for names."), required=True),
            Field("localstorageenabled", _("Local storage"), _("Disks may lie on a host itself."),
                  kind="checkbox"),
            _address("dns2", _("DNS server 2"), more=True),
            _address("internaldns2", _("Internal DNS server 2"), more=True),
            _address("ip6dns1", _("IPv6 DNS server 1"), more=True),
            _address("ip6dns2", _("IPv6 DNS server 2"), more=True),
            _address("domain", _("Network domain"), _("DNS domain of the guests."), more=True),
            *more,
        ),
        "globe",
    )  # fmt: skip


def _nth(label: Text, n: str) -> Text:
    return format_lazy("{label} {n}", label=label, n=n)


def _wires() -> Group:
    fields = tuple(
        Field(f"wire{n}", _nth(_("Physical network"), n), required=n == "1", more=n != "1")
        for n in WIRES
    )
    return Group(
        "wires", _("Physical networks"),
        _("The links and switches that the hosts share; most clouds have one."), fields,
        "topology-star",
    )  # fmt: skip


def _traffic(kinds: tuple[str, ...]) -> Group:
    """Which physical network each kind of traffic takes, and the device of hosts it leaves by."""
    choices = tuple((n, _nth(_("Physical network"), n)) for n in WIRES)
    fields: list[Field] = []
    for kind in (*kinds, "Storage"):
        optional = kind == "Storage"
        none = (("", _("with the management traffic")),) if optional else ()
        key = kind.lower()
        fields += [
            Field(f"{key}wire", TRAFFIC[kind], kind="select", choices=(*none, *choices),
                  more=optional),
            Field(f"{key}label", format_lazy(_("{kind}: {label}"), kind=TRAFFIC[kind],
                                             label=_("device of the hosts")),
                  _("Bridge or network card, for example eth1; empty: none."), mono=True,
                  more=optional, suggest="devices"),
        ]  # fmt: skip
    return Group(
        "traffic", _("Traffic"), _("What each physical network carries."), tuple(fields),
        "arrows-sort",
    )  # fmt: skip


def _isolation() -> Group:
    fields: list[Field] = []
    for n in WIRES:
        fields += [
            Field(f"isolation{n}", _nth(_("Isolation"), n), kind="select", choices=_ISOLATION,
                  more=n != "1"),
            Field(f"range{n}", _nth(_("VLANs or VNIs"), n),
                  _("Tenants’ networks take theirs from here, for example 100-200."), mono=True,
                  more=n != "1"),
        ]  # fmt: skip
    return Group(
        "isolation", _("Isolation"), _("What keeps the networks of tenants apart."),
        tuple(fields), "shield-lock",
    )  # fmt: skip


_POD = Group(
    "pod", _("Pod"), _("A rack: its management subnet, and addresses for system machines."),
    (Field("podname", _("Name"), required=True), *_range("pod", required=True)), "stack-2",
)  # fmt: skip

_PUBLIC = Group(
    "public", _("Public addresses"), _("What routers have towards the outside."),
    (*_range("public"), _address("publicvlan", _("VLAN"), _("untagged, or a number."))), "cloud",
)  # fmt: skip


def _guest(*more: Field) -> Group:
    return Group(
        "guest", _("Guest addresses"), _("What instances get; all are in one flat network."),
        (Field("guestname", _("Name"), required=True), *_range("guest", required=True), *more),
        "network",
    )  # fmt: skip


_STORAGE = Group(
    "storage", _("Storage addresses"),
    _("Left empty, storage traffic has the addresses of the pod."),
    tuple(
        Field(f.name, f.label, f.help, mono=True, more=True) for f in _range("storage")
    ) + (_address("storagevlan", _("VLAN"), more=True),),
    "database",
)  # fmt: skip

_CLUSTER = Group(
    "cluster", _("Cluster"), _("Like hosts, between which instances can move."),
    (Field("clustername", _("Name"), required=True),), "server-2",
)  # fmt: skip

_HOSTS = Group(
    "hosts", _("Hosts"),
    _("One address a line: http://localhost is this machine, http://sim/c0/h0 a simulated one. "
      "Other machines join afterwards with their agent."),
    (
        Field("hosts", _("Addresses"), kind="lines", mono=True, required=True),
        Field("hosttags", _("Host tags"), more=True),
    ),
    "server",
)  # fmt: skip

_PRIMARY = Group(
    "primary", _("Primary storage"), _("Where the disks of instances lie."),
    (
        Field("poolname", _("Name"), required=True),
        Field("poolscope", _("Serves"), kind="select", choices=_SCOPES),
        _address("poolurl", _("Address"),
                 _("file:///folder on a host, SharedMountPoint:///folder on all; "
                   "nfs://server/folder for simulated hosts."), required=True),
        Field("pooltags", _("Storage tags"), more=True),
    ),
    "database",
)  # fmt: skip

_SECONDARY = Group(
    "secondary", _("Secondary storage"), _("Where templates, ISOs and snapshots lie."),
    (
        Field("storename", _("Name"), required=True),
        Field("storeprovider", _("Provider"), kind="select", choices=_PROVIDERS),
        _address("storeurl", _("Address"),
                 _("file:///folder; nfs://server/folder for simulated hosts."), required=True),
    ),
    "photo",
)  # fmt: skip

_REST = (_STORAGE, _CLUSTER, _HOSTS, _PRIMARY, _SECONDARY)
_FLAT_TRAFFIC = ("Management", "Guest")
_ADVANCED_TRAFFIC = ("Management", "Public", "Guest")

BASIC = Kind(
    "basic", _("Basic"),
    _("All instances share one flat network, as in a small office or a laboratory; security "
      "groups keep them apart."),
    "network",
    (_zone(), _wires(), _traffic(_FLAT_TRAFFIC), _POD, _guest(), *_REST),
    {"networktype": "Basic"}, _FLAT_TRAFFIC,
)  # fmt: skip

ADVANCED = Kind(
    "advanced", _("Advanced"),
    _("Tenants make networks of their own, kept apart, with routers, addresses and rules."),
    "topology-star",
    (
        _zone(_address("guestcidraddress", _("Guest CIDR"),
                       _("Tenants’ networks are cut from it."), more=True)),
        _wires(), _traffic(_ADVANCED_TRAFFIC), _isolation(), _POD, _PUBLIC, *_REST,
    ),
    {"networktype": "Advanced"}, _ADVANCED_TRAFFIC,
)  # fmt: skip

SECURED = Kind(
    "secured", _("Advanced with security groups"),
    _("Shared networks on VLANs that you choose, in which security groups keep the instances "
      "of tenants apart."),
    "shield-check",
    (
        _zone(), _wires(), _traffic(_FLAT_TRAFFIC), _POD,
        _guest(_address("guestvlan", _("VLAN"), _("untagged, or a number."))), *_REST,
    ),
    {"networktype": "Advanced", "securitygroupenabled": "true"}, _FLAT_TRAFFIC,
)  # fmt: skip

KINDS: dict[str, Kind] = {kind.key: kind for kind in (BASIC, ADVANCED, SECURED)}
