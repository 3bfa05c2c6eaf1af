"""Plugging and unplugging while a domain runs."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

from agent import names
from agent import protocol as p
from agent.drivers.libvirt import xml
from agent.drivers.libvirt.connection import libvirt
from agent.drivers.libvirt.context import Context, disk_path, live_xml, takes_direct_io
from agent.network.filtering import Filtering
from agent.network.shaping import Shaping
from agent.tasks import Task

ASK_AGAIN_S = 5.0
POLL_S = 0.1
#: How often a tray is opened that a guest, just booting, shuts again at once.
TRAY_TRIES, TRAY_AGAIN_S = 20, 0.5


class Devices:
    def __init__(self, context: Context, shaping: Shaping, filtering: Filtering) -> None:
        self._context = context
        self._shaping = shaping
        self._filtering = filtering

    def attach_disk(self, wanted: p.AttachDisk) -> None:
        with self._present(wanted.uuid, "attach a disk to") as domain:
            if domain is None:
                return
            element = xml.disk_element(wanted.disk, self._setting())
            target = xml.target_of(wanted.disk)
            present = _disk(domain, target=target)
            if present is None:
                _plug(domain, element)
            elif _source(present) != _source(element):
                raise p.OperationFailed(
                    f"{domain.name()} already has another disk at {target} "
                    f"(device {wanted.disk.device_id})."
                )

    def detach_disk(self, wanted: p.DetachDisk, task: Task) -> None:
        source = wanted.disk.source
        path = str(names.file_under(source.pool.path, source.name))
        with self._maybe(wanted.uuid, "detach a disk from") as domain:
            if domain is not None:
                self._unplug(
                    domain, lambda: _disk(domain, path=path), wanted.timeout_s, task,
                    f"disk {source.name}",
                )  # fmt: skip

    def attach_nic(self, wanted: p.AttachNic) -> None:
        with self._present(wanted.uuid, "attach a network card to") as domain:
            if domain is not None and _nic(domain, wanted.nic.mac) is None:
                with self._filtering.before_taps_appear((wanted.nic,)):
                    _plug(domain, xml.nic_element(wanted.nic))
                self._shaping.apply((wanted.nic,))

    def detach_nic(self, wanted: p.DetachNic, task: Task) -> None:
        with self._maybe(wanted.uuid, "detach a network card from") as domain:
            if domain is not None:
                self._unplug(
                    domain, lambda: _nic(domain, wanted.mac), wanted.timeout_s, task,
                    f"network card {wanted.mac}",
                )  # fmt: skip
                self._shaping.sweep()
                self._filtering.sweep()

    def filter(self, wanted: p.FilterDomain) -> None:
        with self._present(wanted.uuid, "filter the traffic of") as domain:
            if domain is not None:
                self._filtering.apply(wanted.nics)

    def change_cdrom(self, wanted: p.ChangeCdrom) -> None:
        with self._present(wanted.uuid, "change the CD of") as domain:
            if domain is None:
                return
            q35 = _disk(domain, target=xml.CDROM_TARGET_SCSI) is not None
            element = xml.cdrom_element(wanted.cdrom, self._setting(), q35=q35)
            target = xml.CDROM_TARGET_SCSI if q35 else xml.CDROM_TARGET_IDE
            present = _disk(domain, target=target)
            if present is not None and _source(present) == _source(element):
                return
            _lay_in(domain, element)

    def resize_disk(self, uuid: str, disk: p.DiskRef, size_bytes: int) -> None:
        with self._context.running(uuid, f"resize a disk of domain {uuid}") as domain:
            path = str(names.file_under(disk.pool.path, disk.name))
            flags = libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES
            domain.blockResize(target_with(domain, path), size_bytes, flags)

    # ----------------------------------------------------------------------------------

    def _setting(self) -> xml.Setting:
        return xml.Setting(accelerated=False, path_of=disk_path, direct_io=takes_direct_io)

    def _present(self, uuid: str, doing: str) -> AbstractContextManager[Any | None]:
        """The domain when it runs, None when it is off. Raises NoSuchDomain."""
        return self._running_or_none(uuid, doing, self._context.require)

    def _maybe(self, uuid: str, doing: str) -> AbstractContextManager[Any | None]:
        """The domain when it runs, None when it is off or not there."""
        return self._running_or_none(uuid, doing, self._context.find)

    @contextmanager
    def _running_or_none(
        self, uuid: str, doing: str, find: Callable[[Any, str], Any | None]
    ) -> Iterator[Any | None]:
        with self._context.connection.use(f"{doing} domain {uuid}") as conn:
            domain = find(conn, uuid)
            yield domain if domain is not None and domain.isActive() else None

    def _unplug(
        self,
        domain: Any,
        find: Callable[[], ET.Element | None],
        timeout_s: int,
        task: Task,
        what: str,
    ) -> None:
        """Ask the guest to let go, again and again (one that boots does not hear), and wait."""
        end, next_ask = time.monotonic() + timeout_s, 0.0
        while (element := find()) is not None and domain.isActive():
            if time.monotonic() >= end:
                raise p.OperationFailed(
                    f"The guest in {domain.name()} did not release {what} within {timeout_s} s. "
                    "Unmount it inside the guest, or stop the machine first."
                )
            if time.monotonic() >= next_ask:
                with suppress(libvirt.libvirtError):
                    domain.detachDeviceFlags(
                        ET.tostring(element, encoding="unicode"), libvirt.VIR_DOMAIN_AFFECT_LIVE
                    )
                next_ask = time.monotonic() + ASK_AGAIN_S
            task.sleep(POLL_S)


def target_with(domain: Any, path: str) -> str:
    """The target name (``vdb``) of the disk with this file. Raises NoSuchVolume."""
    element = _disk(domain, path=path)
    target = element.find("target") if element is not None else None
    if target is None:
        raise p.NoSuchVolume(f"{domain.name()} has no disk {path}.")
    return str(target.get("dev"))


def _lay_in(domain: Any, element: ET.Element) -> None:
    """Changes what is in a drive; a guest that has the CD mounted locks the tray, hence FORCE."""
    flags = libvirt.VIR_DOMAIN_AFFECT_LIVE | libvirt.VIR_DOMAIN_DEVICE_MODIFY_FORCE
    for tries_left in reversed(range(TRAY_TRIES)):
        try:
            domain.updateDeviceFlags(ET.tostring(element, encoding="unicode"), flags)
            return
        except libvirt.libvirtError as error:
            if "is not open" not in str(error) or not tries_left:
                raise
            time.sleep(TRAY_AGAIN_S)


def _plug(domain: Any, element: ET.Element) -> None:
    domain.attachDeviceFlags(
        ET.tostring(element, encoding="unicode"), libvirt.VIR_DOMAIN_AFFECT_LIVE
    )


def _disk(domain: Any, *, target: str = "", path: str = "") -> ET.Element | None:
    for element in live_xml(domain).iterfind("./devices/disk"):
        at = element.find("target")
        if target and at is not None and at.get("dev") == target:
            return element
        if path and _source(element) == path:
            return element
    return None


def _source(disk: ET.Element) -> str:
    source = disk.find("source")
    return source.get("file", "") if source is not None else ""


def _nic(domain: Any, mac: str) -> ET.Element | None:
    for element in live_xml(domain).iterfind("./devices/interface"):
        address = element.find("mac")
        if address is not None and address.get("address", "").lower() == mac.lower():
            return element
    return None
