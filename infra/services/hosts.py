"""Hosts: added after a preflight, changed, taken away when nothing runs on them."""

from __future__ import annotations

import ipaddress
import socket
import uuid as uuids
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from accounts.caller import Caller
from core import live
from core.errors import InvalidParameter, NotAllowedInState
from core.steps import Plan
from infra import agents, jobs
from infra.models import Cluster, Host, Pod, Zone
from infra.services import checks, clusters
from infra.services.removal import take_away
from infra.services.usage import refuse_if_used
from jobs.submit import submit


@dataclass(frozen=True)
class Where:
    """How a machine is reached, read from the URL of addHost. ``machine`` is known beforehand
    of simulated ones: their URL is what they are."""

    link: str
    name: str
    address: str
    machine: str | None = None


def add(
    caller: Caller,
    zone: Zone,
    pod: Pod,
    *,
    cluster: Cluster | None,
    cluster_name: str,
    hypervisor: str,
    url: str,
    tags: Sequence[str],
    allocation_state: str,
) -> Host:
    """Take a machine in as Connecting at once, and have a job find out whether it is fit.

    The job brings it Up, or takes the row away again and raises an alert with the checks that
    failed, so that nothing half-added stays behind.
    """
    cluster = find_cluster(zone, pod, cluster, cluster_name, hypervisor)
    where = read_url(url, cluster)
    if where.link == "local":
        _refuse_second_local()
    if where.machine:
        _refuse_twin(where)
    host = Host.objects.create(
        zone=zone,
        pod=pod,
        cluster=cluster,
        name=checks.unused_name(Host.objects.filter(zone=zone), "host", where.name),
        address=where.address,
        link=where.link,
        machine=where.machine,
        hypervisor=cluster.hypervisor,
        arch=cluster.arch,
        tags=checks.tags(tags),
        resource_state=allocation_state,
    )
    host.move("AgentConnected", "It is being checked.")
    submit(
        Plan(jobs.add_host, host),
        account=caller.account,
        user=caller.user,
        command="addHost",
        event_type="HOST.CONNECT",
        correlation_id=caller.correlation_id,
    )
    return host


def find_cluster(
    zone: Zone, pod: Pod, cluster: Cluster | None, name: str, hypervisor: str
) -> Cluster:
    """The cluster meant by reference or by name, of the hypervisor that was said."""
    if pod.zone_id != zone.pk:
        raise InvalidParameter(f"Pod {pod} is not in zone {zone}.")
    if cluster is None and not name:
        raise InvalidParameter("Say which cluster the host joins: clusterid or clustername.")
    if cluster is None:
        cluster = Cluster.objects.filter(pod=pod, name=name).first()
        if cluster is None:
            raise InvalidParameter(f"Pod {pod} has no cluster named {name}.")
    if cluster.pod_id != pod.pk:
        raise InvalidParameter(f"Cluster {cluster} is not in pod {pod}.")
    if clusters.hypervisor(hypervisor) != cluster.hypervisor:
        raise InvalidParameter(
            f"Cluster {cluster} is for {cluster.hypervisor} hosts, not {hypervisor}."
        )
    return cluster


def read_url(url: str, cluster: Cluster) -> Where:
    """``http://name`` or a bare name or address. A machine that is neither this one nor
    simulated joins by itself, with its agent."""
    text = url if "//" in url else f"http://{url}"
    try:
        parts = urlsplit(text)
        address, path = parts.hostname or "", parts.path.strip("/")
    except ValueError:
        address, path = "", ""
    if not address:
        raise InvalidParameter(f"“{url}” names no machine; write http://name or an address.")
    if cluster.hypervisor == "Simulator":
        return _simulated(address, path, cluster.zone)
    if is_this_machine(address):
        return Where("local", address, address)
    raise InvalidParameter(
        f"{address} is not the machine the portal runs on. Other machines join by their agent: "
        "createHostEnrolment gives the one-time token it starts with."
    )


def _simulated(address: str, path: str, zone: Zone) -> Where:
    """``http://sim/c0/h0`` is host sim-c0-h0. The same URL in the same zone is the same machine,
    also when it was taken away meanwhile; its address is made up, and as lasting."""
    steps = [address, *filter(None, path.split("/"))]
    machine = uuids.uuid5(zone.uuid, "/".join(steps))
    a, b, c = machine.bytes[:3]
    return Where("simulated", "-".join(steps), f"172.{16 + a % 16}.{b}.{1 + c % 254}", str(machine))


def _refuse_twin(where: Where) -> None:
    twin = Host.objects.filter(machine=where.machine).first()
    if twin is not None:
        raise InvalidParameter(f"This machine is host {twin} already (zone {twin.zone}).")


def is_this_machine(address: str) -> bool:
    """Whether ``address`` is a name or an address of this machine; asks no name server."""
    if address.lower() in ("localhost", socket.gethostname().lower(), socket.getfqdn().lower()):
        return True
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        return False
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            # Only an address of this machine can be bound.
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _refuse_second_local() -> None:
    here = Host.objects.filter(link="local").first()
    if here is not None:
        raise InvalidParameter(f"This machine is host {here} already (zone {here.zone}).")
    if settings.VIRT == "simulator" and not agents.has_local():
        raise InvalidParameter(
            "The portal was started without a hypervisor on this machine "
            "(CLOUDPORTAL_VIRT); start it with one, or add hosts of the Simulator."
        )


def check(cluster: Cluster, url: str) -> Plan:
    """Whether a machine could become a host of the cluster: a job whose step shows each
    check, and which fails with those that do not hold."""
    where = read_url(url, cluster)
    fields = {
        "name": where.name,
        "machine": where.machine,
        "address": where.address,
        "link": where.link,
        "hypervisor": cluster.hypervisor,
    }
    return Plan(jobs.inspect_machine, cluster, args={"host_fields": fields})


def update(
    host: Host,
    *,
    name: str | None = None,
    tags: Sequence[str] | None = None,
    allocation: str | None = None,
    annotation: str | None = None,
) -> Host:
    """``allocation`` is Enable or Disable: whether new machines may be placed here."""
    if name is not None:
        host.name = checks.unused_name(Host.objects.filter(zone=host.zone), "host", name, host)
    if tags is not None:
        host.tags = checks.tags(tags)
    if annotation is not None:
        host.annotation = annotation
    host.save(update_fields=["name", "tags", "annotation"])
    if allocation is not None:
        host.move_resource(allocation)
    live.changed(host)
    return host


def reconnect(host: Host) -> Plan:
    """Ask the host anew what it is; it is Connecting meanwhile."""
    if host.status == "Connecting":
        raise NotAllowedInState(f"Host {host} is connecting already; wait for its job.")
    host.move("AgentConnected", "It is being connected again.")
    return Plan(jobs.reconnect_host, host)


def delete(host: Host, *, forced: bool) -> None:
    """Refused (InUse) while machines run or pools lie there, whatever ``forced`` says; it only
    takes away a host that is still being added."""
    if host.status == "Connecting" and not forced:
        raise NotAllowedInState(f"Host {host} is connecting; wait for its job, or use forced.")
    refuse_if_used(host)
    take_away(host)
