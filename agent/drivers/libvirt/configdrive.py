"""The read-only disk with which a guest is told who it is (OpenStack's ConfigDrive)."""

from __future__ import annotations

import io
import os
import secrets
from pathlib import Path, PurePosixPath

import pycdlib

from agent import protocol as p

LABEL = "config-2"
# Guests read it whole; the largest user data CloudStack takes is 1 MiB.
MAX_BYTES = 4 * 2**20


def write(path: Path, drive: p.ConfigDrive) -> None:
    """An ISO 9660 image with Joliet and Rock Ridge names; readable by the hypervisor only.

    Raises OperationFailed for paths that would leave the disk, or too much text.
    """
    # Lone surrogates stand for bytes that are no text: user data may be an archive.
    files = {_checked(n): text.encode(errors="surrogateescape") for n, text in drive.files.items()}
    if sum(len(data) for data in files.values()) > MAX_BYTES:
        raise p.OperationFailed(f"The config drive would hold more than {MAX_BYTES} bytes.")
    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=4, joliet=3, rock_ridge="1.09", vol_ident=LABEL)
    for folder in _folders(files):
        iso.add_directory(f"/{folder.upper()}", rr_name=_last(folder), joliet_path=f"/{folder}")
    for name, data in files.items():
        iso.add_fp(
            io.BytesIO(data),
            len(data),
            f"/{name.upper()};1",
            rr_name=_last(name),
            joliet_path=f"/{name}",
        )
    _place(path, iso)


def _place(path: Path, iso: pycdlib.PyCdlib) -> None:
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            iso.write_fp(file)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    finally:
        iso.close()


def _checked(name: str) -> str:
    parts = PurePosixPath(name).parts
    fine = parts and not name.startswith("/") and all(_fine(part) for part in parts)
    if not fine or len(parts) > 7:
        raise p.OperationFailed(f"{name[:80]!r} cannot be a path on a config drive.")
    return "/".join(parts)


def _fine(part: str) -> bool:
    return part not in (".", "..") and len(part) <= 64 and part.isascii() and part.isprintable()


def _folders(files: dict[str, bytes]) -> list[str]:
    found = {str(parent) for name in files for parent in PurePosixPath(name).parents}
    return sorted(found - {"."}, key=lambda folder: (folder.count("/"), folder))


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1]
