"""What a machine asks of a place: a new one, or one that starts again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from accounts.models import Account
from compute.models import AffinityGroup, VirtualMachine, VolumeAttachment
from compute.placement import DiskWish, Wanted
from compute.services.disks import DataDisk
from compute.services.offerings import Size
from core.errors import InvalidParameter
from infra.models import Cluster, Host, Pod, Zone
from network.services import addresses
from storage.models import DiskOffering, Template, Volume


@dataclass(frozen=True)
class Choice:
    """An administrator's: this host, or one in this cluster or pod."""

    host: Host | None = None
    cluster: Cluster | None = None
    pod: Pod | None = None

    def check(self, zone: Zone) -> None:
        for row in (self.host, self.cluster, self.pod):
            if row is not None and row.zone_id != zone.pk:
                kind = row._meta.verbose_name
                raise InvalidParameter(f"The chosen {kind} {row} is not in zone {zone}.")


def of_machine(
    vm: VirtualMachine,
    attachments: Sequence[VolumeAttachment],
    groups: Sequence[AffinityGroup],
    choice: Choice,
    *,
    last_host: bool = True,
    avoid: frozenset[int] = frozenset(),
    full_pods: frozenset[int] = frozenset(),
) -> Wanted:
    """``vm`` with its offering and template, ``attachments`` with their volumes."""
    return wanted(
        zone=vm.zone,
        hypervisor=vm.hypervisor,
        size=Size(vm.vcpus, vm.cpu_speed_mhz, vm.memory_mb),
        template=vm.template,
        host_tags=vm.service_offering.host_tags,
        disks=[disk_of(vm, a.volume) for a in attachments],
        groups=groups,
        choice=_where_it_can_be(vm, choice),
        owner=vm.account,
        machine=vm,
        last_host=vm.last_host if last_host else None,
        avoid=avoid,
        full_pods=full_pods,
    )


def _where_it_can_be(vm: VirtualMachine, choice: Choice) -> Choice:
    """In a Basic zone a machine's address may be its pod's alone."""
    if vm.zone.network_type != "Basic" or choice.pod is not None:
        return choice
    nics = vm.nics.filter(removed=None).select_related("address")
    pod = addresses.pod_of(nic.address for nic in nics if nic.address is not None)
    return choice if pod is None else replace(choice, pod=pod)


def wanted(
    *,
    zone: Zone,
    hypervisor: str,
    size: Size,
    template: Template | None,
    host_tags: Sequence[str],
    disks: Sequence[DiskWish],
    groups: Sequence[AffinityGroup],
    choice: Choice,
    owner: Account | None = None,
    machine: VirtualMachine | None = None,
    last_host: Host | None = None,
    avoid: frozenset[int] = frozenset(),
    full_pods: frozenset[int] = frozenset(),
) -> Wanted:
    tags = [*host_tags, *([template.tag] if template and template.tag else [])]
    return Wanted(
        zone=zone,
        hypervisor=hypervisor,
        arch=template.arch if template and not template.is_iso else "",
        vcpus=size.vcpus,
        cpu_mhz=size.cpu_mhz,
        memory_mb=size.memory_mb,
        host_tags=tuple(dict.fromkeys(tags)),
        disks=tuple(disks),
        groups=groups,
        owner=owner,
        machine=machine,
        host=choice.host,
        cluster=choice.cluster,
        pod=choice.pod,
        last_host=last_host,
        avoid=avoid,
        full_pods=full_pods,
    )


def disk_of(vm: VirtualMachine, volume: Volume) -> DiskWish:
    offering = volume.disk_offering
    kind = offering if offering is not None else vm.service_offering
    tags = offering.tags if offering is not None else vm.service_offering.storage_tags
    return DiskWish(
        size_bytes=volume.size_bytes,
        tags=tuple(tags) if volume.pool_id is None else (),
        local=kind.storage_type == "local",
        label=f"volume {volume}",
        template=volume.template,
        volume=volume,
        pool=volume.pool,
    )


def root_wish(
    size_bytes: int, service: object, offering: DiskOffering | None, template: Template
) -> DiskWish:
    """The root disk of a machine that is only asked about."""
    kind = offering or service
    tags = offering.tags if offering else service.storage_tags
    return DiskWish(
        size_bytes, tuple(tags), kind.storage_type == "local", "the root disk", template
    )


def data_wish(disk: DataDisk) -> DiskWish:
    kind = disk.offering
    local = kind.storage_type == "local"
    return DiskWish(disk.size_bytes(), tuple(kind.tags), local, f"a disk of {kind}")
