"""Point-in-time copies of a running domain's disk.

A backup job (virDomainBackupBegin, push mode) copies the disk as it was at the moment of the
start into a new file while the guest writes on. The domain's own chain of files never
changes, so there is nothing to repair when this process, libvirtd or the host dies in the
middle: the target is thrown away and the copy begun again.
"""

from __future__ import annotations

import logging
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from agent import names
from agent import protocol as p
from agent.drivers.libvirt.connection import libvirt
from agent.drivers.libvirt.context import Context, live_xml
from agent.drivers.libvirt.devices import target_with
from agent.locks import KeyedLocks
from agent.tasks import Task

log = logging.getLogger("agent.libvirt")

POLL_S = 0.1


class BlockCopy:
    def __init__(self, context: Context) -> None:
        self._context = context
        # libvirt runs one such job per domain; a second one here waits for its turn.
        self._turns = KeyedLocks()

    def copy_disk(self, uuid: str, disk: p.DiskRef, target: str, quiesce: bool, task: Task) -> None:
        doing = f"copy disk {disk.name} of domain {uuid}"
        with self._turns.hold((uuid,), task), self._context.running(uuid, doing) as domain:
            _end_orphan(domain, task)
            source = target_with(domain, str(names.file_under(disk.pool.path, disk.name)))
            with _quiesced(domain, quiesce):
                # The target is made by the caller: QEMU's user may not create files there.
                flags = libvirt.VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL
                domain.backupBegin(_backup_xml(domain, source, target), None, flags)
            _wait(domain, task)


def _backup_xml(domain: Any, source: str, target: str) -> str:
    root = ET.Element("domainbackup", mode="push")
    disks = ET.SubElement(root, "disks")
    for element in live_xml(domain).iterfind("./devices/disk[@device='disk']/target"):
        name = str(element.get("dev"))
        if name != source:
            ET.SubElement(disks, "disk", name=name, backup="no")
            continue
        wanted = ET.SubElement(disks, "disk", name=name, backup="yes", type="file")
        ET.SubElement(wanted, "target", file=target)
        ET.SubElement(wanted, "driver", type="qcow2")
    return ET.tostring(root, encoding="unicode")


def _end_orphan(domain: Any, task: Task) -> None:
    """A job of a predecessor that died; nobody waits for it any more."""
    if _is_copying(domain):
        log.warning("%s: ending a copy whose owner is gone", domain.name())
        _abort(domain)
        while _is_copying(domain):
            task.sleep(POLL_S)


def _wait(domain: Any, task: Task) -> None:
    try:
        while True:
            info = domain.jobStats()
            if info.get("type", 0) == libvirt.VIR_DOMAIN_JOB_NONE:
                break
            total = info.get("disk_total", 0) or 1
            task(100.0 * info.get("disk_processed", 0) / total)
            task.sleep(POLL_S)
    except p.AgentError:
        _abort(domain)
        raise
    _check_success(domain)


def _check_success(domain: Any) -> None:
    done = domain.jobStats(libvirt.VIR_DOMAIN_JOB_STATS_COMPLETED)
    if done.get("type") != libvirt.VIR_DOMAIN_JOB_COMPLETED or not done.get("success", True):
        why = done.get("errmsg", "the machine was stopped, or the target's disk is full")
        if "No space left" in why:
            raise p.NotEnoughSpace(f"Copying a disk of {domain.name()} failed: {why}")
        raise p.OperationFailed(f"Copying a disk of {domain.name()} failed: {why}")


def _is_copying(domain: Any) -> bool:
    info = domain.jobStats()
    return bool(
        info.get("type", 0) != libvirt.VIR_DOMAIN_JOB_NONE
        and info.get("operation") == libvirt.VIR_DOMAIN_JOB_OPERATION_BACKUP
    )


def _abort(domain: Any) -> None:
    with suppress(libvirt.libvirtError):
        domain.abortJob()


@contextmanager
def _quiesced(domain: Any, wanted: bool) -> Iterator[None]:
    """Freeze the guest's file systems when its agent can; a guest without one is copied as
    it stands, like after a power cut."""
    frozen = False
    if wanted:
        try:
            domain.fsFreeze()
            frozen = True
        except libvirt.libvirtError as error:
            log.info("%s is copied unfrozen: %s", domain.name(), error.get_error_message())
    try:
        yield
    finally:
        if frozen:
            with suppress(libvirt.libvirtError):
                domain.fsThaw()
