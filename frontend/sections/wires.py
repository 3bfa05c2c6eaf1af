"""Physical networks, what they carry, who serves on them, and their VLANs."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from frontend.sections.base import Action, Column, F, Facts, Filter, Form, Record, Related, Section
from frontend.sections.columns import (
    ACCOUNT_FILTER,
    DOMAIN_FILTER,
    ID,
    NAME,
    STATE,
    ZONE,
    ZONE_FILTER,
    states,
)
from frontend.states import word
from network.services.providers import KINDS

WIRE_FILTER = Filter("physicalnetworkid", _("Physical network"), section="physicalnetworks")
_BY_NAME = F("name", choices=tuple((name, name) for name in KINDS))
_ISOLATION = (("VLAN", "VLAN"), ("VXLAN", "VXLAN"))

PHYSICAL = Section(
    key="physicalnetworks",
    title=_("Physical networks"),
    one=_("Physical network"),
    icon="topology-star",
    list="listPhysicalNetworks",
    admin=True,
    about=_("The wires of a zone: which bridge on the hosts carries which kind of traffic."),
    columns=(
        NAME,
        STATE,
        ZONE,
        Column("isolationmethods", _("Isolation methods"), "words"),
        Column("vlan", _("VLANs or VNIs"), "mono"),
        Column("tags", _("Tags"), "words"),
    ),
    filters=(ZONE_FILTER,),
    facts=(
        Facts(
            _("Physical network"),
            (
                ID,
                ZONE,
                Column("isolationmethods", _("Isolation methods"), "words"),
                Column("vlan", _("VLANs or VNIs"), "mono"),
                Column("broadcastdomainrange", _("Broadcast domain"), "word"),
                Column("networkspeed", _("Network speed")),
                Column("tags", _("Tags"), "words"),
            ),
        ),
    ),
    actions=(
        Action(
            "updatePhysicalNetwork",
            _("Edit"),
            "edit",
            primary=True,
            form=Form(("vlan", F("tags", label=_("Tags")), "networkspeed"), prefill=True),
        ),
        Action(
            "updatePhysicalNetwork",
            _("Enable"),
            "circle-check",
            key="enable",
            states=("Disabled",),
            form=Form(fixed={"state": "Enabled"}),
        ),
        Action(
            "updatePhysicalNetwork",
            _("Disable"),
            "ban",
            key="disable",
            states=("Enabled",),
            form=Form(fixed={"state": "Disabled"}),
            ask=_("No new networks begin on it. Those that are there go on."),
        ),
        Action(
            "deletePhysicalNetwork",
            _("Delete"),
            "trash",
            danger=True,
            ask=_("It must carry no networks; its traffic types and providers go with it."),
        ),
    ),
    create=(
        Action(
            "createPhysicalNetwork",
            _("New physical network"),
            "plus",
            form=Form(
                ("name", "zoneid", F("isolationmethods", choices=_ISOLATION), "vlan"),
                more=(F("tags", label=_("Tags")), "broadcastdomainrange", "networkspeed"),
            ),
        ),
    ),
    tabs=(
        Related("traffictypes", "physicalnetworkid", preset={"physicalnetworkid": "id"}),
        Related("providers", "physicalnetworkid", preset={"physicalnetworkid": "id"}),
        Related(
            "publicranges",
            "physicalnetworkid",
            preset={"physicalnetworkid": "id", "zoneid": "zoneid"},
        ),
        Related("ipranges", "physicalnetworkid"),
        Related("guestvlans", "physicalnetworkid"),
        Related("dedicatedvlans", "physicalnetworkid", preset={"physicalnetworkid": "id"}),
    ),
)

TRAFFIC = Section(
    key="traffictypes",
    title=_("Traffic types"),
    one=_("Traffic type"),
    icon="transfer",
    list="listTrafficTypes",
    name_field="traffictype",
    title_of=lambda r: str(word(r.get("traffictype"))),
    state_field="",
    has_detail=False,
    admin=True,
    about=_("What a physical network carries, and the device of hosts by which it leaves."),
    columns=(
        Column("traffictype", _("Traffic type"), "word"),
        Column("kvmnetworklabel", _("KVM bridge"), "mono"),
    ),
    actions=(
        Action(
            "updateTrafficType",
            _("Edit"),
            "edit",
            form=Form(("kvmnetworklabel",), prefill=True),
        ),
        Action(
            "deleteTrafficType",
            _("Delete"),
            "trash",
            danger=True,
            ask=_("The physical network carries it no more. It must not be in use."),
        ),
    ),
    create=(
        Action(
            "addTrafficType",
            _("Add a traffic type"),
            "plus",
            form=Form(("physicalnetworkid", "traffictype", "kvmnetworklabel")),
        ),
    ),
)


PROVIDERS = Section(
    key="providers",
    title=_("Service providers"),
    one=_("Service provider"),
    icon="router",
    list="listNetworkServiceProviders",
    admin=True,
    about=_("Who provides the services of networks: addresses, names, a way out."),
    columns=(
        NAME,
        STATE,
        Column("servicelist", _("Services"), "words"),
    ),
    filters=(WIRE_FILTER, states("state", _("State"), "Enabled", "Disabled")),
    facts=(
        Facts(
            _("Service provider"),
            (
                ID,
                Column("servicelist", _("Services"), "words"),
                Column("canenableindividualservice", _("Services one by one"), "flag"),
            ),
        ),
    ),
    actions=(
        Action(
            "updateNetworkServiceProvider",
            _("Enable"),
            "circle-check",
            key="enable",
            unless=lambda r: _("It is enabled already.") if r.get("state") == "Enabled" else "",
            form=Form(fixed={"state": "Enabled"}),
        ),
        Action(
            "updateNetworkServiceProvider",
            _("Disable"),
            "ban",
            key="disable",
            unless=lambda r: "" if r.get("state") == "Enabled" else _("It is not enabled."),
            form=Form(fixed={"state": "Disabled"}),
            ask=_("No new network can use it. Networks that use it go on."),
        ),
        Action(
            "deleteNetworkServiceProvider",
            _("Delete"),
            "trash",
            danger=True,
            ask=_("The physical network is without it. No network may be using it."),
        ),
    ),
    create=(
        Action(
            "addNetworkServiceProvider",
            _("Add a provider"),
            "plus",
            form=Form(("physicalnetworkid", _BY_NAME), more=("servicelist",)),
        ),
    ),
    tabs=(
        Related(
            "routerelements",
            "nspid",
            when=lambda r: str(r.get("name", "")).endswith("VirtualRouter"),
        ),
        Related("balancerelements", "nspid", when=lambda r: r.get("name") == "InternalLbVm"),
    ),
)


def _element(key: str, kind: str, title: object, one: object) -> Section:
    def switch(on: bool) -> Action:
        return Action(
            f"configure{kind}Element",
            _("Enable") if on else _("Disable"),
            "circle-check" if on else "ban",
            key="enable" if on else "disable",
            unless=lambda r: _("It is so already.") if bool(r.get("enabled")) is on else "",
            form=Form(fixed={"enabled": "true" if on else "false"}),
        )

    return Section(
        key=key,
        title=title,
        one=one,
        icon="router",
        list=f"list{kind}Elements",
        name_field="id",
        state_field="",
        has_detail=False,
        admin=True,
        columns=(
            Column("id", _("ID"), "copy"),
            Column("enabled", _("Enabled"), "flag"),
        ),
        actions=(switch(True), switch(False)),
    )


ELEMENTS = _element(
    "routerelements", "VirtualRouter", _("Router elements"), _("Router element")
)
BALANCERS = _element(
    "balancerelements",
    "InternalLoadBalancer",
    _("Load balancer elements"),
    _("Load balancer element"),
)


def _networks(record: Record) -> str:
    return ", ".join(str(n.get("name", n)) if isinstance(n, dict) else str(n)
                     for n in record.get("network") or [])  # fmt: skip


VLANS = Section(
    key="guestvlans",
    title=_("VLANs in use"),
    one=_("VLAN"),
    icon="tag",
    list="listGuestVlans",
    name_field="vlan",
    state_field="",
    has_detail=False,
    admin=True,
    base={"allocatedonly": "true"},
    about=_("A VLAN or VNI is taken when a network of a tenant begins, and free when it ends."),
    columns=(
        Column("vlan", _("VLAN"), "mono"),
        Column("allocationstate", _("State"), "state"),
        Column("network", _("Network"), make=_networks),
        Column("account", _("Account")),
        Column("domain", _("Domain"), to="domains", by="domainid"),
        Column("isdedicated", _("Dedicated"), "flag"),
        Column("physicalnetworkname", _("Physical network"), to="physicalnetworks",
               by="physicalnetworkid"),
        ZONE,
        Column("taken", _("Since"), "time"),
    ),
    filters=(WIRE_FILTER, ZONE_FILTER, Filter("vnet", _("VLAN"))),
)  # fmt: skip

DEDICATED_VLANS = Section(
    key="dedicatedvlans",
    title=_("Dedicated VLANs"),
    one=_("Dedicated VLAN range"),
    icon="lock",
    list="listDedicatedGuestVlanRanges",
    name_field="guestvlanrange",
    state_field="",
    has_detail=False,
    admin=True,
    about=_("VLANs that only the networks of one account take."),
    columns=(
        Column("guestvlanrange", _("VLANs"), "mono"),
        Column("account", _("Account")),
        Column("domain", _("Domain"), to="domains", by="domainid"),
    ),
    filters=(WIRE_FILTER, ZONE_FILTER, DOMAIN_FILTER, ACCOUNT_FILTER),
    actions=(
        Action(
            "releaseDedicatedGuestVlanRange",
            _("Release"),
            "lock-open",
            danger=True,
            bulk=True,
            ask=_("Everybody’s networks may take them again."),
        ),
    ),
    create=(
        Action(
            "dedicateGuestVlanRange",
            _("Dedicate VLANs"),
            "lock",
            form=Form(
                (
                    "physicalnetworkid",
                    F("vlanrange", placeholder="100-110"),
                    F("domainid", required=True),
                    F("account", required=True),
                )
            ),
        ),
    ),
)

SECTIONS = (PHYSICAL, TRAFFIC, PROVIDERS, ELEMENTS, BALANCERS, VLANS, DEDICATED_VLANS)
