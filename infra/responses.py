"""The infrastructure as clients see it. Administrators' matters are ``admin_only``."""

from __future__ import annotations

from typing import Any

from accounts.pinned import responses as pinned
from core.responses import (
    Field,
    Response,
    computed,
    date,
    flag,
    many,
    number,
    ref,
    several,
    text,
)
from core.units import MIB
from infra.models import (
    Alert,
    Cluster,
    ConfigurationChange,
    Host,
    HostEnrolment,
    OsCategory,
    OsType,
    Pod,
    PodIpRange,
    Region,
    Zone,
)
from infra.services import capacities
from infra.services.capacity import CPU_FACTOR, MEMORY_FACTOR

capacity = Response(
    "capacity",
    None,
    (
        Field("type", "short"),
        Field("name"),
        Field("capacitytotal", "long"),
        Field("capacityused", "long"),
        Field("capacityallocated", "long"),
        Field("percentused"),
        Field("zoneid"),
        Field("zonename"),
        Field("podid"),
        Field("podname"),
        Field("clusterid"),
        Field("clustername"),
    ),
)


def _admin_text(name: str, source: str = "") -> Field:
    return text(name, source, admin_only=True)


def _flat(details: dict[str, Any]) -> dict[str, Any] | None:
    return details or None


zone = Response(
    "zone",
    Zone,
    (
        text("id", "uuid"),
        text("name"),
        pinned.tags(Zone),
        pinned.comments(Zone),
        pinned.icon(),
        text("networktype", "network_type"),
        text("type"),
        text("allocationstate", "allocation_state"),
        flag("localstorageenabled", "local_storage_enabled"),
        flag("securitygroupsenabled", "security_groups_enabled"),
        text("dhcpprovider", "dhcp_provider"),
        _admin_text("dns1"),
        _admin_text("dns2"),
        _admin_text("ip6dns1", "ip6_dns1"),
        _admin_text("ip6dns2", "ip6_dns2"),
        _admin_text("internaldns1", "internal_dns1"),
        _admin_text("internaldns2", "internal_dns2"),
        text("guestcidraddress", "guest_cidr"),
        text("domain", "network_domain"),
        text("domainid", "domain__uuid"),
        text("domainname", "domain__name"),
        computed("resourcedetails", ("details",), _flat, "map", admin_only=True),
        many("capacity", capacities.beside("zone"), capacity, group="capacity", admin_only=True),
    ),
)

podaddress = Response(
    "podaddress",
    None,
    (
        Field("id", "long"),
        Field("ipaddress"),
        Field("gateway"),
        Field("cidr"),
        Field("podid", "long"),
    ),
)


def _pod_ranges(keys: Any, caller: Any) -> dict[int, dict[str, Any]]:
    """The ranges of a page's pods; the lists that go beside each other are in one order."""
    found: dict[int, list[PodIpRange]] = {}
    for row in PodIpRange.objects.filter(pod__in=list(keys)).order_by("pk"):
        found.setdefault(row.pod_id, []).append(row)
    return {key: _range_lists(rows) for key, rows in found.items()}


def _range_lists(rows: list[PodIpRange]) -> dict[str, Any]:
    system = ["1" if r.for_system_vms else "0" for r in rows]
    vlans = [f"vlan://{r.vlan or 'untagged'}" for r in rows]
    return {
        "startip": [r.start_ip for r in rows],
        "endip": [r.end_ip for r in rows],
        "forsystemvms": system,
        "vlanid": vlans,
        "ipranges": [
            {"startip": r.start_ip, "endip": r.end_ip, "gateway": r.gateway, "cidr": r.cidr,
             "forsystemvms": kept, "vlanid": vlan}
            for r, kept, vlan in zip(rows, system, vlans, strict=True)
        ],
    }  # fmt: skip


pod = Response(
    "pod",
    Pod,
    (
        text("id", "uuid"),
        text("name"),
        pinned.comments(Pod),
        *ref("zone", "zone"),
        text("gateway"),
        text("netmask"),
        several(
            _pod_ranges,
            Field("startip", "list"),
            Field("endip", "list"),
            Field("forsystemvms", "list"),
            Field("vlanid", "list"),
            Field("ipranges", "list"),
        ),
        text("allocationstate", "allocation_state"),
        many("capacity", capacities.beside("pod"), capacity, group="capacity"),
    ),
)


def _ratio(setting: Any) -> Any:
    """The factor in force for each cluster of a page, as text ("2.0")."""

    def bulk(keys: Any, caller: Any) -> dict[int, str]:
        rows = Cluster.everything.filter(pk__in=keys)
        return {c.pk: str(setting.get(c)) for c in rows}

    return bulk


