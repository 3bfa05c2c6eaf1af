"""Regions, zones, pods, clusters, hosts, settings and guest systems."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import Account
from infra.models import (
    Cluster,
    ConfigurationChange,
    Host,
    HostEnrolment,
    OsCategory,
    OsType,
    Pod,
    Region,
    Zone,
)
from infra.models.enrolment import digest
from infra.services import capacity
from tests.factories.accounts import admin, make_account
from tests.factories.basics import unique


def make_region(number: int = 0, name: str = "") -> Region:
    number = number or Region.everything.count() + 100
    return Region.objects.create(
        number=number, name=name or unique("region"), endpoint="https://region.example/client/api"
    )


def make_zone(name: str = "", **fields) -> Zone:
    fields = {"network_type": "Advanced", "dns1": "8.8.8.8", "internal_dns1": "8.8.8.8", **fields}
    return Zone.objects.create(
        name=name or unique("zone"), local_storage_enabled=True, **fields
    )


def make_pod(zone: Zone | None = None, name: str = "", **fields) -> Pod:
    return Pod.objects.create(zone=zone or make_zone(), name=name or unique("pod"), **fields)


def make_cluster(
    pod: Pod | None = None, name: str = "", *, zone: Zone | None = None, **fields
) -> Cluster:
    pod = pod or make_pod(zone)
    fields = {"hypervisor": "Simulator", **fields}
    return Cluster.objects.create(
        zone=pod.zone, pod=pod, name=name or unique("cluster"), **fields
    )


def make_host(
    cluster: Cluster | None = None, name: str = "", *, zone: Zone | None = None, **fields
) -> Host:
    """A simulated host that is Up, with its capacity row. Calls to it need the ``world``
    fixture."""
    cluster = cluster or make_cluster(zone=zone)
    fields = {
        "status": "Up", "cpus": 16, "cpu_sockets": 1, "cpu_speed_mhz": 2000, "memory_mb": 65536,
        "accelerator": "simulated", "address": "127.0.0.1", **fields,
    }  # fmt: skip
    host = Host.objects.create(
        zone=cluster.zone,
        pod=cluster.pod,
        cluster=cluster,
        name=name or unique("host"),
        hypervisor=cluster.hypervisor,
        link="simulated",
        **fields,
    )
    capacity.set_totals(host)
    return host


def make_host_enrolment(
    cluster: Cluster | None = None, account: Account | None = None
) -> HostEnrolment:
    """Leave for a machine to join; its token is not kept."""
    return HostEnrolment.objects.create(
        cluster=cluster or make_cluster(hypervisor="KVM"),
        account=account or make_account(),
        token_hash=digest(unique("token")),
        expires=timezone.now() + timedelta(hours=1),
    )


def make_configuration_change(account: Account) -> ConfigurationChange:
    """As if an administrator had set something for the account."""
    return ConfigurationChange.objects.create(
        name="allow.user.view.destroyed.vm", scope="Account", holder=account.pk,
        holder_uuid=account.uuid, holder_name=account.name, after="true", account=admin().account,
        user=admin(),
    )  # fmt: skip


def make_os_type(name: str = "", category: str = "Other") -> OsType:
    found, _ = OsCategory.objects.get_or_create(name=category)
    return OsType.objects.create(display_name=name or unique("Other Linux"), category=found)
