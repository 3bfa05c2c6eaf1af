"""Guest networks, their addresses and routers."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from frontend import tabs
from frontend.sections.base import Action, Column, F, Facts, Filter, Form, Related, Section, Tab
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
    TAGS,
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
        TAGS,
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
            "createNetworkPermissions",
            _("Permit accounts"),
            "user-plus",
            param="networkid",
            hidden=True,
            form=Form(
                (
                    F("accountids", label=_("Accounts"), section="accounts", admin=True),
                    F("accounts", label=_("Names of accounts of the domain")),
                    F("projectids", label=_("Projects")),
                )
            ),
        ),
        Action(
            "removeNetworkPermissions",
            _("Take back"),
            "trash",
            param="networkid",
            hidden=True,
            danger=True,
            form=Form(
                (
                    F("accounts", widget="hidden"),
                    F("accountids", widget="hidden"),
                    F("projectids", widget="hidden"),
                )
            ),
            ask=_("It can plug no more instances into the network. Those that are in it stay."),
        ),
        Action(
            "resetNetworkPermissions",
            _("Take back all permissions"),
            "trash",
            param="networkid",
            hidden=True,
            danger=True,
            ask=_("Only the owner can plug instances into the network."),
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
                    F(
                        "networkofferingid",
                        among={"state": "Enabled"},
                        among_of_users={"specifyvlan": "false"},  # VLANs are for root to give
                    ),
                ),
                more=(
                    "gateway",
                    "netmask",
                    "startip",
                    "endip",
                    "ip6cidr",
                    "ip6gateway",
                    "startipv6",
                    "endipv6",
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
        Related("instances", "networkid", preset={"networkids": "id"}),
        Related("publicips", "associatednetworkid"),
        Related("ipranges", "networkid", preset={"networkid": "id"}),
        Related("routers", "networkid"),
        Tab(
            "permissions",
            _("Permissions"),
            "frontend/tabs/permitted.html",
            tabs.permitted,
            needs="listNetworkPermissions",
            when=lambda r: r.get("acltype") == "Account",
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
    actions=(
        Action("startRouter", _("Start"), "player-play", states=("Stopped",), bulk=True),
        Action(
            "stopRouter",
            _("Stop"),
            "player-stop",
            states=("Running",),
            bulk=True,
            form=Form(("forced",)),
            ask=_("Its network has no addresses, names and way out until it is started."),
        ),
        Action(
            "rebootRouter",
            _("Reboot"),
            "refresh",
            states=("Running",),
            bulk=True,
            ask=_("Connections through it pause for a moment."),
        ),
        Action(
            "destroyRouter",
            _("Destroy"),
            "trash",
            danger=True,
            bulk=True,
            ask=_("The next instance that starts in its network has another one made."),
        ),
    ),
)

SECTIONS = (NETWORKS, ROUTERS)
