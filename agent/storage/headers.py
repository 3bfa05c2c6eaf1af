"""What a disk file says of itself, read without starting a program or taking a lock."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

from agent import protocol as p

QCOW2_MAGIC = b"QFI\xfb"
_HEADER = struct.Struct(">4sIQIIQ")  # magic, version, backing offset, backing size, bits, size


@dataclass(frozen=True, slots=True)
class Header:
    virtual_bytes: int
    backing: str = ""


def read(path: Path, image_format: str) -> Header:
    """Raises OperationFailed when a qcow2 file is none (QEMU docs, interop/qcow2)."""
    if image_format != "qcow2":
        return Header(path.stat().st_size)
    with path.open("rb") as file:
        head = file.read(_HEADER.size)
        if len(head) < _HEADER.size or head[:4] != QCOW2_MAGIC:
            raise p.OperationFailed(f"{path} is not a qcow2 file.")
        _, _, at, length, _, size = _HEADER.unpack(head)
        if not at:
            return Header(size)
        file.seek(at)
        return Header(size, file.read(min(length, 1023)).decode(errors="replace"))


def physical_bytes(path: Path) -> int:
    """What the file really takes of its file system."""
    return path.stat().st_blocks * 512


def read_volume(disk: p.DiskRef, path: Path) -> p.VolumeInfo:
    header = read(path, disk.format)
    backing = os.path.basename(header.backing)
    return p.VolumeInfo(disk.name, header.virtual_bytes, physical_bytes(path), disk.format, backing)
