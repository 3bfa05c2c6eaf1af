"""What the parts of the libvirt driver share: the connection, the folders, the accelerator."""

from __future__ import annotations

import functools
import os
import secrets
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from agent import names
from agent import protocol as p
from agent.config import AgentConfig
from agent.drivers.libvirt.accelerator import Accelerator
from agent.drivers.libvirt.connection import Connection, is_missing, libvirt

EMULATOR = "qemu-system-x86_64"


class Context:
    def __init__(self, config: AgentConfig) -> None:
        self.config = config
        self.connection = Connection(config.libvirt_uri)
        self.emulator = shutil.which(EMULATOR) or f"/usr/bin/{EMULATOR}"
        self.accelerator = Accelerator(config, self.emulator)

    @functools.cached_property
    def installation(self) -> str:
        """A number that tells our domains from those of another portal on this machine."""
        path = self.config.data / "installation"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(".new")
            fresh.write_text(secrets.token_hex(8))
            fresh.replace(path)
        return path.read_text().strip()

    # -- folders -----------------------------------------------------------------------

    def config_drive(self, uuid: str) -> Path:
        return self.config.data / "configdrives" / f"{uuid}.iso"

    def serial_log(self, uuid: str) -> Path:
        return self.config.data / "consoles" / f"{uuid}.log"

    def serial_socket(self, uuid: str) -> Path:
        return self.config.run_path / "serial" / f"{uuid}.sock"

    def make_folders(self) -> None:
        for path in (self.config.data / "configdrives", self.config.data / "consoles"):
            path.mkdir(parents=True, exist_ok=True, mode=0o711)
        (self.config.run_path / "serial").mkdir(parents=True, exist_ok=True, mode=0o711)

    # -- domains -----------------------------------------------------------------------

    def find(self, conn: Any, uuid: str) -> Any | None:
        try:
            return conn.lookupByUUIDString(names.uuid(uuid))
        except libvirt.libvirtError as error:
            if is_missing(error):
                return None
            raise

    def require(self, conn: Any, uuid: str) -> Any:
        domain = self.find(conn, uuid)
        if domain is None:
            raise p.NoSuchDomain(f"Host {self.config.host_name} has no domain {uuid}.")
        return domain

    @contextmanager
    def running(self, uuid: str, doing: str) -> Iterator[Any]:
        """The domain, running. Raises NoSuchDomain, OperationFailed when it is off."""
        with self.connection.use(doing) as conn:
            domain = self.require(conn, uuid)
            if not domain.isActive():
                raise p.OperationFailed(f"Cannot {doing}: {domain.name()} is off.")
            yield domain


def live_xml(domain: Any, *, secure: bool = False) -> ET.Element:
    flags = libvirt.VIR_DOMAIN_XML_SECURE if secure else 0
    return ET.fromstring(domain.XMLDesc(flags))


def disk_path(source: p.DiskRef) -> str:
    """The file of a volume. Raises NoSuchVolume when there is none."""
    path = names.file_under(source.pool.path, source.name)
    if not path.is_file():
        raise p.NoSuchVolume(f"Volume {source.name} is not at {path}.")
    return str(path)


def takes_direct_io(path: str) -> bool:
    """Some file systems (older tmpfs, some FUSE) refuse O_DIRECT."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECT | os.O_CLOEXEC)
    except OSError:
        return False
    with suppress(OSError):
        os.close(fd)
    return True
