"""Networks as clients see them."""

from __future__ import annotations

from accounts.pinned import responses as pinned
from core.responses import Response, computed, date, flag, number, ref, text
from network.models import IpRange, Network, NetworkOffering, PhysicalNetwork, Router, TrafficType


def _services(services: dict[str, list[str]]) -> list[dict[str, object]]:
    return [
        {"name": name, "provider": [{"name": p} for p in providers]}
        for name, providers in sorted(services.items())
    ]


def owner(path: str = "account") -> tuple:
    """Account and domain of the owner, as nearly every reply has them."""
    return (
        text("account", f"{path}__name"),
        text("domainid", f"{path}__domain__uuid"),
        text("domain", f"{path}__domain__name"),
        text("domainpath", f"{path}__domain__name_path"),
    )


networkoffering = Response(
    "networkoffering",
    NetworkOffering,
    (
        text("id", "uuid"),
        pinned.comments(NetworkOffering),
        text("name"),
        text("displaytext", "display_text"),
        text("guestiptype", "guest_type"),
        text("traffictype", "traffic_type"),
        text("availability"),
        text("state"),
        flag("specifyvlan", "specify_vlan"),
        flag("specifyipranges", "specify_ip_ranges"),
        flag("conservemode", "conserve_mode"),
        flag("ispersistent", "is_persistent"),
        flag("isdefault", "is_default"),
        flag("egressdefaultpolicy", "egress_default_allow"),
        number("networkrate", "network_rate"),
        number("maxconnections", "max_connections"),
        text("internetprotocol", "internet_protocol"),
        date("created"),
        computed("tags", ("tags",), lambda tags: ",".join(tags) or None),
        computed("service", ("services",), _services, "list"),
    ),
    always={"forvpc": False},
)

network = Response(
    "network",
    Network,
    (
        text("id", "uuid"),
        pinned.tags(Network),
        pinned.comments(Network),
        pinned.icon(),
        text("name"),
        text("displaytext", "display_text"),
        text("type", "guest_type"),
        text("acltype", "acl_type"),
        text("state"),
        text("cidr"),
        text("gateway"),
        text("netmask"),
        text("ip6cidr", "ip6_cidr"),
        text("ip6gateway", "ip6_gateway"),
        text("dns1"),
        text("dns2"),
        text("ip6dns1", "ip6_dns1"),
        text("ip6dns2", "ip6_dns2"),
        text("networkdomain", "network_domain"),
        text("vlan", admin_only=True),
        number("privatemtu", "private_mtu"),
        flag("displaynetwork", "display_network"),
        flag("restartrequired", "restart_required"),
        flag("subdomainaccess", "subdomain_access"),
        date("created"),
        *ref("zone", "zone"),
        *ref("networkoffering", "offering"),
        text("networkofferingdisplaytext", "offering__display_text"),
        text("networkofferingavailability", "offering__availability"),
        flag("networkofferingconservemode", "offering__conserve_mode"),
        flag("specifyvlan", "offering__specify_vlan"),
        flag("specifyipranges", "offering__specify_ip_ranges"),
        flag("ispersistent", "offering__is_persistent"),
        flag("egressdefaultpolicy", "offering__egress_default_allow"),
        text("physicalnetworkid", "physical_network__uuid", admin_only=True),
        text("related", "uuid"),
        computed("canusefordeploy", ("state",), lambda s: s != "Destroy", "boolean"),
        computed("service", ("offering__services",), _services, "list"),
        *owner(),
    ),
    always={
        "traffictype": "Guest",
        "issystem": False,
        "isdefault": False,
        "broadcastdomaintype": "Vlan",
        "redundantrouter": False,
    },
)

vlan = Response(
    "vlan",
    IpRange,
    (
        text("id", "uuid"),
        text("startip", "start_ip"),
        text("endip", "end_ip"),
        text("startipv6", "start_ip6"),
        text("endipv6", "end_ip6"),
        text("vlan"),
        text("gateway", "network__gateway"),
        text("netmask", "network__netmask"),
        text("cidr", "network__cidr"),
        text("ip6cidr", "network__ip6_cidr"),
        text("ip6gateway", "network__ip6_gateway"),
        text("networkid", "network__uuid"),
        text("zoneid", "network__zone__uuid"),
        text("physicalnetworkid", "network__physical_network__uuid"),
    ),
    always={"forvirtualnetwork": False, "forsystemvms": False},
)

physicalnetwork = Response(
    "physicalnetwork",
    PhysicalNetwork,
    (
        text("id", "uuid"),
        text("name"),
        text("state"),
        text("vlan"),
        text("broadcastdomainrange", "broadcast_domain_range"),
        text("networkspeed", "network_speed"),
        computed("isolationmethods", ("isolation_methods",), lambda m: ",".join(m)),
        computed("tags", ("tags",), lambda tags: ",".join(tags) or None),
        *ref("zone", "zone"),
    ),
)

traffictype = Response(
    "traffictype",
    TrafficType,
    (
        text("id", "uuid"),
        text("traffictype", "type"),
        text("kvmnetworklabel", "kvm_label"),
        text("physicalnetworkid", "physical_network__uuid"),
    ),
)

router = Response(
    "router",
    Router,
    (
        text("id", "uuid"),
        pinned.comments(Router),
        computed("name", ("pk",), lambda pk: f"r-{pk}-VM"),
        text("state"),
        date("created"),
        *ref("host", "host"),
        text("hypervisor", "host__hypervisor"),
        *ref("zone", "network__zone"),
        text("dns1", "network__dns1"),
        text("dns2", "network__dns2"),
        text("gateway", "network__gateway"),
        text("guestipaddress", "network__gateway"),
        text("guestnetmask", "network__netmask"),
        text("guestnetworkid", "network__uuid"),
        text("guestnetworkname", "network__name"),
        text("networkdomain", "network__network_domain"),
        computed("version", ("applied_version",), str),
        computed("healthchecksfailed", ("problems",), bool, "boolean"),
        computed(
            "healthcheckresults",
            ("problems",),
            lambda problems: [{"checkname": "wanted state", "success": False, "details": p}
                              for p in problems],
            "list",
        ),
        *owner("network__account"),
    ),
    always={"role": "VIRTUAL_ROUTER", "isredundantrouter": False, "requiresupgrade": False},
)
