"""Image files for tests, honest and hostile, made with qemu-img or by hand."""

import io
import struct
import subprocess
from pathlib import Path

import pycdlib

MIB = 2**20


def qemu_img(*arguments: str) -> None:
    subprocess.run(["qemu-img", *arguments], check=True, capture_output=True)


def qcow2(path: Path, size: int = 8 * MIB, *options: str) -> Path:
    qemu_img("create", "-q", "-f", "qcow2", *options, str(path), str(size))
    return path


def qcow2_over(path: Path, base: str) -> Path:
    """A qcow2 file that claims a backing file."""
    qemu_img("create", "-q", "-u", "-f", "qcow2", "-b", base, "-F", "raw", str(path), str(MIB))
    return path


def qcow2_with_data_file(path: Path) -> Path:
    data = path.with_suffix(".data")
    qemu_img("create", "-q", "-f", "qcow2", "-o", f"data_file={data}", str(path), str(MIB))
    return path


def qcow2_claiming(path: Path, size: int) -> Path:
    """A header that promises a disk of ``size`` bytes."""
    qcow2(path)
    with path.open("r+b") as file:
        file.seek(24)
        file.write(struct.pack(">Q", size))
    return path


def raw_disk(path: Path, size: int = MIB) -> Path:
    """A raw disk with a boot sector and one partition."""
    with path.open("wb") as file:
        file.truncate(size)
        file.seek(446)
        file.write(bytes([0x80, 0, 2, 0, 0x83, 0, 0, 0]) + struct.pack("<II", 1, 100))
        file.seek(510)
        file.write(b"\x55\xaa")
    return path


def iso(path: Path) -> Path:
    made = pycdlib.PyCdlib()
    made.new()
    made.add_fp(io.BytesIO(b"hi"), 2, "/README.;1")
    made.write(str(path))
    made.close()
    return path


def vmdk_flat(path: Path) -> Path:
    """A VMDK descriptor whose data is any file of the host."""
    path.write_text(
        "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n"
        'createType="monolithicFlat"\nRW 20480 FLAT "/etc/shadow" 0\n'
    )
    return path
