"""Zones, pods, clusters: where things are."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from frontend import dedicated, load, tabs
from frontend.sections.base import (
    Action,
    Column,
    F,
    Facts,
    Filter,
    Form,
    Related,
    Section,
    Tab,
    Text,
)
from frontend.sections.columns import ID, NAME, POD, TAGS, ZONE, ZONE_FILTER
from frontend.sections.mocks import MOCKS_TAB, mocking

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
    operates=True,
)

DEDICATED_TAB = Tab(
    "dedicated", _("Dedicated"), "frontend/tabs/dedicated.html", dedicated.tab,
    needs="listDedicatedZones",
)  # fmt: skip


def dedication(kind: str, param: str) -> tuple[Action, Action]:
    """Buttons of a zone, pod, cluster or host: for one domain or account alone, and back."""
    return (
        Action(
            f"dedicate{kind}", _("Dedicate"), "lock", param=param, hidden=True,
            form=Form(("domainid", "account")),
            ask=_("Only instances of this domain, or of this account of it, are placed there."),
        ),
        Action(
            f"releaseDedicated{kind}", _("Release"), "lock-open", param=param, hidden=True,
            ask=_("Everybody’s instances may be placed there again."),
        ),
    )  # fmt: skip


#: What is used and given away, as its hosts last said.
LOAD_TAB = Tab("load", _("Load"), "frontend/tabs/load.html", load.tab, needs="listHostsMetrics")

CAPACITY_TAB = Tab(
    "capacity", _("Capacity"), "frontend/tabs/capacity.html", tabs.capacity, needs="listCapacity"
)

ZONES = Section(
    key="zones",
    title=_("Zones"),
    one=_("Zone"),
    icon="globe",
    list="listZones",
    card="frontend/cards/zone.html",
    banner="frontend/zones/drafts.html",
    state_field="allocationstate",
    resource_type="Zone",
    about=_(
        "A zone is a data centre, or a part of one that fails by itself. Pods, clusters and hosts "
        "are built inside it."
    ),
    columns=(
        NAME,
        ALLOCATION,
        Column("networktype", _("Network type"), "word"),
        Column("dns1", _("DNS server 1"), "mono"),
        Column("localstorageenabled", _("Local storage"), "flag"),
        Column("securitygroupsenabled", _("Security groups"), "flag", shown=False),
        Column("guestcidraddress", _("Guest CIDR"), "mono", shown=False),
        TAGS,
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
        *dedication("Zone", "zoneid"),
        *mocking("zoneid"),
        Action(
            "deleteZone",
            _("Delete"),
            "trash",
            danger=True,
            ask=_("The zone is deleted. It must be empty: no pods, networks or stores."),
        ),
    ),
    create=(
        Action("createZone", _("New zone"), "plus", key="wizard", url="/zones/wizard"),
        Action(
            "createZone",
            _("Empty zone"),
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
        Related("systemvms", "zoneid"),
        LOAD_TAB,
        Related("publicranges", "zoneid", preset={"zoneid": "id"}),
        DEDICATED_TAB,
        MOCKS_TAB,
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
            "createManagementNetworkIpRange",
            _("Add a range"),
            "plus",
            param="podid",
            hidden=True,
            form=Form(("gateway", "netmask", "startip", "endip"), more=("forsystemvms", "vlan")),
        ),
        Action(
            "updatePodManagementNetworkIpRange",
            _("Change the range"),
            "edit",
            param="podid",
            hidden=True,
            form=Form(
                (
                    F("currentstartip", widget="hidden"),
                    F("currentendip", widget="hidden"),
                    F("newstartip", label=_("First address")),
                    F("newendip", label=_("Last address")),
                )
            ),
        ),
        Action(
            "deleteManagementNetworkIpRange",
            _("Delete the range"),
            "trash",
            param="podid",
            hidden=True,
            danger=True,
            form=Form(
                (
                    F("startip", widget="hidden"),
                    F("endip", widget="hidden"),
                    F("vlan", widget="hidden"),
                )
            ),
            ask=_("Its addresses are handed out no more. A range in use cannot be deleted."),
        ),
        Action(
            "acquirePodIpAddress",
            _("Take an address"),
            "plus",
            param="podid",
            sends={"zoneid": "zoneid"},
            hidden=True,
            ask=_("A free address is handed out, and kept for what you give it to."),
        ),
        Action(
            "releasePodIpAddress",
            _("Release the address"),
            "lock-open",
            source="-",
            hidden=True,
            form=Form((F("id", widget="hidden"),)),
            ask=_("It may be handed out again. Nothing may use it any more."),
        ),
        *dedication("Pod", "podid"),
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
        Tab(
            "ranges",
            _("Management addresses"),
            "frontend/tabs/ranges.html",
            tabs.management,
            needs="listPods",
        ),
        Related("storageranges", "podid", preset={"podid": "id"}),
        DEDICATED_TAB,
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
        *dedication("Cluster", "clusterid"),
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
        LOAD_TAB,
        DEDICATED_TAB,
        SETTINGS_TAB,
    ),
)

SECTIONS = (
    ZONES,
    PODS,
    CLUSTERS,
)
