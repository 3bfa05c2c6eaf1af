"""Addresses: public ones, those of guests, of storage, and portable ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from frontend.sections.base import Action, Column, F, Facts, Filter, Form, Record, Section, Text
from frontend.sections.columns import (
    ACCOUNT_FILTER,
    DOMAIN_FILTER,
    ID,
    POD,
    STATE,
    ZONE,
    ZONE_FILTER,
    states,
)
from frontend.sections.wires import WIRE_FILTER

FIRST = Column("startip", _("First address"), "mono")
LAST = Column("endip", _("Last address"), "mono")
GATEWAY = Column("gateway", _("Gateway"), "mono")
NETMASK = Column("netmask", _("Netmask"), "mono")
#: The wire writes it as an address: ``vlan://300``.
VLAN = Column(
    "vlan", _("VLAN"), "mono", make=lambda r: str(r.get("vlan") or "").removeprefix("vlan://")
)


def _either(field: str, field6: str) -> Callable[[Record], str]:
    """What a guest range has of IPv4; one of IPv6 alone shows that."""
    return lambda r: str(r.get(field) or r.get(field6) or "")


def _span(record: Record) -> str:
    """A range's name: its first and its last address."""
    ends = (_either("startip", "startipv6")(record), _either("endip", "endipv6")(record))
    return "–".join(dict.fromkeys(end for end in ends if end))


_RANGE = ("gateway", "netmask", "startip", "endip")


def _free(record: Record) -> Text:
    if record.get("forsystemvms"):
        return _("It is for system machines.")
    return _("It is dedicated already.") if record.get("domainid") else ""


def _dedicated(record: Record) -> Text:
    return "" if record.get("domainid") else _("It is not dedicated.")


_EDIT = Action(
    "updateVlanIpRange", _("Edit"), "edit",
    form=Form((*_RANGE,), prefill=True),
    ask=_("Addresses that are in use must stay within it."),
)  # fmt: skip

_RANGE6 = ("startipv6", "endipv6", "ip6cidr", "ip6gateway")
_EDIT_GUEST = replace(_EDIT, form=Form((*_RANGE,), more=_RANGE6, prefill=True))

_DELETE = Action(
    "deleteVlanIpRange", _("Delete"), "trash", danger=True, bulk=True,
    ask=_("Its addresses are handed out no more. A range in use cannot be deleted."),
)  # fmt: skip

PUBLIC = Section(
    key="publicranges",
    title=_("Public ranges"),
    one=_("Public range"),
    icon="cloud",
    list="listVlanIpRanges",
    base={"forvirtualnetwork": "true"},
    name_field="startip",
    title_of=_span,
    state_field="",
    has_detail=False,
    admin=True,
    about=_("Addresses that routers and system machines have towards the outside."),
    columns=(
        FIRST, LAST, GATEWAY, NETMASK, VLAN, ZONE,
        Column("forsystemvms", _("For system machines"), "flag"),
        Column("account", _("Dedicated to account")),
        Column("domain", _("Dedicated to domain"), to="domains", by="domainid"),
    ),
    filters=(ZONE_FILTER, WIRE_FILTER, DOMAIN_FILTER, ACCOUNT_FILTER, Filter("vlan", _("VLAN"))),
    actions=(
        _EDIT,
        Action(
            "dedicatePublicIpRange", _("Dedicate"), "lock", unless=_free,
            form=Form(("domainid", "account")),
            ask=_("Only this domain, or this account of it, gets its addresses."),
        ),
        Action(
            "releasePublicIpRange", _("Release"), "lock-open", unless=_dedicated,
            ask=_("Everybody may get its addresses again."),
        ),
        _DELETE,
    ),
    create=(
        Action(
            "createVlanIpRange", _("New public range"), "plus",
            form=Form(
                ("zoneid", *_RANGE, F("vlan", initial="untagged")),
                more=("physicalnetworkid", "domainid", "account", "forsystemvms"),
                fixed={"forvirtualnetwork": "true"},
            ),
        ),
    ),
)  # fmt: skip

GUEST = Section(
    key="ipranges",
    title=_("Guest ranges"),
    one=_("Guest range"),
    icon="list",
    list="listVlanIpRanges",
    base={"forvirtualnetwork": "false"},
    name_field="startip",
    title_of=_span,
    state_field="",
    has_detail=False,
    admin=True,
    about=_("Addresses that a shared network hands out to instances."),
    columns=(
        replace(FIRST, make=_either("startip", "startipv6")),
        replace(LAST, make=_either("endip", "endipv6")),
        replace(GATEWAY, make=_either("gateway", "ip6gateway")),
        replace(NETMASK, make=_either("netmask", "ip6cidr")),
        Column("startipv6", _("First IPv6 address"), "mono", shown=False),
        Column("endipv6", _("Last IPv6 address"), "mono", shown=False),
        VLAN,
        Column("networkname", _("Network"), to="networks"),
        ZONE, POD,
    ),
    filters=(Filter("networkid", _("Network"), section="networks"), ZONE_FILTER, WIRE_FILTER),
    actions=(_EDIT_GUEST, _DELETE),
    create=(
        Action(
            "createVlanIpRange", _("New range"), "plus",
            form=Form(
                (F("networkid", required=True), "startip", "endip"),
                more=("gateway", "netmask", "podid", *_RANGE6),
            ),
        ),
    ),
)  # fmt: skip

