"""The disks a new machine comes with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accounts.models import Account
from compute.models import ServiceOffering, VirtualMachine, VolumeAttachment
from compute.spec import CD_DEVICE, ROOT_DEVICE
from core.errors import InvalidParameter
from core.units import GIB, size
from infra.models import Zone
from storage.models import DiskOffering, Template, Volume
from storage.services import quota, volumes
from storage.services.quota import Share
from storage.services.volumes import check_offering

LAST_DEVICE = 23  # what a bus has letters for (vda … vdx)


@dataclass(frozen=True)
class DataDisk:
    """A data disk asked for: an offering, with a size where the offering leaves it open."""

    offering: DiskOffering
    size_gb: int | None = None
    min_iops: int | None = None
    max_iops: int | None = None

    def size_bytes(self) -> int:
        if self.offering.is_custom:
            return volumes.custom_size(self.offering, self.size_gb)
        if self.size_gb is not None and self.size_gb * GIB != self.offering.size_bytes:
            raise InvalidParameter(
                f"Disk offering {self.offering} has a fixed size of "
                f"{size(self.offering.size_bytes)}; leave the size out."
            )
        return self.offering.size_bytes


def check_data_disks(disks: Sequence[DataDisk], owner: Account, zone: Zone) -> None:
    if len(disks) > LAST_DEVICE - 1:
        raise InvalidParameter(f"A machine has at most {LAST_DEVICE - 1} data disks.")
    for disk in disks:
        check_offering(disk.offering, owner, zone)
        volumes.check_size(disk.size_bytes())


def root_size(
    template: Template,
    offering_bytes: int | None,
    root_offering: DiskOffering | None,
    asked_gb: int | None,
) -> int:
    """Bytes of the root disk: what was asked, else what the offerings say, else the image's.

    An image cannot be made smaller; a root disk that is to boot an ISO has no size of its own.
    """
    wanted = offering_bytes or 0
    if root_offering is not None:
        if root_offering.is_custom:
            wanted = volumes.custom_size(root_offering, asked_gb)
        else:
            wanted = root_offering.size_bytes
    elif asked_gb is not None:
        wanted = asked_gb * GIB
    if template.is_iso and not wanted:
        raise InvalidParameter(
            f"ISO {template} has no disk in it; give diskofferingid for the root disk."
        )
    if not template.is_iso and wanted and wanted < template.size_bytes:
        raise InvalidParameter(
            f"The root disk cannot be smaller than template {template} "
            f"({size(template.size_bytes)}); {size(wanted)} was asked for."
        )
    wanted = wanted or template.size_bytes
    volumes.check_size(wanted)
    return wanted


def shares(
    size: ServiceOffering,
    root_bytes: int,
    root_offering: DiskOffering | None,
    data: Sequence[DataDisk],
) -> list[Share]:
    """What the root disk and the data disks will count, in this order."""
    offering = root_offering or size.disk_offering
    tags = offering.tags if offering else size.storage_tags
    return [
        quota.share(Volume, root_bytes, tags),
        *(quota.share(Volume, disk.size_bytes(), disk.offering.tags) for disk in data),
    ]


def allocate_root(
    vm: VirtualMachine,
    size_bytes: int,
    root_offering: DiskOffering | None,
    counted: Mapping[str, object] | None = None,
) -> Volume:
    """``counted``: the fields of its share where that is reserved already."""
    offering = root_offering or vm.service_offering.disk_offering
    return volumes.allocate(
        vm.account,
        vm.zone,
        name=f"ROOT-{vm.pk}",
        type="ROOT",
        size_bytes=size_bytes,
        offering=offering,
        template=vm.template,
        provisioning=offering.provisioning if offering else vm.service_offering.provisioning,
        min_iops=vm.service_offering.min_iops,
        max_iops=vm.service_offering.max_iops,
        tags=vm.service_offering.storage_tags,
        counted=counted,
    )


def allocate_data(
    vm: VirtualMachine, disks: Sequence[DataDisk], counted: Sequence[Mapping[str, object]]
) -> list[Volume]:
    return [
        volumes.allocate(
            vm.account,
            vm.zone,
            name=f"DATA-{vm.pk}" + (f"-{number}" if len(disks) > 1 else ""),
            size_bytes=disk.size_bytes(),
            offering=disk.offering,
            min_iops=disk.min_iops,
            max_iops=disk.max_iops,
            counted=fields,
        )
        for number, (disk, fields) in enumerate(zip(disks, counted, strict=True))
    ]


def attach_new(
    vm: VirtualMachine, root: Volume, data: Sequence[Volume]
) -> list[VolumeAttachment]:
    devices = [n for n in range(1, LAST_DEVICE + 1) if n != CD_DEVICE]
    pairs = [(ROOT_DEVICE, root), *zip(devices, data, strict=False)]
    return VolumeAttachment.objects.bulk_create(
        VolumeAttachment(machine=vm, volume=volume, device_id=device) for device, volume in pairs
    )


def free_device(vm: VirtualMachine, wanted: int | None) -> int:
    """The device number for one more disk. Raises InvalidParameter for one that is taken."""
    taken = set(VolumeAttachment.objects.filter(machine=vm).values_list("device_id", flat=True))
    if wanted is not None:
        if not 0 <= wanted <= LAST_DEVICE or wanted == CD_DEVICE:
            raise InvalidParameter(
                f"Device {wanted} is not for disks; use 1 to {LAST_DEVICE}, but not "
                f"{CD_DEVICE}, the CD drive's."
            )
        if wanted in taken:
            raise InvalidParameter(f"Virtual machine {vm} has a disk at device {wanted} already.")
        return wanted
    for device in range(1, LAST_DEVICE + 1):
        if device not in taken and device != CD_DEVICE:
            return device
    raise InvalidParameter(f"Virtual machine {vm} has as many disks as it can have.")
