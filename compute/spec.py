"""A machine's rows as the words a host understands."""

from __future__ import annotations

from agent import protocol as p
from compute import guestdata
from compute.models import Nic, VirtualMachine, VolumeAttachment
from compute.services import filtering
from network.services import routers
from storage.models import DiskOffering, Template
from storage.services import bases, reach

ROOT_DEVICE, CD_DEVICE = 0, 3
DISK_BUSES = ("virtio", "scsi", "sata", "ide")
NIC_MODELS = ("virtio", "e1000", "rtl8139")

#: CloudStack's keyboards as QEMU's keymaps, where the names differ.
_KEYMAPS = {"us": "en-us", "uk": "en-gb", "jp": "ja"}
KEYBOARDS = (
    "de", "de-ch", "es", "fi", "fr", "fr-be", "fr-ch", "is", "it", "jp", "nl-be", "no", "pt",
    "uk", "us",
)  # fmt: skip


def attachments_of(vm: VirtualMachine) -> list[VolumeAttachment]:
    rows = VolumeAttachment.objects.filter(machine=vm).order_by("device_id")
    found = list(rows.select_related("volume__pool", "volume__disk_offering"))
    template = vm._state.fields_cache.get("template")
    for row in found:
        if template is not None and row.volume.template_id == template.pk:
            row.volume.template = template  # what is at hand is not read once more
    return found


def nics_of(vm: VirtualMachine) -> list[Nic]:
    rows = Nic.objects.filter(machine=vm).order_by("device_id").select_related(
        "address", "network__offering", "network__physical_network", "network__zone"
    )
    found = list(rows)
    for row in found:  # what is at hand is not read once more
        row.machine = vm
        if row.address is not None:
            row.address.network = row.network
    return found


def domain(
    vm: VirtualMachine,
    attachments: list[VolumeAttachment],
    nics: list[Nic],
    *,
    password: str = "",
) -> p.DomainSpec:
    """The whole machine. ``vm`` comes with its zone, offering, template, ISO and OS type."""
    has_root = any(a.device_id == ROOT_DEVICE for a in attachments)
    return p.DomainSpec(
        uuid=str(vm.uuid),
        name=vm.instance_name or "",
        title=vm.label,
        vcpus=vm.vcpus,
        memory_mb=vm.memory_mb,
        cpu_shares=vm.cpu_mhz,
        disks=tuple(disk(vm, a) for a in attachments),
        cdrom=cdrom(vm, vm.iso) if vm.iso else None,
        nics=tuple(nic(n) for n in nics),
        config_drive=guestdata.config_drive(vm, nics, password),
        keyboard=_KEYMAPS.get(vm.keyboard, vm.keyboard),
        boot_from_cdrom=bool(vm.iso and vm.iso.bootable and (not has_root or _from_iso(vm))),
        uefi=vm.boot_type == "UEFI",
        secure_boot=vm.boot_mode == "Secure",
        os_type=vm.os_type.display_name if vm.os_type else "",
    )


def _from_iso(vm: VirtualMachine) -> bool:
    """Its root disk came empty, so until something is installed the CD is all that boots."""
    return vm.template is not None and vm.template.is_iso


def disk(vm: VirtualMachine, attachment: VolumeAttachment) -> p.Disk:
    volume = attachment.volume
    rates = volume.disk_offering
    if rates is None and attachment.device_id == ROOT_DEVICE:
        rates = vm.service_offering
    return p.Disk(
        source=reach.disk_ref(volume),
        device_id=attachment.device_id,
        bus=_bus(vm),
        serial=str(volume.uuid).replace("-", "")[:20],
        cache=getattr(rates, "cache_mode", None) or "none",
        **_rates(rates),
    )


def _rates(rates: DiskOffering | None) -> dict[str, int]:
    names = ("read_bps", "write_bps", "read_iops", "write_iops")
    return {name: getattr(rates, name, None) or 0 for name in names}


def _bus(vm: VirtualMachine) -> str:
    """``rootDiskController`` of the machine or its template, as CloudStack has it."""
    template = vm.template.details if vm.template else {}
    wanted = vm.details.get("rootDiskController") or template.get("rootDiskController") or ""
    return wanted.lower() if wanted.lower() in DISK_BUSES else "virtio"


def _model(vm: VirtualMachine) -> str:
    template = vm.template.details if vm.template else {}
    wanted = (vm.details.get("nicAdapter") or template.get("nicAdapter") or "").lower()
    return wanted if wanted in NIC_MODELS else "virtio"


def cdrom(vm: VirtualMachine, iso: Template | None) -> p.Cdrom:
    """The drive with an ISO read from the secondary store, which every host reaches."""
    if iso is None:
        return p.Cdrom(None)
    copy = bases.source_copy(iso, vm.zone)
    store = p.PoolRef(str(copy.store.uuid), "SharedMountPoint", copy.store.path)
    return p.Cdrom(p.DiskRef(store, copy.name, "raw"))


def nic(row: Nic) -> p.Nic:
    bridge = routers.bridge_for(row.network)
    return p.Nic(
        mac=row.address.mac,
        bridge=bridge.name,
        device_id=row.device_id,
        model=_model(row.machine),
        mtu=row.network.private_mtu or 0,
        rate_mbps=row.rate_mbps or 0,
        ip4=row.address.ip4 or "",
        ip6=row.address.ip6 or "",
        guarded=row.network.guest_type == "Shared",
        rules=filtering.rules_for(row),
    )