STORAGE = Section(
    key="storageranges",
    title=_("Storage ranges"),
    one=_("Storage range"),
    icon="database",
    list="listStorageNetworkIpRange",
    name_field="startip",
    title_of=_span,
    state_field="",
    has_detail=False,
    admin=True,
    about=_("Addresses that system machines have in the network of secondary storage."),
    columns=(FIRST, LAST, GATEWAY, NETMASK, VLAN, ZONE, POD),
    filters=(ZONE_FILTER, Filter("podid", _("Pod"), section="pods")),
    actions=(
        Action(
            "updateStorageNetworkIpRange", _("Edit"), "edit",
            form=Form(("startip", "endip", "netmask", "vlan"), prefill=True),
        ),
        Action(
            "deleteStorageNetworkIpRange", _("Delete"), "trash", danger=True, bulk=True,
            ask=_("Its addresses are handed out no more. A range in use cannot be deleted."),
        ),
    ),
    create=(
        Action(
            "createStorageNetworkIpRange", _("New storage range"), "plus",
            form=Form(("podid", *_RANGE, "vlan")),
        ),
    ),
)  # fmt: skip

PORTABLE = Section(
    key="portableranges",
    title=_("Portable ranges"),
    one=_("Portable range"),
    icon="transfer",
    list="listPortableIpRanges",
    name_field="startip",
    title_of=_span,
    state_field="",
    has_detail=False,
    admin=True,
    about=_("Public addresses that may move from one zone of the region to another."),
    columns=(FIRST, LAST, GATEWAY, NETMASK, VLAN, Column("regionid", _("Region"), "number")),
    actions=(
        Action(
            "deletePortableIpRange", _("Delete"), "trash", danger=True, bulk=True,
            ask=_("Its addresses are handed out no more. A range in use cannot be deleted."),
        ),
    ),
    create=(
        Action(
            "createPortableIpRange", _("New portable range"), "plus",
            form=Form((F("regionid", initial="1"), *_RANGE, F("vlan", initial="untagged"))),
        ),
    ),
)  # fmt: skip

ADDRESSES = Section(
    key="publicips",
    title=_("Public addresses"),
    one=_("Public address"),
    icon="map-pin",
    list="listPublicIpAddresses",
    name_field="ipaddress",
    resource_type="PublicIpAddress",
    about=_(
        "An address towards the outside. The first of an isolated network comes with it: what "
        "its instances send leaves by it."
    ),
    columns=(
        Column("ipaddress", _("Address"), "name"),
        STATE,
        Column("associatednetworkname", _("Network"), to="networks", by="associatednetworkid"),
        Column("issourcenat", _("Way out of its network"), "flag"),
        ZONE,
        Column("account", _("Account")),
        Column("domain", _("Domain"), to="domains", by="domainid", shown=False),
        Column("vlanname", _("VLAN"), "mono", shown=False),
        Column("allocated", _("Since"), "time"),
    ),
    filters=(
        states("state", _("State"), "Allocated", "Free", "Reserved"),
        ZONE_FILTER,
        Filter("associatednetworkid", _("Network"), section="networks"),
        DOMAIN_FILTER,
        ACCOUNT_FILTER,
    ),
    facts=(
        Facts(
            _("Public address"),
            (
                ID,
                Column("associatednetworkname", _("Network"), to="networks",
                       by="associatednetworkid"),
                Column("issourcenat", _("Way out of its network"), "flag"),
                ZONE,
                Column("vlanname", _("VLAN"), "mono"),
            ),
        ),
        Facts(
            _("Owner"),
            (
                Column("account", _("Account")),
                Column("domain", _("Domain"), to="domains", by="domainid"),
                Column("allocated", _("Since"), "date"),
            ),
        ),
    ),
    actions=(
        Action(
            "reserveIpAddress", _("Reserve"), "lock",
            states=("Free",),
            form=Form(("domainid", "account")),
        ),
        Action(
            "releaseIpAddress", _("Give back"), "lock-open",
            states=("Reserved",),
            ask=_("Anybody may get the address from now on."),
        ),
    ),
)  # fmt: skip

SECTIONS = (PUBLIC, GUEST, STORAGE, PORTABLE, ADDRESSES)