cluster = Response(
    "cluster",
    Cluster,
    (
        text("id", "uuid"),
        text("name"),
        pinned.comments(Cluster),
        *ref("zone", "zone"),
        *ref("pod", "pod"),
        text("hypervisortype", "hypervisor"),
        text("clustertype", "cluster_type"),
        text("allocationstate", "allocation_state"),
        text("managedstate", "managed_state"),
        text("arch"),
        many("cpuovercommitratio", _ratio(CPU_FACTOR)),
        many("memoryovercommitratio", _ratio(MEMORY_FACTOR)),
        many("capacity", capacities.beside("cluster"), capacity, group="capacity"),
    ),
)


def _percent(used: int | None, whole: int | None) -> str | None:
    if used is None or not whole:
        return None
    return f"{100 * used / whole:.2f}%"


def _bytes(mb: int | None) -> int | None:
    return None if mb is None else mb * MIB


def _capabilities(accelerator: str) -> str | None:
    """In CloudStack's words. Disks are copied while a guest runs under either accelerator."""
    if not accelerator:
        return None
    return "hvm,snapshot" if accelerator == "kvm" else "snapshot"


def _give(name: str, path: str, compute: Any = lambda v: v, kind: str = "long") -> Field:
    return computed(name, (path,), compute, kind, group="capacity")


def _sampled(name: str, path: str, compute: Any = lambda v: v, kind: str = "long") -> Field:
    return computed(name, (f"sample__{path}",), compute, kind, group="stats")


host = Response(
    "host",
    Host,
    (
        text("id", "uuid"),
        text("name"),
        pinned.comments(Host),
        text("state", "status"),
        text("resourcestate", "resource_state"),
        text("reason"),
        text("ipaddress", "address"),
        *ref("zone", "zone"),
        *ref("pod", "pod"),
        *ref("cluster", "cluster"),
        text("clustertype", "cluster__cluster_type"),
        text("hypervisor"),
        text("hypervisorversion", "hypervisor_version"),
        text("accelerator"),
        computed("capabilities", ("accelerator",), _capabilities),
        text("arch"),
        text("version"),
        number("cpunumber", "cpus"),
        number("cpusockets", "cpu_sockets"),
        number("cpuspeed", "cpu_speed_mhz"),
        computed("memorytotal", ("memory_mb",), _bytes, "long"),
        computed("hosttags", ("tags",), lambda tags: ",".join(tags) or None),
        computed("explicithosttags", ("tags",), lambda tags: ",".join(tags) or None),
        text("annotation"),
        date("created"),
        date("lastpinged", "last_seen"),
        date("disconnected"),
        date("removed"),
        _give("cpuwithoverprovisioning", "capacity__cpu_limit_mhz",
              lambda v: None if v is None else str(v), "string"),
        _give("cpuallocatedvalue", "capacity__cpu_used_mhz"),
        computed("cpuallocated", ("capacity__cpu_used_mhz", "capacity__cpu_limit_mhz"), _percent,
                 group="capacity"),
        computed("cpuallocatedpercentage", ("capacity__cpu_used_mhz", "capacity__cpu_limit_mhz"),
                 _percent, group="capacity"),
        computed("cpuallocatedwithoverprovisioning",
                 ("capacity__cpu_used_mhz", "capacity__cpu_limit_mhz"), _percent,
                 group="capacity"),
        _give("memorywithoverprovisioning", "capacity__memory_limit_mb",
              lambda v: None if v is None else str(v * MIB), "string"),
        _give("memoryallocated", "capacity__memory_used_mb", _bytes),
        _give("memoryallocatedbytes", "capacity__memory_used_mb", _bytes),
        computed("memoryallocatedpercentage",
                 ("capacity__memory_used_mb", "capacity__memory_limit_mb"), _percent,
                 group="capacity"),
        _sampled("cpuused", "cpu_used_percent",
                 lambda v: None if v is None else f"{v:.2f}%", "string"),
        _sampled("cpuloadaverage", "load_1m", kind="double"),
        _sampled("memoryused", "memory_used_mb", _bytes),
        _sampled("networkkbsread", "network_read_kb"),
        _sampled("networkkbswrite", "network_write_kb"),
        _sampled("machinesseen", "machines", kind="integer"),
        computed("details", ("facts",), lambda facts: facts or None, "map", group="facts"),
    ),
    always={"type": "Routing", "islocalstorageactive": True},
)  # fmt: skip

