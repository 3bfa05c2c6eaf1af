"""Networks as clients see them."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from accounts.owners import owner
from accounts.pinned import responses as pinned
from core.responses import Field, Response, computed, date, flag, number, ref, several, text
from network.models import (
    DedicatedVlanRange,
    InternalLbElement,
    IpRange,
    Network,
    NetworkOffering,
    NetworkPermission,
    NetworkServiceProvider,
    PhysicalNetwork,
    PortableIpRange,
    ProviderElement,
    PublicIp,
    Router,
    StorageIpRange,
    TrafficType,
)


def _services(services: dict[str, list[str]]) -> list[dict[str, object]]:
    return [
        {"name": name, "provider": [{"name": p} for p in providers]}
        for name, providers in sorted(services.items())
    ]


def _for_whom() -> tuple:
    """Account (or project) and domain that something is kept for."""
    return (
        computed("account", ("account__name", "account__project__uuid"), _unless_project),
        text("projectid", "account__project__uuid"),
        text("project", "account__project__name"),
        text("domainid", "domain__uuid"),
        text("domain", "domain__name"),
        text("domainpath", "domain__name_path"),
    )


def _unless_project(name: str | None, project: object) -> str | None:
    return None if project else name


def _vlan_uri(vlan: str) -> str:
    return f"vlan://{vlan or 'untagged'}"


def _cidr(gateway: str | None, netmask: str) -> str | None:
    if not gateway or not netmask:
        return None
    return str(ipaddress.IPv4Network(f"{gateway}/{netmask}", strict=False))


_BROADCAST = ("vlan", "physical_network__isolation_methods")


def _broadcast_type(vlan: str, methods: list[str] | None) -> str:
    return "Vxlan" if "VXLAN" in (methods or ()) else "Vlan"


def _broadcast_uri(vlan: str, methods: list[str] | None) -> str | None:
    return f"{_broadcast_type(vlan, methods).lower()}://{vlan}" if vlan else None


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
        computed("broadcasturi", _BROADCAST, _broadcast_uri, admin_only=True),
        computed("broadcastdomaintype", _BROADCAST, _broadcast_type),
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
        computed("vlan", ("vlan",), _vlan_uri),
        text("gateway"),
        text("netmask"),
        computed("cidr", ("gateway", "netmask"), _cidr),
        text("ip6cidr", "ip6_cidr"),
        text("ip6gateway", "ip6_gateway"),
        computed("forvirtualnetwork", ("network_id",), lambda n: n is None, "boolean"),
        flag("forsystemvms", "for_system_vms"),
        *ref("network", "network"),
        *ref("zone", "zone"),
        *ref("pod", "pod"),
        text("physicalnetworkid", "physical_network__uuid"),
        *_for_whom(),
    ),
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


def _public_addresses(keys: Sequence[int], caller: object) -> dict[int, dict[str, str]]:
    """By which address the networks of a page's routers go out."""
    rows = PublicIp.objects.filter(is_source_nat=True, network__router__in=list(keys))
    found = list(rows.values_list("network__router", "address", "ip_range"))
    # Asked apart: joined, MariaDB begins with the few ranges and reads all their addresses.
    ranges = IpRange.objects.filter(pk__in={range_key for _router, _address, range_key in found})
    netmasks = dict(ranges.values_list("pk", "netmask"))
    return {
        key: {"publicip": address, "publicnetmask": netmasks[range_key]}
        for key, address, range_key in found
    }


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
        several(_public_addresses, Field("publicip"), Field("publicnetmask")),
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

isolationmethod = Response("isolationmethod", None, (Field("name"),))

traffictypeimplementor = Response(
    "traffictypeimplementorresponse",
    None,
    (Field("traffictype"), Field("traffictypeimplementor")),
)

networkserviceprovider = Response(
    "networkserviceprovider",
    NetworkServiceProvider,
    (
        text("id", "uuid"),
        text("name"),
        text("state"),
        text("physicalnetworkid", "physical_network__uuid"),
        computed("servicelist", ("services",), list, "list"),
        computed("canenableindividualservice", (), lambda: True, "boolean"),
    ),
)

virtualrouterelement = Response(
    "virtualrouterelement",
    ProviderElement,
    (text("id", "uuid"), text("nspid", "provider__uuid"), flag("enabled")),
)

internalloadbalancerelement = Response(
    "internalloadbalancerelement",
    InternalLbElement,
    (text("id", "uuid"), text("nspid", "provider__uuid"), flag("enabled")),
)

networkservice = Response(
    "networkservice",
    None,
    (Field("name"), Field("provider", "list"), Field("capability", "list")),
)

publicipaddress = Response(
    "publicipaddress",
    PublicIp,
    (
        text("id", "uuid"),
        text("ipaddress", "address"),
        text("state"),
        date("allocated"),
        flag("issourcenat", "is_source_nat"),
        flag("fordisplay", "display", admin_only=True),
        flag("forsystemvms", "ip_range__for_system_vms", admin_only=True),
        *ref("zone", "ip_range__zone"),
        text("vlanid", "ip_range__uuid", admin_only=True),
        computed("vlanname", ("ip_range__vlan",), _vlan_uri, admin_only=True),
        text("physicalnetworkid", "ip_range__physical_network__uuid", admin_only=True),
        *ref("associatednetwork", "network"),
        *owner(),
        pinned.tags(PublicIp),
        pinned.comments(PublicIp),
    ),
    always={
        "forvirtualnetwork": True,
        "isstaticnat": False,
        "issystem": False,
        "isportable": False,
        "hasrules": False,
    },
)

storagenetworkiprange = Response(
    "storagenetworkiprange",
    StorageIpRange,
    (
        text("id", "uuid"),
        text("startip", "start_ip"),
        text("endip", "end_ip"),
        text("gateway"),
        text("netmask"),
        number("vlan"),
        *ref("pod", "pod"),
        *ref("zone", "pod__zone"),
    ),
)

portableiprange = Response(
    "portableiprange",
    PortableIpRange,
    (
        text("id", "uuid"),
        text("startip", "start_ip"),
        text("endip", "end_ip"),
        text("gateway"),
        text("netmask"),
        computed("vlan", ("vlan",), _vlan_uri),
        number("regionid", "region__number"),
    ),
)

dedicatedguestvlanrange = Response(
    "dedicatedguestvlanrange",
    DedicatedVlanRange,
    (
        text("id", "uuid"),
        computed("guestvlanrange", ("first", "last"), lambda a, b: f"{a}-{b}"),
        # Numbers in CloudStack's reply, and typed clients insist on it.
        number("physicalnetworkid", "physical_network_id"),
        number("zoneid", "physical_network__zone_id"),
        *owner(),
    ),
)

guestvlan = Response(
    "guestvlan",
    None,
    (
        Field("id", "long"),
        Field("vlan"),
        Field("allocationstate"),
        Field("isdedicated", "boolean"),
        Field("taken", "date"),
        Field("physicalnetworkid"),
        Field("physicalnetworkname"),
        Field("zoneid"),
        Field("zonename"),
        Field("account"),
        Field("projectid"),
        Field("project"),
        Field("domainid"),
        Field("domain"),
        Field("domainpath"),
        Field("network", "list"),
    ),
)

networkpermission = Response(
    "networkpermission",
    NetworkPermission,
    (
        text("networkid", "network__uuid"),
        text("accountid", "account__uuid"),
        computed("account", ("account__name", "account__project__uuid"), _unless_project),
        text("projectid", "account__project__uuid"),
        text("project", "account__project__name"),
        text("domainid", "account__domain__uuid"),
        text("domain", "account__domain__name"),
    ),
)
