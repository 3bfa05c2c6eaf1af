"""Zones to hosts, storage pools, image stores: what the cloud is made of."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from frontend import tabs
from frontend.sections.base import (
    Action,
    Column,
    F,
    Facts,
    Filter,
    Form,
    Record,
    Related,
    Section,
    Tab,
    Text,
)
from frontend.sections.columns import (
    CLUSTER,
    ID,
    NAME,
    POD,
    STATE,
    ZONE,
    ZONE_FILTER,
    states,
)

ALLOCATION = Column("allocationstate", _("State"), "state")
CLUSTER_SHOWN = Column("clustername", _("Cluster"), to="clusters", by="clusterid")
ENABLED = (("Enabled", _("Enabled")), ("Disabled", _("Disabled")))
POD_FILTER = Filter("podid", _("Pod"), section="pods")
CLUSTER_FILTER = Filter("clusterid", _("Cluster"), section="clusters")


def _joined(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value or "")


def _enable(command: str) -> Action:
    return Action(
        command,
        _("Enable"),
        "circle-check",
        key="enable",
        states=("Disabled",),
        form=Form(fixed={"allocationstate": "Enabled"}),
    )


def _disable(command: str, ask: Text) -> Action:
    return Action(
        command,
        _("Disable"),
        "ban",
        key="disable",
        states=("Enabled",),
        form=Form(fixed={"allocationstate": "Disabled"}),
        ask=ask,
    )


SETTINGS_TAB = Tab(
    "settings",
    _("Settings"),
    "frontend/tabs/settings.html",
    tabs.settings,
    needs="listConfigurations",
)
CAPACITY_TAB = Tab(
    "capacity", _("Capacity"), "frontend/tabs/capacity.html", tabs.capacity, needs="listCapacity"
)

ZONES = Section(
    key="zones",
    title=_("Zones"),
    one=_("Zone"),
    icon="globe",
    list="listZones",
    state_field="allocationstate",
    resource_type="Zone",
    about=_(
        "A zone is a data centre, or a part of one that fails by itself. Pods, clusters and hosts are built inside it."
    ),
    columns=(
        NAME,
        ALLOCATION,
        Column("networktype", _("Network type"), "word"),
        Column("dns1", _("DNS server 1"), "mono"),
        Column("localstorageenabled", _("Local storage"), "flag"),
        Column("securitygroupsenabled", _("Security groups"), "flag", shown=False),
        Column("guestcidraddress", _("Guest CIDR"), "mono", shown=False),
    ),
    filters=(
        Filter(
            "networktype",
            _("Network type"),
            choices=(("Basic", _("Basic")), ("Advanced", _("Advanced"))),
        ),
    ),
    facts=(
        Facts(
            _("Zone"),
            (
                ID,
                Column("networktype", _("Network type"), "word"),
                Column("localstorageenabled", _("Local storage"), "flag"),
                Column("securitygroupsenabled", _("Security groups"), "flag"),
                Column("guestcidraddress", _("Guest CIDR"), "mono"),
            ),
        ),
        Facts(
            _("Names"),
            (
                Column("dns1", _("DNS server 1"), "mono"),
                Column("dns2", _("DNS server 2"), "mono"),
                Column("internaldns1", _("Internal DNS server 1"), "mono"),
                Column("internaldns2", _("Internal DNS server 2"), "mono"),
                Column("ip6dns1", _("IPv6 DNS server 1"), "mono"),
                Column("domain", _("Network domain")),
            ),
        ),
    ),
    actions=(
        Action(
            "updateZone",
            _("Edit"),
            "edit",
            primary=True,
            form=Form(
                ("name", "dns1", "dns2", "internaldns1", "internaldns2"),
                more=("ip6dns1", "ip6dns2", "guestcidraddress", "domain", "localstorageenabled"),
                prefill=True,
            ),
        ),
        _enable("updateZone"),
        _disable(
            "updateZone", _("Nothing new can be made in it by tenants. What runs keeps running.")
        ),
        Action(
            "deleteZone",
            _("Delete"),
            "trash",
            danger=True,
            ask=_("The zone is deleted. It must be empty: no pods, networks or stores."),
        ),
    ),
    create=(
        Action(
            "createZone",
            _("New zone"),
            "plus",
            form=Form(
                (
                    "name",
                    F(
                        "networktype",
                        initial="Advanced",
                        choices=(("Advanced", _("Advanced")), ("Basic", _("Basic"))),
                    ),
                    "dns1",
                    "internaldns1",
                    F("localstorageenabled", initial="true"),
                ),
                more=(
                    "dns2",
                    "internaldns2",
                    "ip6dns1",
                    "ip6dns2",
                    "guestcidraddress",
                    "domain",
                    "securitygroupenabled",
                ),
            ),
        ),
    ),
    tabs=(
        CAPACITY_TAB,
        Related("pods", "zoneid", preset={"zoneid": "id"}),
        Related("clusters", "zoneid", preset={"zoneid": "id"}),
        Related("hosts", "zoneid"),
        Related("physicalnetworks", "zoneid", preset={"zoneid": "id"}),
        Related("storagepools", "zoneid", preset={"zoneid": "id"}),
        Related("imagestores", "zoneid", preset={"zoneid": "id"}),
        SETTINGS_TAB,
    ),
)

PODS = Section(
    key="pods",
    title=_("Pods"),
    one=_("Pod"),
    icon="stack-2",
    list="listPods",
    state_field="allocationstate",
    resource_type="Pod",
    admin=True,
    about=_("A pod is a rack or a row: hosts that share a management subnet."),
    columns=(
        NAME,
        ALLOCATION,
        ZONE,
        Column("gateway", _("Gateway"), "mono"),
        Column("netmask", _("Netmask"), "mono"),
        Column("startip", _("First address"), "mono", make=lambda r: _joined(r.get("startip"))),
        Column("endip", _("Last address"), "mono", make=lambda r: _joined(r.get("endip"))),
    ),
    filters=(ZONE_FILTER,),
    facts=(
        Facts(
            _("Pod"),
            (
                ID,
                ZONE,
                Column("gateway", _("Gateway"), "mono"),
                Column("netmask", _("Netmask"), "mono"),
                Column(
                    "startip", _("First address"), "mono", make=lambda r: _joined(r.get("startip"))
                ),
                Column("endip", _("Last address"), "mono", make=lambda r: _joined(r.get("endip"))),
            ),
        ),
    ),
    actions=(
        Action(
            "updatePod",
            _("Edit"),
            "edit",
            primary=True,
            form=Form(("name", "gateway", "netmask", "startip", "endip"), prefill=True),
        ),
        _enable("updatePod"),
        _disable(
            "updatePod", _("Nothing new is placed in it by tenants. What runs keeps running.")
        ),
        Action(
            "deletePod",
            _("Delete"),
            "trash",
            danger=True,
            ask=_("The pod is deleted. It must be empty: no clusters or hosts."),
        ),
    ),
    create=(
        Action(
            "createPod",
            _("New pod"),
            "plus",
            form=Form(("name", "zoneid", "gateway", "netmask", "startip", "endip")),
        ),
    ),
    tabs=(
        CAPACITY_TAB,
        Related("clusters", "podid", preset={"podid": "id", "zoneid": "zoneid"}),
        Related("hosts", "podid"),
    ),
)


CLUSTERS = Section(
    key="clusters",
    title=_("Clusters"),
    one=_("Cluster"),
    icon="server-2",
    list="listClusters",
    state_field="allocationstate",
    resource_type="Cluster",
    admin=True,
    about=_(
        "A cluster is a set of like hosts that share storage, between which instances can move."
    ),
    columns=(
        NAME,
        ALLOCATION,
        Column("hypervisortype", _("Hypervisor")),
        POD,
        ZONE,
        Column("managedstate", _("Managed"), "state"),
        Column("cpuovercommitratio", _("CPU overcommit")),
        Column("memoryovercommitratio", _("Memory overcommit")),
        Column("arch", _("Architecture"), shown=False),
    ),
    filters=(ZONE_FILTER, POD_FILTER, Filter("hypervisor", _("Hypervisor"))),
    facts=(
        Facts(
            _("Cluster"),
            (
                ID,
                ZONE,
                POD,
                Column("hypervisortype", _("Hypervisor")),
                Column("arch", _("Architecture")),
                Column("managedstate", _("Managed"), "state"),
                Column("cpuovercommitratio", _("CPU overcommit")),
                Column("memoryovercommitratio", _("Memory overcommit")),
            ),
        ),
    ),
    actions=(
        Action(
            "updateCluster",
            _("Edit"),
            "edit",
            primary=True,
            form=Form((F("clustername", source="name"),), prefill=True),
        ),
        _enable("updateCluster"),
        _disable(
            "updateCluster",
            _("Nothing new is placed on its hosts by tenants. What runs keeps running."),
        ),
        Action(
            "deleteCluster",
            _("Delete"),
            "trash",
            danger=True,
            ask=_("The cluster is deleted. It must be empty: no hosts or storage."),
        ),
    ),
    create=(
        Action(
            "addCluster",
            _("New cluster"),
            "plus",
            form=Form(
                (
                    F("clustername"),
                    "zoneid",
                    "podid",
                    F(
                        "hypervisor",
                        initial="KVM",
                        choices=(("KVM", "KVM"), ("Simulator", "Simulator")),
                    ),
                    F("clustertype", widget="hidden", initial="CloudManaged"),
                ),
                more=("allocationstate", "arch"),
            ),
        ),
    ),
    tabs=(
        CAPACITY_TAB,
        Related(
            "hosts", "clusterid", preset={"clusterid": "id", "podid": "podid", "zoneid": "zoneid"}
        ),
        Related("storagepools", "clusterid"),
        SETTINGS_TAB,
    ),
)


def _in_maintenance(record: Record) -> Text:
    wanted = (
        "Maintenance",
        "ErrorInMaintenance",
        "PrepareForMaintenance",
        "ErrorInPrepareForMaintenance",
    )
    return "" if record.get("resourcestate") in wanted else _("The host is not in maintenance.")


HOSTS = Section(
    key="hosts",
    title=_("Hosts"),
    one=_("Host"),
    icon="server",
    list="listHosts",
    resource_type="Host",
    admin=True,
    groups=frozenset({"capacity", "stats"}),
    base={"type": "Routing"},
    about=_(
        "A host is a machine that runs instances. Adding one checks it first, by name: libvirt, virtualisation, clock, disk, bridge."
    ),
    columns=(
        NAME,
        STATE,
        Column("resourcestate", _("Use"), "state"),
        Column("cpuallocatedpercentage", _("CPU given"), "percent"),
        Column("memoryallocatedpercentage", _("Memory given"), "percent"),
        CLUSTER_SHOWN,
        ZONE,
        Column("ipaddress", _("Address"), "mono"),
        Column("hypervisor", _("Hypervisor")),
        Column("cpunumber", _("CPU cores"), "number", shown=False),
        Column("memorytotal", _("Memory"), "bytes", shown=False),
        Column("hosttags", _("Host tags"), "words", shown=False),
        Column("lastpinged", _("Last heard"), "time"),
    ),
    filters=(
        states("state", _("State"), "Up", "Down", "Disconnected", "Alert", "Connecting"),
        states("resourcestate", _("Use"), "Enabled", "Disabled", "Maintenance"),
        ZONE_FILTER,
        POD_FILTER,
        CLUSTER_FILTER,
        Filter("hypervisor", _("Hypervisor")),
    ),
    facts=(
        Facts(
            _("Host"),
            (
                ID,
                Column("ipaddress", _("Address"), "mono"),
                Column("hypervisor", _("Hypervisor")),
                Column("hypervisorversion", _("Hypervisor version")),
                Column("version", _("Agent version")),
                Column("arch", _("Architecture")),
                Column("resourcestate", _("Use"), "state"),
                Column("hosttags", _("Host tags"), "words"),
                Column("lastpinged", _("Last heard"), "time"),
            ),
        ),
        Facts(_("Belongs to"), (ZONE, POD, CLUSTER_SHOWN)),
        Facts(
            _("Capacity"),
            (
                Column("cpusockets", _("CPU sockets"), "number"),
                Column("cpunumber", _("CPU cores"), "number"),
                Column("cpuspeed", _("CPU speed"), "frequency"),
                Column("cpuallocatedpercentage", _("CPU given"), "percent"),
                Column("cpuused", _("CPU busy"), "percent"),
                Column("memorytotal", _("Memory"), "bytes"),
                Column("memoryallocatedbytes", _("Memory given, size"), "bytes"),
                Column("memoryused", _("Memory used"), "bytes"),
                Column("memoryallocatedpercentage", _("Memory given"), "percent"),
            ),
        ),
    ),
    actions=(
        Action(
            "updateHost",
            _("Edit"),
            "edit",
            primary=True,
            form=Form(("name", "hosttags"), more=("oscategoryid", "annotation"), prefill=True),
        ),
        Action(
            "updateHost",
            _("Enable"),
            "circle-check",
            key="enable",
            form=Form(fixed={"allocationstate": "Enable"}),
            unless=lambda r: (
                "" if r.get("resourcestate") == "Disabled" else _("The host is not disabled.")
            ),
        ),
        Action(
            "updateHost",
            _("Disable"),
            "ban",
            key="disable",
            form=Form(fixed={"allocationstate": "Disable"}),
            unless=lambda r: (
                "" if r.get("resourcestate") == "Enabled" else _("The host is not enabled.")
            ),
            ask=_("Nothing new is placed on it. What runs keeps running."),
        ),
        Action("reconnectHost", _("Reconnect"), "refresh"),
        Action(
            "prepareHostForMaintenance",
            _("Begin maintenance"),
            "tool",
            unless=lambda r: (
                "" if r.get("resourcestate") == "Enabled" else _("The host must be enabled.")
            ),
            ask=_(
                "Its instances move to other hosts, or stop where that cannot be; then it may be worked on."
            ),
        ),
        Action(
            "cancelHostMaintenance", _("End maintenance"), "circle-check", unless=_in_maintenance
        ),
        Action(
            "declareHostAsDegraded",
            _("Declare degraded"),
            "alert-triangle",
            unless=lambda r: (
                ""
                if r.get("state") in ("Alert", "Disconnected")
                else _("Only a host that is out of reach can be.")
            ),
            ask=_(
                "Its instances are counted as stopped and may start elsewhere. Make sure that it is really off."
            ),
        ),
        Action(
            "deleteHost",
            _("Remove"),
            "trash",
            danger=True,
            form=Form(("forced",), more=("forcedestroylocalstorage",)),
            ask=_(
                "The host leaves the cloud. It must be disabled or in maintenance, and empty unless forced."
            ),
        ),
    ),
    create=(
        Action(
            "addHost",
            _("Add a host"),
            "plus",
            form=Form(
                (
                    "zoneid",
                    "podid",
                    "clusterid",
                    F(
                        "hypervisor",
                        initial="KVM",
                        choices=(("KVM", "KVM"), ("Simulator", "Simulator")),
                    ),
                    F("url", placeholder="http://192.0.2.10"),
                    "username",
                    "password",
                ),
                more=("hosttags",),
            ),
        ),
    ),
    tabs=(
        Related("instances", "hostid"),
        Related("routers", "hostid"),
        Related("storagepools", "hostid"),
        Tab(
            "metrics",
            _("Metrics"),
            "frontend/tabs/metrics.html",
            tabs.metrics,
            needs="listHostsMetrics",
        ),
    ),
)

POOL_SCOPES = (("HOST", _("Host")), ("CLUSTER", _("Cluster")), ("ZONE", _("Zone")))

POOLS = Section(
    key="storagepools",
    title=_("Primary storage"),
    one=_("Storage pool"),
    icon="database",
    list="listStoragePools",
    resource_type="PrimaryStorage",
    admin=True,
    about=_(
        "Primary storage holds the volumes of instances: a folder of one host, or a share that a cluster or zone can reach."
    ),
    columns=(
        NAME,
        STATE,
        Column("type", _("Type")),
        Column(
            "scope",
            _("Scope"),
            make=lambda r: dict(POOL_SCOPES).get(str(r.get("scope", "")).upper(), r.get("scope")),
        ),
        Column(
            "disksizeused",
            _("Used"),
            "percent",
            make=lambda r: tabs.used_percent(r.get("disksizeused"), r.get("disksizetotal")),
        ),
        Column(
            "disksizeallocated",
            _("Given"),
            "percent",
            make=lambda r: tabs.used_percent(r.get("disksizeallocated"), r.get("disksizetotal")),
        ),
        Column("disksizetotal", _("Size"), "bytes"),
        ZONE,
        CLUSTER,
        Column("tags", _("Storage tags"), "words"),
        Column("path", _("Path"), "mono", shown=False),
    ),
    filters=(
        states("state", _("State"), "Up", "Maintenance", "Disabled"),
        Filter("scope", _("Scope"), choices=POOL_SCOPES),
        ZONE_FILTER,
        POD_FILTER,
        CLUSTER_FILTER,
    ),
    facts=(
        Facts(
            _("Storage pool"),
            (
                ID,
                Column("type", _("Type")),
                Column(
                    "scope",
                    _("Scope"),
                    make=lambda r: dict(POOL_SCOPES).get(
                        str(r.get("scope", "")).upper(), r.get("scope")
                    ),
                ),
                Column("path", _("Path"), "mono"),
                Column("ipaddress", _("Address"), "mono"),
                Column("tags", _("Storage tags"), "words"),
                Column("created", _("Created"), "date"),
            ),
        ),
        Facts(
            _("Belongs to"),
            (ZONE, POD, Column("clustername", _("Cluster"), to="clusters", by="clusterid")),
        ),
        Facts(
            _("Capacity"),
            (
                Column("disksizetotal", _("Size"), "bytes"),
                Column("disksizeused", _("Used"), "bytes"),
                Column("disksizeallocated", _("Given"), "bytes"),
                Column("overprovisionfactor", _("Overcommit")),
            ),
        ),
    ),
    actions=(
        Action(
            "updateStoragePool",
            _("Edit"),
            "edit",
            primary=True,
            form=Form(("name", F("tags")), more=("capacitybytes", "capacityiops"), prefill=True),
        ),
        Action(
            "updateStoragePool",
            _("Enable"),
            "circle-check",
            key="enable",
            states=("Disabled",),
            form=Form(fixed={"enabled": "true"}),
        ),
        Action(
            "updateStoragePool",
            _("Disable"),
            "ban",
            key="disable",
            states=("Up",),
            form=Form(fixed={"enabled": "false"}),
            ask=_("No new volume is put there. Those that are stay."),
        ),
        Action(
            "enableStorageMaintenance",
            _("Begin maintenance"),
            "tool",
            states=("Up",),
            ask=_("The instances with volumes on it are stopped first."),
        ),
        Action(
            "cancelStorageMaintenance",
            _("End maintenance"),
            "circle-check",
            states=("Maintenance",),
        ),
        Action(
            "deleteStoragePool",
            _("Remove"),
            "trash",
            danger=True,
            ask=_("The pool leaves the cloud. It must hold no volumes."),
        ),
    ),
    create=(
        Action(
            "createStoragePool",
            _("Add primary storage"),
            "plus",
            form=Form(
                (
                    "name",
                    "zoneid",
                    F("scope", choices=POOL_SCOPES, initial="CLUSTER"),
                    "podid",
                    "clusterid",
                    F("url", placeholder="file:///srv/cloudportal"),
                ),
                more=(
                    F("hypervisor", choices=(("KVM", "KVM"), ("Simulator", "Simulator"))),
                    F("tags"),
                    "provider",
                    "details",
                ),
            ),
        ),
    ),
    tabs=(Related("volumes", "storageid"), SETTINGS_TAB),
)

STORES = Section(
    key="imagestores",
    title=_("Secondary storage"),
    one=_("Image store"),
    icon="archive",
    list="listImageStores",
    resource_type="ImageStore",
    admin=True,
    state_field="",
    about=_(
        "Secondary storage holds templates, ISOs and snapshots, apart from the disks of instances."
    ),
    columns=(
        NAME,
        Column("readonly", _("Read only"), "flag"),
        Column("providername", _("Provider")),
        Column("protocol", _("Protocol")),
        Column("url", _("URL"), "mono"),
        Column(
            "disksizeused",
            _("Used"),
            "percent",
            make=lambda r: tabs.used_percent(r.get("disksizeused"), r.get("disksizetotal")),
        ),
        Column("disksizetotal", _("Size"), "bytes"),
        ZONE,
    ),
    filters=(ZONE_FILTER,),
    facts=(
        Facts(
            _("Image store"),
            (
                ID,
                ZONE,
                Column("providername", _("Provider")),
                Column("protocol", _("Protocol")),
                Column("url", _("URL"), "mono"),
                Column("scope", _("Scope")),
                Column("readonly", _("Read only"), "flag"),
            ),
        ),
        Facts(
            _("Capacity"),
            (
                Column("disksizetotal", _("Size"), "bytes"),
                Column("disksizeused", _("Used"), "bytes"),
            ),
        ),
    ),
    actions=(
        Action(
            "updateImageStore",
            _("Edit"),
            "edit",
            primary=True,
            form=Form(("name", "readonly"), prefill=True),
        ),
        Action(
            "deleteImageStore",
            _("Remove"),
            "trash",
            danger=True,
            ask=_("The store leaves the cloud. It must hold no templates, ISOs or snapshots."),
        ),
    ),
    create=(
        Action(
            "addImageStore",
            _("Add secondary storage"),
            "plus",
            form=Form(
                ("name", "zoneid", "provider", F("url", placeholder="file:///srv/secondary")),
                more=("details",),
            ),
        ),
    ),
    tabs=(SETTINGS_TAB,),
)

SYSTEMVMS = Section(
    key="systemvms",
    title=_("System VMs"),
    one=_("System VM"),
    icon="server-bolt",
    list="listSystemVms",
    admin=True,
    has_detail=False,
    about=_(
        "Machines that do the cloud's own work, such as console proxies and image transfers. The quick shape needs none."
    ),
    columns=(
        NAME,
        STATE,
        Column("systemvmtype", _("Type"), "word"),
        Column("hostname", _("Host"), to="hosts", by="hostid"),
        ZONE,
        Column("publicip", _("Public address"), "mono"),
        Column("privateip", _("Private address"), "mono"),
    ),
)

CONSOLES = Section(
    key="consolesessions",
    title=_("Console sessions"),
    one=_("Console session"),
    icon="screen-share",
    list="listConsoleSessions",
    admin=True,
    has_detail=False,
    state_field="",
    base={"activeonly": "true"},
    name_field="virtualmachinename",
    about=_("Consoles that are open now, and by whom."),
    columns=(
        Column("virtualmachinename", _("Instance"), to="instances", by="virtualmachineid"),
        Column("kind", _("Kind"), "word"),
        Column("user", _("User"), to="users", by="userid"),
        Column("account", _("Account")),
        Column("clientaddress", _("From address"), "mono"),
        Column("hostname", _("Host"), to="hosts", by="hostid"),
        Column("acquired", _("Since"), "time"),
    ),
    actions=(
        Action(
            "endConsoleSession",
            _("End"),
            "player-stop",
            danger=True,
            bulk=True,
            ask=_("The console closes within seconds."),
        ),
    ),
)

SECTIONS = (ZONES, PODS, CLUSTERS, HOSTS, POOLS, STORES, SYSTEMVMS, CONSOLES)