hostenrolment = Response(
    "hostenrolment",
    HostEnrolment,
    (
        text("id", "uuid"),
        text("name"),
        *ref("cluster", "cluster"),
        computed("hosttags", ("tags",), lambda tags: ",".join(tags) or None),
        date("created"),
        date("expires"),
        date("used"),
        text("hostid", "host__uuid"),
        text("hostname", "host__name"),
        Field("token", needs=(), compute=lambda: None),
    ),
)

hosttag = Response("hosttag", None, (Field("id"), Field("name"), Field("hostid")))
hypervisor = Response("hypervisor", None, (Field("name"),))
hypervisorcapabilities = Response(
    "hypervisorCapabilities",
    None,
    (
        Field("id"),
        Field("hypervisor"),
        Field("hypervisorversion"),
        Field("maxguestslimit", "long"),
        Field("maxdatavolumeslimit", "integer"),
        Field("maxhostspercluster", "integer"),
        Field("securitygroupenabled", "boolean"),
        Field("storagemotionenabled", "boolean"),
        Field("vmsnapshotenabled", "boolean"),
    ),
)

oscategory = Response(
    "oscategory",
    OsCategory,
    (
        text("id", "uuid"),
        text("name"),
        flag("isfeatured", "is_featured"),
        date("created"),
        pinned.icon(),
    ),
)

ostype = Response(
    "ostype",
    OsType,
    (
        text("id", "uuid"),
        text("description", "display_name"),
        computed("name", ("name", "display_name"), lambda name, shown: name or shown),
        text("oscategoryid", "category__uuid"),
        text("oscategoryname", "category__name"),
        flag("isuserdefined", "is_user_defined"),
        flag("fordisplay", "for_display"),
    ),
)

alert = Response(
    "alert",
    Alert,
    (
        text("id", "uuid"),
        number("type"),
        text("name"),
        text("description"),
        date("sent"),
        date("resolved"),
        number("count"),
        flag("archived"),
        date("acknowledged"),
        computed("acknowledgedby", ("acknowledged_by",), lambda name: name or None),
        text("resourcetype", "resource_type"),
        text("resourceid", "resource_uuid"),
        text("resourcename", "resource_name"),
        *ref("zone", "zone"),
        *ref("pod", "pod"),
        *ref("cluster", "cluster"),
    ),
)

alerttype = Response("alerttype", None, (Field("id"), Field("type", "short"), Field("name")))

configuration = Response(
    "configuration",
    None,
    tuple(
        Field(name)
        for name in (
            "name", "category", "group", "subgroup", "component", "value", "defaultvalue",
            "description", "displaytext", "scope", "type", "options",
            # Of our own: where the value in force was set, and what a reset would bring.
            "setfor", "setforname", "inheritedvalue", "unit",
        )
    )
    + (
        Field("isdynamic", "boolean"), Field("isset", "boolean"),
        Field("minimum", "double"), Field("maximum", "double"),
    ),
)  # fmt: skip

configurationgroup = Response(
    "configurationgroup",
    None,
    (
        Field("name"),
        Field("description"),
        Field("precedence", "long"),
        Field("subgroup", "list", of=Response(
            "configurationsubgroup", None, (Field("name"), Field("precedence", "long"))
        )),
    ),
)  # fmt: skip

configurationchange = Response(
    "configurationchange",
    ConfigurationChange,
    (
        text("id", "uuid"),
        text("name"),
        text("scope"),
        text("resourceid", "holder_uuid"),
        computed("resourcename", ("holder_name",), lambda name: name or None),
        text("oldvalue", "before"),
        text("newvalue", "after"),
        text("account", "account__name"),
        text("accountid", "account__uuid"),
        text("username", "user__username"),
        text("userid", "user__uuid"),
        date("created", "at"),
    ),
)

infrastructure = Response(
    "infrastructure",
    None,
    tuple(
        Field(name, "integer")
        for name in (
            "zones", "pods", "clusters", "hosts", "cpusockets", "storagepools", "imagestores",
            "systemvms", "routers", "ilbvms", "alerts", "managementservers", "objectstores",
            "backuprepositories",
        )
    ),
)  # fmt: skip

managementserver = Response(
    "managementserver",
    None,
    (
        Field("id"),
        Field("name"),
        Field("state"),
        Field("version"),
        Field("kernelversion"),
        Field("osdistribution"),
        Field("lastserverstart", "date"),
        Field("lastboottime", "date"),
        Field("pendingjobscount", "long"),
        Field("agentscount", "long"),
        Field("ipaddress"),
    ),
)

region = Response(
    "region",
    Region,
    (
        number("id", "number"),
        text("name"),
        text("endpoint"),
        flag("portableipserviceenabled", "portable_ips_enabled"),
        computed("gslbserviceenabled", ("number",), lambda _number: False, "boolean"),
    ),
)
