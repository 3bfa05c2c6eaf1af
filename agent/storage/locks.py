"""Is a disk file open in a QEMU? Asked of the locks that QEMU holds on its images."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from pathlib import Path

# QEMU locks single bytes: 100 and on for what it does, 200 and on for what it forbids
# others (block/file-posix.c, RAW_LOCK_PERM_BASE and RAW_LOCK_SHARED_BASE).
_FIRST_BYTE, _BYTES = 100, 200
_F_OFD_GETLK = 36
_FLOCK = struct.Struct("hhqqi4x")


def in_use(path: Path) -> bool:
    """True while any QEMU has the file, as a disk or below one. A missing file is not in use."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return False
        raise
    try:
        asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, _FIRST_BYTE, _BYTES, 0)
        answer = _FLOCK.unpack(fcntl.fcntl(fd, _F_OFD_GETLK, asked))
        return bool(answer[0] != fcntl.F_UNLCK)
    finally:
        os.close(fd)
