"""Guest networks, their addresses and routers."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from frontend.sections.base import Action, Column, F, Facts, Filter, Form, Related, Section
from frontend.sections.columns import (
    ACCOUNT_FILTER,
    DESCRIPTION,
    DOMAIN,
    DOMAIN_FILTER,
    HOST,
    ID,
    NAME,
    OWNER,
    STATE,
    ZONE,
    ZONE_FILTER,
    states,
)

OFFERING = Column(
    "networkofferingname", _("Network offering"), to="networkofferings", by="networkofferingid"
)
TYPES = (("Shared", _("Shared")), ("Isolated", _("Isolated")), ("L2", _("L2")))
KIND = Column("type", _("Type"), make=lambda r: dict(TYPES).get(r.get("type", ""), r.get("type")))

NETWORKS = Section(
    key="networks",
    title=_("Networks"),
    one=_("Network"),
    icon="network",
    list="listNetworks",
    resource_type="Network",
    about=_(
        "A network gives instances addresses, names and a way out. A shared one serves many "
        "accounts; an isolated one is yours alone."
    ),
    columns=(
        NAME,
        STATE,
        KIND,
        Column("cidr", _("CIDR"), "mono"),
        Column("ip6cidr", _("IPv6 CIDR"), "mono", shown=False),
        OFFERING,
        ZONE,
        Column("account", _("Account")),
        Column("gateway", _("Gateway"), "mono", shown=False),
        Column("vlan", _("VLAN"), "mono", shown=False),
        DOMAIN,
        Column("created", _("Created"), "time"),
    ),
    filters=(
        Filter("type", _("Type"), choices=TYPES),
        ZONE_FILTER,
        Filter("networkofferingid", _("Network offering"), section="networkofferings"),
        DOMAIN_FILTER,
        ACCOUNT_FILTER,
    ),
    facts=(
        Facts(
            _("Network"),
            (
                ID,
                DESCRIPTION,
                KIND,
                OFFERING,
                ZONE,
                Column("networkdomain", _("Network domain")),
                Column("service", _("Services"), "words"),
            ),
        ),
        Facts(
            _("Addresses"),
            (
                Column("cidr", _("CIDR"), "mono"),
                Column("gateway", _("Gateway"), "mono"),
                Column("netmask", _("Netmask"), "mono"),
                Column("ip6cidr", _("IPv6 CIDR"), "mono"),
                Column("ip6gateway", _("IPv6 gateway"), "mono"),
                Column("dns1", _("DNS server 1"), "mono"),
                Column("dns2", _("DNS server 2"), "mono"),
                Column("vlan", _("VLAN"), "mono"),
            ),
        ),
        OWNER,
    ),
    actions=(
        Action(
            "deployVirtualMachine",
            _("New instance in it"),
            "rocket",
            param="networkids",
            primary=True,
            url="/instances/new?networkids={id}",
        ),
        Action(
            "updateNetwork",
            _("Edit"),
            "edit",
            form=Form(
                ("name", "displaytext"), more=("networkdomain", "dns1", "dns2"), prefill=True
            ),
        ),
        Action(
            "restartNetwork",
            _("Restart"),
            "rotate-clockwise",
            bulk=True,
            ask=_(
                "Its router is set up anew and compared with what is wanted. Connections may pause "
                "for a moment."
            ),
        ),
        Action(
            "deleteNetwork",
            _("Delete"),
            "trash",
            danger=True,
            bulk=True,
            ask=_(
                "The network, its addresses and its router are deleted. A network that instances "
                "are in cannot be."
            ),
        ),
    ),
    create=(
        Action(
            "createNetwork",
            _("New network"),
            "plus",
            form=Form(
                (
                    "name",
                    "displaytext",
                    "zoneid",
                    F("networkofferingid", among={"state": "Enabled"}),
                ),
                more=(
                    "gateway",
                    "netmask",
                    "startip",
                    "endip",
                    "ip6cidr",
                    "ip6gateway",
                    "dns1",
                    "dns2",
                    "networkdomain",
                    "vlan",
                    "physicalnetworkid",
                    "acltype",
                    "subdomainaccess",
                    "account",
                    "domainid",
                ),
            ),
        ),
    ),
    tabs=(
        Related("instances", "networkid"),
        Related("ipranges", "networkid", preset={"networkid": "id"}),
        Related("routers", "networkid"),
    ),
)

IPRANGES = Section(
    key="ipranges",
    title=_("Address ranges"),
    one=_("Address range"),
    icon="list",
    list="listVlanIpRanges",
    name_field="startip",
    state_field="",
    has_detail=False,
    admin=True,
    about=_("Addresses that a shared network hands out to instances."),
    columns=(
        Column("startip", _("First address"), "mono"),
        Column("endip", _("Last address"), "mono"),
        Column("gateway", _("Gateway"), "mono"),
        Column("netmask", _("Netmask"), "mono"),
        Column("startipv6", _("First IPv6 address"), "mono"),
        Column("endipv6", _("Last IPv6 address"), "mono"),
        Column("vlan", _("VLAN"), "mono"),
    ),
    filters=(Filter("networkid", _("Network"), section="networks"), ZONE_FILTER),
    actions=(
        Action(
            "deleteVlanIpRange",
            _("Delete"),
            "trash",
            danger=True,
            bulk=True,
            ask=_("Its addresses are handed out no more. A range in use cannot be deleted."),
        ),
    ),
    create=(
        Action(
            "createVlanIpRange",
            _("New range"),
            "plus",
            form=Form(
                ("networkid", "startip", "endip"),
            ),
        ),
    ),
)

ROUTERS = Section(
    key="routers",
    title=_("Routers"),
    one=_("Router"),
    icon="router",
    list="listRouters",
    admin=True,
    about=_(
        "A router serves one network: addresses, names, the way out. It is made when the first "
        "instance starts there."
    ),
    columns=(
        NAME,
        STATE,
        Column("guestnetworkname", _("Network"), to="networks", by="guestnetworkid"),
        HOST,
        ZONE,
        Column("guestipaddress", _("Address"), "mono"),
        Column("version", _("Version"), shown=False),
        Column("healthchecksfailed", _("Checks failed"), "flag"),
    ),
    filters=(
        states("state", _("State"), "Running", "Stopped"),
        ZONE_FILTER,
        Filter("hostid", _("Host"), section="hosts"),
        Filter("networkid", _("Network"), section="networks"),
    ),
    facts=(
        Facts(
            _("Router"),
            (
                ID,
                Column("guestnetworkname", _("Network"), to="networks", by="guestnetworkid"),
                Column("guestipaddress", _("Address"), "mono"),
                HOST,
                ZONE,
                Column("version", _("Version")),
                Column("dns1", _("DNS server 1"), "mono"),
                Column("dns2", _("DNS server 2"), "mono"),
            ),
        ),
    ),
)

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
        Column("vlan", _("VLAN"), "mono"),
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
                Column("vlan", _("VLAN"), "mono"),
                Column("broadcastdomainrange", _("Broadcast domain")),
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
            form=Form(
                (
                    F("state", choices=(("Enabled", _("Enabled")), ("Disabled", _("Disabled")))),
                    "vlan",
                    F("tags", label=_("Tags")),
                    "networkspeed",
                ),
                prefill=True,
            ),
        ),
        Action("deletePhysicalNetwork", _("Delete"), "trash", danger=True),
    ),
    create=(
        Action(
            "createPhysicalNetwork",
            _("New physical network"),
            "plus",
            form=Form(
                ("name", "zoneid", "vlan"),
                more=(
                    "isolationmethods",
                    F("tags", label=_("Tags")),
                    "broadcastdomainrange",
                    "networkspeed",
                ),
            ),
        ),
    ),
    tabs=(Related("traffictypes", "physicalnetworkid", preset={"physicalnetworkid": "id"}),),
)

TRAFFIC = Section(
    key="traffictypes",
    title=_("Traffic types"),
    one=_("Traffic type"),
    icon="transfer",
    list="listTrafficTypes",
    name_field="traffictype",
    state_field="",
    has_detail=False,
    admin=True,
    columns=(
        Column("traffictype", _("Traffic type"), "word"),
        Column("kvmnetworklabel", _("KVM bridge"), "mono"),
    ),
    actions=(Action("deleteTrafficType", _("Delete"), "trash", danger=True),),
    create=(
        Action(
            "addTrafficType",
            _("Add a traffic type"),
            "plus",
            form=Form(("physicalnetworkid", "traffictype", "kvmnetworklabel")),
        ),
    ),
)

SECTIONS = (NETWORKS, IPRANGES, ROUTERS, PHYSICAL, TRAFFIC)
