"""Domain XML from a DomainSpec. Pure: the same spec and setting give the same text."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass

from agent import names
from agent import protocol as p

NAMESPACE = "urn:cloudportal:instance:1"
ET.register_namespace("cloudportal", NAMESPACE)

# Device 3 is CloudStack's number for the CD drive.
CDROM_TARGET_IDE, CONFIG_TARGET_IDE = "hdc", "hdd"
CDROM_TARGET_SCSI, CONFIG_TARGET_SCSI = "sdy", "sdz"
GUEST_AGENT = "org.qemu.guest_agent.0"
# PCIe slots kept free on a q35 machine for devices plugged while it runs.
SPARE_PCIE_PORTS = 12

_PREFIX = {"virtio": "vd", "scsi": "sd", "sata": "sd", "ide": "hd", "usb": "sd"}
_CACHES = ("none", "writeback", "writethrough", "directsync", "unsafe")
_NIC_MODELS = ("virtio", "e1000", "e1000e", "rtl8139", "vmxnet3", "ne2k_pci", "pcnet")


@dataclass(frozen=True, slots=True)
class Setting:
    """What the host adds to a spec. Paths are the host's; ``path_of`` finds a disk's file."""

    accelerated: bool
    path_of: Callable[[p.DiskRef], str]
    # Whose machine this is; a host may serve two portals (a trial beside the real one).
    installation: str = ""
    config_drive: str = ""
    serial_socket: str = ""
    serial_log: str = ""
    vnc_password: str = ""
    emulator: str = "/usr/bin/qemu-system-x86_64"
    # CPU shares as this host's cgroups count them; None where they cannot be set.
    shares: Callable[[int], int] | None = None
    # Does the disk's file system take O_DIRECT? Without it cache "none" cannot start.
    direct_io: Callable[[str], bool] = lambda _path: True


def render(spec: p.DomainSpec, setting: Setting) -> str:
    """The whole definition."""
    root = ET.Element("domain", type="kvm" if setting.accelerated else "qemu")
    _text(root, "name", spec.name)
    _text(root, "uuid", names.uuid(spec.uuid))
    if spec.title:
        _text(root, "title", _one_line(spec.title))
    metadata = ET.SubElement(root, "metadata")
    mark = ET.SubElement(metadata, f"{{{NAMESPACE}}}instance", installation=setting.installation)
    mark.set("os", _one_line(spec.os_type)[:64])
    _resources(root, spec, setting)
    _machine(root, spec, setting)
    devices = ET.SubElement(root, "devices")
    _text(devices, "emulator", setting.emulator)
    _controllers(devices, spec)
    for disk in spec.disks:
        devices.append(disk_element(disk, setting))
    devices.append(cdrom_element(spec.cdrom or p.Cdrom(), setting, q35=is_q35(spec)))
    if setting.config_drive:
        devices.append(_config_drive(setting.config_drive, is_q35(spec)))
    for nic in spec.nics:
        devices.append(nic_element(nic))
    _consoles(devices, spec, setting)
    _helpers(devices, spec)
    return ET.tostring(root, encoding="unicode")


def is_q35(spec: p.DomainSpec) -> bool:
    return spec.uefi or spec.secure_boot or spec.tpm


# -- parts that are also plugged and unplugged while a domain runs ---------------------


def target_of(disk: p.Disk) -> str:
    """``vda`` for device 0 on virtio, ``sdb`` for device 1 on scsi, …"""
    prefix = _PREFIX.get(disk.bus)
    if prefix is None:
        raise p.OperationFailed(f"{disk.bus!r} is not a disk bus; use one of {sorted(_PREFIX)}.")
    if not 0 <= disk.device_id < 24:
        raise p.OperationFailed(f"Device {disk.device_id} is out of range (0 to 23).")
    return prefix + chr(ord("a") + disk.device_id)


def disk_element(disk: p.Disk, setting: Setting) -> ET.Element:
    path = setting.path_of(disk.source)
    if disk.cache not in _CACHES:
        raise p.OperationFailed(f"{disk.cache!r} is not a cache mode; use one of {_CACHES}.")
    cache = disk.cache
    if cache in ("none", "directsync") and not setting.direct_io(path):
        cache = "writeback" if cache == "none" else "writethrough"
    driver = {"name": "qemu", "type": disk.source.format, "cache": cache, "discard": "unmap"}
    if cache in ("none", "directsync"):
        driver["io"] = "native"
    element = ET.Element("disk", type="file", device="disk")
    ET.SubElement(element, "driver", driver)
    ET.SubElement(element, "source", file=path)
    ET.SubElement(element, "target", dev=target_of(disk), bus=disk.bus)
    if disk.serial:
        _text(element, "serial", names.serial(disk.serial))
    _throttle(element, disk)
    return element


def cdrom_element(cdrom: p.Cdrom, setting: Setting, *, q35: bool) -> ET.Element:
    path = setting.path_of(cdrom.source) if cdrom.source is not None else ""
    target, bus = (CDROM_TARGET_SCSI, "scsi") if q35 else (CDROM_TARGET_IDE, "ide")
    return _cd(path, target, bus)


def nic_element(nic: p.Nic) -> ET.Element:
    if nic.model not in _NIC_MODELS:
        raise p.OperationFailed(f"{nic.model!r} is not a network card; use one of {_NIC_MODELS}.")
    element = ET.Element("interface", type="bridge")
    ET.SubElement(element, "mac", address=names.mac(nic.mac))
    ET.SubElement(element, "source", bridge=names.device(nic.bridge))
    ET.SubElement(element, "target", dev=names.tap(nic.mac))
    ET.SubElement(element, "model", type=nic.model)
    if nic.mtu:
        ET.SubElement(element, "mtu", size=str(nic.mtu))
    ET.SubElement(element, "link", state="up" if nic.link_up else "down")
    # The boot ROM of the card only slows down the start of a machine that boots from disk.
    ET.SubElement(element, "rom", enabled="no")
    return element


# -- the rest --------------------------------------------------------------------------


def _resources(root: ET.Element, spec: p.DomainSpec, setting: Setting) -> None:
    if spec.vcpus < 1 or spec.memory_mb < 1:
        raise p.OperationFailed(f"{spec.name} needs at least one CPU and some memory.")
    _text(root, "memory", str(spec.memory_mb), unit="MiB")
    _text(root, "currentMemory", str(spec.memory_mb), unit="MiB")
    most = max(spec.vcpus, spec.max_vcpus)
    current = {"current": str(spec.vcpus)} if most > spec.vcpus else {}
    _text(root, "vcpu", str(most), **current)
    if spec.cpu_shares and setting.shares is not None:
        tune = ET.SubElement(root, "cputune")
        _text(tune, "shares", str(setting.shares(spec.cpu_shares)))


def _machine(root: ET.Element, spec: p.DomainSpec, setting: Setting) -> None:
    firmware = {"firmware": "efi"} if spec.uefi or spec.secure_boot else {}
    boot = ET.SubElement(root, "os", firmware)
    _text(boot, "type", "hvm", arch="x86_64", machine="q35" if is_q35(spec) else "pc")
    if firmware:
        wanted = ET.SubElement(boot, "firmware")
        secure = "yes" if spec.secure_boot else "no"
        for feature in ("secure-boot", "enrolled-keys"):
            ET.SubElement(wanted, "feature", enabled=secure, name=feature)
    if spec.boot_from_cdrom:
        ET.SubElement(boot, "boot", dev="cdrom")
    ET.SubElement(boot, "boot", dev="hd")
    features = ET.SubElement(root, "features")
    for name in ("acpi", "apic"):
        ET.SubElement(features, name)
    if spec.secure_boot:
        ET.SubElement(features, "smm", state="on")
    if setting.accelerated:
        ET.SubElement(root, "cpu", mode="host-passthrough", migratable="on")
    windows = "windows" in spec.os_type.lower()
    ET.SubElement(root, "clock", offset="localtime" if windows else "utc")
    for event, action in (("poweroff", "destroy"), ("reboot", "restart"), ("crash", "destroy")):
        _text(root, f"on_{event}", action)


def _controllers(devices: ET.Element, spec: p.DomainSpec) -> None:
    ET.SubElement(devices, "controller", type="scsi", index="0", model="virtio-scsi")
    ET.SubElement(devices, "controller", type="usb", index="0", model="qemu-xhci")
    if is_q35(spec):
        ET.SubElement(devices, "controller", type="pci", index="0", model="pcie-root")
        for index in range(1, SPARE_PCIE_PORTS + 1):
            ET.SubElement(
                devices, "controller", type="pci", index=str(index), model="pcie-root-port"
            )


def _throttle(element: ET.Element, disk: p.Disk) -> None:
    limits = {
        "read_bytes_sec": disk.read_bps,
        "write_bytes_sec": disk.write_bps,
        "read_iops_sec": disk.read_iops,
        "write_iops_sec": disk.write_iops,
    }
    if any(limits.values()):
        tune = ET.SubElement(element, "iotune")
        for name, value in limits.items():
            if value:
                _text(tune, name, str(value))


def _config_drive(path: str, q35: bool) -> ET.Element:
    target, bus = (CONFIG_TARGET_SCSI, "scsi") if q35 else (CONFIG_TARGET_IDE, "ide")
    return _cd(path, target, bus)


def _cd(path: str, target: str, bus: str) -> ET.Element:
    element = ET.Element("disk", type="file", device="cdrom")
    ET.SubElement(element, "driver", name="qemu", type="raw")
    if path:
        ET.SubElement(element, "source", file=path)
    ET.SubElement(element, "target", dev=target, bus=bus)
    ET.SubElement(element, "readonly")
    return element


def _consoles(devices: ET.Element, spec: p.DomainSpec, setting: Setting) -> None:
    graphics = ET.SubElement(
        devices, "graphics", type="vnc", port="-1", autoport="yes", listen="127.0.0.1",
        sharePolicy="force-shared",
    )  # fmt: skip
    # With a keymap QEMU turns characters into keys, and ignores the keys that a browser sends.
    if spec.keyboard != "en-us":
        graphics.set("keymap", spec.keyboard)
    if setting.vnc_password:
        graphics.set("passwd", setting.vnc_password)
    video = ET.SubElement(devices, "video")
    ET.SubElement(video, "model", type="vga", vram="16384", heads="1")
    # Absolute pointing; on xHCI, which unlike UHCI costs nothing while idle.
    ET.SubElement(devices, "input", type="tablet", bus="usb")
    if setting.serial_socket:
        serial = ET.SubElement(devices, "serial", type="unix")
        ET.SubElement(serial, "source", mode="bind", path=setting.serial_socket)
        if setting.serial_log:
            ET.SubElement(serial, "log", file=setting.serial_log, append="on")
        ET.SubElement(serial, "target", port="0")
    channel = ET.SubElement(devices, "channel", type="unix")
    ET.SubElement(channel, "target", type="virtio", name=GUEST_AGENT)


def _helpers(devices: ET.Element, spec: p.DomainSpec) -> None:
    balloon = ET.SubElement(devices, "memballoon", model="virtio", autodeflate="on")
    ET.SubElement(balloon, "stats", period="10")
    rng = ET.SubElement(devices, "rng", model="virtio")
    _text(rng, "backend", "/dev/urandom", model="random")
    if spec.tpm:
        tpm = ET.SubElement(devices, "tpm", model="tpm-crb")
        ET.SubElement(tpm, "backend", type="emulator", version="2.0")


def _text(parent: ET.Element, tag: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, tag, attributes).text = text


def _one_line(text: str) -> str:
    """Any script, but no control characters: XML 1.0 has no way to write them."""
    return "".join(c if c.isprintable() else " " for c in text)
