"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent import protocol as p

PART = ".part"


@contextmanager
def whole_file(final: Path, mode: int = 0o644) -> Iterator[Path]:
    """A name beside ``final`` to write to; renamed to it when the block ends well.

    Parts that a killed predecessor left for the same file are removed first; the caller
    holds the lock of ``final``, so nobody else is writing one.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    remove_parts(final)
    part = final.with_name(f".{final.name}.{secrets.token_hex(6)}{PART}")
    try:
        yield part
        part.chmod(mode)
        part.replace(final)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise p.NotEnoughSpace(f"{final.parent} is full.") from error
        raise
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def remove_parts(final: Path) -> None:
    with contextlib.suppress(FileNotFoundError), os.scandir(final.parent) as entries:
        for entry in entries:
            if is_part(entry.name, final.name):
                Path(entry.path).unlink(missing_ok=True)


def is_part(name: str, of: str = "") -> bool:
    return name.startswith(f".{of}." if of else ".") and name.endswith(PART)
