"""What the wizard starts with: names that are free, subnets that overlap with nothing, this
machine if it is no host yet. A zone can be built without changing any of it."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Iterator

from django.conf import settings
from django.db.models import QuerySet

from frontend.zones import surroundings
from frontend.zones.fields import Kind
from infra import agents
from infra.models import Cluster, Host, Pod, Zone
from network.models import Network, PhysicalNetwork
from storage.models import ImageStore, StoragePool

_PLENTY = ipaddress.IPv4Network("172.16.0.0/12")
_ANYBODY = "9.9.9.9"  # a public name server, where this machine names none


def values(kind: Kind) -> dict[str, str]:
    """A value for each field that has a sensible one."""
    local = _this_machine_is_free()
    found = {
        "name": _free_name("zone", Zone.objects.all()),
        "hypervisor": "KVM" if local else "Simulator",
        "dns1": _name_server(), "internaldns1": _name_server(),
        "localstorageenabled": "true" if local else "",
        "wire1": _free_name("physnet", PhysicalNetwork.objects.all()),
        "isolation1": "VLAN", "range1": "" if local else "100-999",
        "isolation2": "VLAN", "isolation3": "VLAN",
        "podname": _free_name("pod", Pod.objects.all()),
        "guestname": "guest", "guestvlan": "untagged", "publicvlan": "untagged",
        "clustername": _free_name("cluster", Cluster.objects.all()),
        "hosts": "http://localhost" if local else _simulated(),
        "poolname": _free_name("primary", StoragePool.objects.all()),
        "storename": _free_name("secondary", ImageStore.objects.all()),
        **{f"{traffic.lower()}wire": "1" for traffic in kind.traffic}, "storagewire": "",
        **_subnets(kind), **_places(local),
    }  # fmt: skip
    known = {f.name for f in kind.fields}
    return {name: value for name, value in found.items() if name in known}


def _places(local: bool) -> dict[str, str]:
    """Folders of this machine, or shares that simulated hosts make believe to mount."""
    zone = Zone.everything.count() + 1
    if not local:
        return {
            "poolscope": "CLUSTER", "poolurl": f"nfs://10.147.28.6/export/primary{zone}",
            "storeprovider": "NFS", "storeurl": f"nfs://10.147.28.6/export/secondary{zone}",
        }  # fmt: skip
    return {
        "poolscope": "HOST", "poolurl": f"file://{settings.DATA / 'primary'}",
        "storeprovider": "Directory", "storeurl": f"file://{settings.DATA / 'secondary'}",
    }  # fmt: skip


def _this_machine_is_free() -> bool:
    return agents.has_local() and not Host.objects.filter(link="local").exists()


def _simulated() -> str:
    """The address of a simulated host in a cluster that none is in: ``http://sim/c3/h0``."""
    names = set(Host.objects.filter(link="simulated").values_list("name", flat=True))
    used = {name.split("-")[1] for name in names if name.startswith("sim-c")}
    number = next(n for n in range(len(used) + 1) if f"c{n}" not in used)
    return f"http://sim/c{number}/h0"


def _name_server() -> str:
    return (
        Zone.objects.order_by("-pk").values_list("dns1", flat=True).first()
        or surroundings.resolver()
        or _ANYBODY
    )


def _free_name(stem: str, rows: QuerySet) -> str:
    """``zone-2``, where zone-1 is taken."""
    taken = set(rows.filter(name__startswith=f"{stem}-").values_list("name", flat=True))
    return next(f"{stem}-{n}" for n in range(1, len(taken) + 2) if f"{stem}-{n}" not in taken)


# -- subnets that are free ------------------------------------------------------------------


def _subnets(kind: Kind) -> dict[str, str]:
    free = _free(taken())
    found = _range("pod", next(free))
    return found | _range("guest" if kind.is_flat else "public", next(free))


def _range(prefix: str, net: ipaddress.IPv4Network) -> dict[str, str]:
    """The first address is the gateway's, the tenth and those behind it are to be used."""
    base = net.network_address
    return {
        f"{prefix}gateway": str(base + 1), f"{prefix}netmask": str(net.netmask),
        f"{prefix}startip": str(base + 10), f"{prefix}endip": str(base + net.num_addresses - 6),
    }  # fmt: skip


def taken() -> list[ipaddress.IPv4Network]:
    """Networks of pods, of ranges and of this machine. Isolated networks may overlap with
    anything and are not asked for."""
    pods = Pod.objects.exclude(gateway="").values_list("gateway", "netmask")
    shared = Network.objects.filter(guest_type="Shared").exclude(cidr="")
    found = [f"{gateway}/{netmask}" for gateway, netmask in pods]
    found += shared.values_list("cidr", flat=True)
    return [*_read(found), *surroundings.networks()]


def _read(texts: Iterable[str]) -> Iterator[ipaddress.IPv4Network]:
    for text in texts:
        try:
            yield ipaddress.IPv4Network(text, strict=False)
        except ValueError:
            continue


def _free(used: list[ipaddress.IPv4Network]) -> Iterator[ipaddress.IPv4Network]:
    for net in _PLENTY.subnets(new_prefix=24):
        if not any(net.overlaps(other) for other in used):
            yield net


def suggestions() -> dict[str, list[str]]:
    """What the browser offers while one types."""
    return {"devices": surroundings.devices(), "machines": ["http://localhost", socket.getfqdn()]}
