"""Of what a zone is made: one command after another, each from the wizard's values and from
what the ones before have made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from accounts.caller import Caller
from api.dispatch import execute
from core.commands import COMMANDS
from frontend.zones.fields import KINDS, TRAFFIC, WIRES, Kind, Values

Record = Mapping[str, Any]


class Missing(Exception):
    """What this part builds on has not been made."""


class NotHere(Exception):
    """There is nothing of the kind in this cloud: the part is left out."""


@dataclass
class Site:
    """Where a zone is being built: by whom, from what values, and the ids of what is there."""

    caller: Caller
    values: Values
    ids: dict[str, str]

    def id(self, part: str) -> str:
        if part not in self.ids:
            raise Missing(part)
        return self.ids[part]

    def read(self, command: str, **params: Any) -> list[dict[str, Any]]:
        return execute(self.caller, command, params).records or []

    def one(self, command: str, **params: Any) -> str:
        """The id of the first record. Raises NotHere when there is none."""
        found = self.read(command, **params) if command in COMMANDS else []
        if not found:
            raise NotHere
        return str(found[0]["id"])


@dataclass(frozen=True)
class Part:
    """One command. ``group`` is the step of the wizard it belongs to; ``at`` says which of its
    parameters come from which field. ``undo`` and ``seen`` are the commands that remove what
    it made and list it."""

    key: str
    group: str
    title: str
    command: str
    params: Callable[[Site], dict[str, Any]]
    undo: str = ""
    seen: str = ""
    at: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_there(self) -> bool:
        """This cloud has the command."""
        return self.command in COMMANDS


def parts(kind: Kind, values: Values) -> list[Part]:
    """All that is to be done for these values, in order."""
    found = [
        _zone(kind, values),
        *_wires(kind, values),
        *_guest(kind, values),
        *_ranges(kind, values),
        *_machines(values),
        *_storage(values),
        _enable(),
    ]
    return [part for part in found if part.is_there]


def of(draft: Any) -> list[Part]:
    return parts(KINDS[draft.kind], draft.values)


def _send(values: Values, at: Mapping[str, str]) -> dict[str, str]:
    """Parameters from fields; what was left empty is not sent."""
    found = {param: values.get(name, "").strip() for param, name in at.items()}
    return {param: value for param, value in found.items() if value}


# -- the zone and its wires ---------------------------------------------------------------


def _zone(kind: Kind, values: Values) -> Part:
    names = (
        "name", "dns1", "dns2", "internaldns1", "internaldns2", "ip6dns1", "ip6dns2", "domain",
        "guestcidraddress", "localstorageenabled",
    )  # fmt: skip
    at = {n: n for n in names}
    return Part(
        "zone", "zone", _("Zone %(name)s") % {"name": values.get("name", "")}, "createZone",
        lambda site: {**kind.zone, **_send(values, at), "allocationstate": "Disabled"},
        "deleteZone", "listZones", at,
    )  # fmt: skip


def wires(values: Values) -> list[str]:
    """The numbers of the physical networks there are to be."""
    return [n for n in WIRES if values.get(f"wire{n}", "").strip()]


def carried(kind: Kind, values: Values, wire: str) -> list[str]:
    """The traffic of one physical network."""
    return [t for t in (*kind.traffic, "Storage") if values.get(f"{t.lower()}wire", "") == wire]


def _wires(kind: Kind, values: Values) -> Iterator[Part]:
    for n in wires(values):
        yield _wire(kind, values, n)
        for traffic in carried(kind, values, n):
            yield _traffic(values, n, traffic)
        yield Part(
            f"open{n}", "wires", _("Enable %(name)s") % {"name": values[f"wire{n}"]},
            "updatePhysicalNetwork",
            lambda site, n=n: {"id": site.id(f"wire{n}"), "state": "Enabled"},
        )  # fmt: skip
        if "Guest" in carried(kind, values, n):
            yield from _providers(kind, n)


def _wire(kind: Kind, values: Values, n: str) -> Part:
    at = {"name": f"wire{n}"}
    if not kind.is_flat:
        at |= {"isolationmethods": f"isolation{n}", "vlan": f"range{n}"}
    return Part(
        f"wire{n}", "wires", _("Physical network %(name)s") % {"name": values[f"wire{n}"]},
        "createPhysicalNetwork",
        lambda site: {"zoneid": site.id("zone"), **_send(values, at)},
        "deletePhysicalNetwork", "listPhysicalNetworks", at,
    )  # fmt: skip


def _traffic(values: Values, n: str, traffic: str) -> Part:
    label = "kvmnetworklabel"
    at = {label: f"{traffic.lower()}label", "traffictype": f"{traffic.lower()}wire"}
    return Part(
        f"{traffic.lower()}-on-{n}", "traffic",
        _("%(traffic)s traffic on %(name)s")
        % {"traffic": TRAFFIC[traffic], "name": values[f"wire{n}"]},
        "addTrafficType",
        lambda site: {
            "physicalnetworkid": site.id(f"wire{n}"),
            "traffictype": traffic,
            **_send(values, {label: at[label]}),
        },
        "deleteTrafficType", "listTrafficTypes", at,
    )  # fmt: skip


_PROVIDERS = ("VirtualRouter", "VpcVirtualRouter", "InternalLbVm", "ConfigDrive")
_FLAT_PROVIDERS = ("VirtualRouter", "ConfigDrive", "SecurityGroupProvider")
#: Which providers do their work with machines of their own, and the commands about those.
_ELEMENTS = {
    "VirtualRouter": "VirtualRouterElement", "VpcVirtualRouter": "VirtualRouterElement",
    "InternalLbVm": "InternalLoadBalancerElement",
}  # fmt: skip


def _providers(kind: Kind, n: str) -> Iterator[Part]:
    """Each is configured, where it has an element, then enabled."""
    for name in _FLAT_PROVIDERS if kind.is_flat else _PROVIDERS:
        element = _ELEMENTS.get(name, "")
        if element:
            yield Part(
                f"{name}-element-{n}", "wires", _("Set up %(name)s") % {"name": name},
                f"configure{element}",
                lambda site, name=name, element=element: {
                    "id": site.one(f"list{element}s", nspid=_provider(site, n, name)),
                    "enabled": "true",
                },
            )  # fmt: skip
        yield Part(
            f"{name}-{n}", "wires", _("Enable %(name)s") % {"name": name},
            "updateNetworkServiceProvider",
            lambda site, name=name: {"id": _provider(site, n, name), "state": "Enabled"},
        )  # fmt: skip


def _provider(site: Site, n: str, name: str) -> str:
    return site.one(
        "listNetworkServiceProviders", physicalnetworkid=site.id(f"wire{n}"), name=name
    )


# -- addresses ------------------------------------------------------------------------------

_RANGE = ("gateway", "netmask", "startip", "endip")


def _at(prefix: str, *more: str) -> dict[str, str]:
    return {name: f"{prefix}{name}" for name in (*_RANGE, *more)}


def _guest(kind: Kind, values: Values) -> Iterator[Part]:
    pod_at = {"name": "podname", **_at("pod")}
    yield Part(
        "pod", "pod", _("Pod %(name)s") % {"name": values.get("podname", "")}, "createPod",
        lambda site: {"zoneid": site.id("zone"), **_send(values, pod_at)},
        "deletePod", "listPods", pod_at,
    )  # fmt: skip
    if not kind.is_flat:
        return
    at = {"name": "guestname", "displaytext": "guestname", **_at("guest", "vlan")}
    yield Part(
        "guest", "guest", _("Guest network %(name)s") % {"name": values.get("guestname", "")},
        "createNetwork",
        lambda site: {
            "zoneid": site.id("zone"),
            "networkofferingid": site.one(
                "listNetworkOfferings", name="DefaultSharedNetworkOfferingWithSGService"
            ),
            "acltype": "Domain", "vlan": values.get("guestvlan", "").strip() or "untagged",
            "physicalnetworkid": site.id(f"wire{values.get('guestwire', '1')}"),
            **_send(values, {p: n for p, n in at.items() if p != "vlan"}),
        },
        "deleteNetwork", "listNetworks", at,
    )  # fmt: skip


def _ranges(kind: Kind, values: Values) -> Iterator[Part]:
    if not kind.is_flat and values.get("publicstartip", "").strip():
        at = _at("public", "vlan")
        yield Part(
            "public", "public", _("Public addresses"), "createVlanIpRange",
            lambda site: {
                "zoneid": site.id("zone"),
                "physicalnetworkid": site.id(f"wire{values.get('publicwire', '1')}"),
                "forvirtualnetwork": "true", **_send(values, at),
            },
            "deleteVlanIpRange", "listVlanIpRanges", at,
        )  # fmt: skip
    if values.get("storagestartip", "").strip():
        at = _at("storage", "vlan")
        yield Part(
            "storagerange", "storage", _("Storage addresses"), "createStorageNetworkIpRange",
            lambda site: {"podid": site.id("pod"), **_send(values, at)},
            "deleteStorageNetworkIpRange", "listStorageNetworkIpRange", at,
        )  # fmt: skip


# -- machines and disks ---------------------------------------------------------------------


def host_urls(values: Values) -> list[str]:
    lines = values.get("hosts", "").replace(",", "\n").split()
    return list(dict.fromkeys(lines))


def _machines(values: Values) -> Iterator[Part]:
    hypervisor = values.get("hypervisor", "")
    at = {"clustername": "clustername", "hypervisor": "hypervisor"}
    yield Part(
        "cluster", "cluster", _("Cluster %(name)s") % {"name": values.get("clustername", "")},
        "addCluster",
        lambda site: {
            "zoneid": site.id("zone"), "podid": site.id("pod"), "clustertype": "CloudManaged",
            **_send(values, at),
        },
        "deleteCluster", "listClusters", at,
    )  # fmt: skip
    for url in host_urls(values):
        yield Part(
            f"host {url}", "hosts", _("Host %(name)s") % {"name": url}, "addHost",
            lambda site, url=url: {
                "zoneid": site.id("zone"), "podid": site.id("pod"),
                "clusterid": site.id("cluster"), "hypervisor": hypervisor, "url": url,
                **_send(values, {"hosttags": "hosttags"}),
            },
            "deleteHost", "listHosts", {"url": "hosts", "hosttags": "hosttags"},
        )  # fmt: skip


def _storage(values: Values) -> Iterator[Part]:
    at = {"name": "poolname", "url": "poolurl", "tags": "pooltags", "scope": "poolscope"}
    inside = values.get("poolscope") != "ZONE"

    def pool(site: Site) -> dict[str, Any]:
        place = {"podid": site.id("pod"), "clusterid": site.id("cluster")} if inside else {}
        return {
            "zoneid": site.id("zone"), "hypervisor": values.get("hypervisor", ""), **place,
            **_send(values, at),
        }  # fmt: skip

    yield Part(
        "pool", "primary", _("Primary storage %(name)s") % {"name": values.get("poolname", "")},
        "createStoragePool", pool, "deleteStoragePool", "listStoragePools", at,
    )  # fmt: skip
    store_at = {"name": "storename", "provider": "storeprovider", "url": "storeurl"}

    def store(site: Site) -> dict[str, Any]:
        site.id("cluster")  # which shares will do depends on the hosts that are to reach them
        return {"zoneid": site.id("zone"), **_send(values, store_at)}

    yield Part(
        "store", "secondary",
        _("Secondary storage %(name)s") % {"name": values.get("storename", "")}, "addImageStore",
        store, "deleteImageStore", "listImageStores", store_at,
    )  # fmt: skip


def _enable() -> Part:
    return Part(
        "enable", "zone", _("Enable the zone"), "updateZone",
        lambda site: {"id": site.id("zone"), "allocationstate": "Enabled"},
    )  # fmt: skip
