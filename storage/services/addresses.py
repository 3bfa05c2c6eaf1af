"""Where storage lies, from the address a person gives."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from core.errors import InvalidParameter
from infra.models import Cluster, Host, Pod, Zone

_POOL_TYPES = {"file": "Filesystem", "filesystem": "Filesystem",
               "sharedmountpoint": "SharedMountPoint", "nfs": "NetworkFilesystem"}  # fmt: skip
_NOT_YET = ("iscsi", "rbd", "lvm", "clvm", "gluster", "cifs", "smb", "vmfs", "presetup")


@dataclass(frozen=True)
class Place:
    type: str
    path: str
    scope: str
    location: str
    host: Host | None = None
    hypervisor: str = ""


def pool_place(
    url: str,
    zone: Zone,
    pod: Pod | None,
    cluster: Cluster | None,
    scope: str,
    hypervisor: str = "",
) -> Place:
    """``file://<host>/folder`` is local to a host (its name, address or uuid; left out, the
    cluster's only one); ``SharedMountPoint:///folder`` is mounted alike on all hosts;
    ``nfs://server/export`` is for simulated hosts, which mount nothing."""
    parts = urlsplit(url.strip())
    scheme = parts.scheme.lower()
    simulated = is_simulated(zone, cluster, hypervisor)
    if scheme in _NOT_YET or (scheme == "nfs" and not simulated):
        raise InvalidParameter(
            f"Storage pools of type {scheme} cannot be added yet; mount it on every host and "
            "add it as SharedMountPoint:///folder."
        )
    if scheme not in _POOL_TYPES:
        raise InvalidParameter(
            f"“{url}” is not the address of a storage pool; use SharedMountPoint:///folder or "
            "file://host/folder."
        )
    if cluster is not None and cluster.zone_id != zone.pk:
        raise InvalidParameter(f"Cluster {cluster} is not in zone {zone}.")
    if pod is not None and pod.zone_id != zone.pk:
        raise InvalidParameter(f"Pod {pod} is not in zone {zone}.")
    path = folder(parts.path, url)
    if _POOL_TYPES[scheme] == "Filesystem":
        return _local(parts.netloc, path, zone, cluster, scope)
    scope = _shared_scope(cluster, scope)
    if scheme == "nfs":
        location = f"nfs:{server(parts.netloc, url)}:{path}"
        return Place("NetworkFilesystem", path, scope, location, hypervisor="Simulator")
    where = cluster or zone
    return Place("SharedMountPoint", path, scope, f"{scope.lower()}:{where.uuid}:{path}")


def is_simulated(zone: Zone, cluster: Cluster | None = None, hypervisor: str = "") -> bool:
    """Whether only hosts of the Simulator will use what is added here: they mount nothing, so
    any address does for them."""
    if cluster is not None:
        return cluster.hypervisor == "Simulator"
    if hypervisor and hypervisor.lower() != "any":
        return hypervisor.lower() == "simulator"
    kinds = set(Cluster.objects.filter(zone=zone).values_list("hypervisor", flat=True))
    return kinds == {"Simulator"}


def server(netloc: str, url: str) -> str:
    """The name or address of an NFS server. Raises InvalidParameter."""
    name = netloc.rpartition("@")[2].lower()
    if not name or not all(c.isalnum() or c in "-._:[]" for c in name):
        raise InvalidParameter(f"“{url}” names no server; write nfs://server/folder.")
    return name


def _local(name: str, path: str, zone: Zone, cluster: Cluster | None, scope: str) -> Place:
    if scope and scope != "HOST":
        raise InvalidParameter(
            f"A file:// pool is local to one host, so its scope is HOST, not {scope}; for a "
            "folder that all hosts mount, use SharedMountPoint:///folder."
        )
    hosts = Host.objects.filter(zone=zone)
    if cluster is not None:
        hosts = hosts.filter(cluster=cluster)
    host = _host_named(unquote(name), hosts)
    if not zone.local_storage_enabled:
        raise InvalidParameter(
            f"Local storage is not enabled in zone {zone}; set localstorageenabled on it first."
        )
    return Place("Filesystem", path, "HOST", f"host:{host.uuid}:{path}", host)


def _host_named(name: str, hosts) -> Host:
    if name in ("", "localhost"):
        found = list(hosts[:2])
        if len(found) == 1:
            return found[0]
        raise InvalidParameter(
            "Say which host the folder is on: file://host-name/folder."
            if found
            else "There is no host yet that the folder could be on; add one first."
        )
    for host in hosts:
        if name.lower() in (host.name.lower(), host.address.lower(), str(host.uuid)):
            return host
    raise InvalidParameter(f"There is no host {name} here.")


def _shared_scope(cluster: Cluster | None, scope: str) -> str:
    scope = scope or ("CLUSTER" if cluster else "ZONE")
    if scope == "HOST":
        raise InvalidParameter("A pool of scope HOST is given as file://host/folder.")
    if scope == "CLUSTER" and cluster is None:
        raise InvalidParameter("A pool of scope CLUSTER needs clusterid.")
    if scope == "ZONE" and cluster is not None:
        raise InvalidParameter("A pool of scope ZONE is for all clusters; leave clusterid out.")
    return scope


def store_place(url: str, zone: Zone | None) -> tuple[str, str, str]:
    """(protocol, url, path) of a secondary store: ``file:///folder``, the same on every host,
    or ``nfs://server/export`` for a zone of simulated hosts, which mount nothing."""
    parts = urlsplit(url.strip())
    if parts.scheme.lower() == "nfs":
        if zone is None or not is_simulated(zone):
            raise InvalidParameter(
                "NFS shares are not mounted by the portal yet; mount the share on every host and "
                "give the folder: file:///folder."
            )
        name, path = server(parts.netloc, url), folder(parts.path, url)
        return "nfs", f"nfs://{name}{path}", f"{name}:{path}"
    if parts.scheme.lower() != "file" or parts.netloc not in ("", "localhost"):
        raise InvalidParameter(f"“{url}” is not the address of an image store; use file:///folder.")
    path = folder(parts.path, url)
    return "file", f"file://{path}", path


def folder(path: str, url: str) -> str:
    """An absolute path without tricks in it. Raises InvalidParameter."""
    plain = unquote(path)
    clean = posixpath.normpath(plain).replace("//", "/") if plain else ""
    steps = plain.split("/")
    bad = not plain.startswith("/") or ".." in steps or clean == "/" or len(clean) > 200
    if bad or any(ord(c) < 32 or c in ",'\"\\" for c in plain):
        raise InvalidParameter(f"“{url}” names no usable folder; give an absolute path.")
    return clean
