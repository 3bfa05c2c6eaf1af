"""Primary pools that are directories: a marker file says that the right one is mounted."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path

from agent import protocol as p
from agent.storage.placing import is_part

MARKER = ".cloudportal-pool.json"
KINDS = ("Filesystem", "SharedMountPoint", "NetworkFilesystem")


def prepare(pool: p.PoolRef) -> p.PoolStats:
    folder = _folder(pool)
    if pool.kind == "Filesystem":
        folder.mkdir(parents=True, exist_ok=True, mode=0o711)
    elif not folder.is_dir():
        raise p.NoSuchPool(f"{folder} is not there; mount the shared storage first.")
    marker = folder / MARKER
    if marker.exists():
        _check_marker(pool, marker)
    else:
        fresh = folder / f"{MARKER}.new"
        fresh.write_text(json.dumps({"uuid": pool.uuid}))
        fresh.replace(marker)
    _sweep(folder)
    return _stats(folder)


def stats(pool: p.PoolRef) -> p.PoolStats:
    return _stats(require(pool))


def require(pool: p.PoolRef) -> Path:
    """The pool's folder. Raises NoSuchPool when it is not there, or is another pool's."""
    folder = _folder(pool)
    marker = folder / MARKER
    if not marker.is_file():
        raise p.NoSuchPool(
            f"Pool {pool.uuid} is not at {folder}: not prepared, or its storage is not mounted."
        )
    _check_marker(pool, marker)
    return folder


def remove(pool: p.PoolRef) -> None:
    folder = _folder(pool)
    if not (folder / MARKER).exists():
        return
    _check_marker(pool, folder / MARKER)
    ours = [f.name for f in listing(folder).files]  # a file system's lost+found is not ours
    if ours:
        shown = ", ".join(ours[:5]) + (" …" if len(ours) > 5 else "")
        raise p.VolumeInUse(f"Pool {pool.uuid} still holds {len(ours)} files: {shown}")
    _sweep(folder, older_than_s=0)
    (folder / MARKER).unlink(missing_ok=True)
    with suppress(OSError):  # Not empty, or a mount point: theirs to keep.
        folder.rmdir()


def listing(folder: Path) -> p.FileList:
    """Finished files by name; hidden ones (markers, half-made files) are not counted."""
    found = []
    for entry in os.scandir(folder):
        if entry.is_file(follow_symlinks=False) and not entry.name.startswith("."):
            stat = entry.stat(follow_symlinks=False)
            found.append(p.FoundFile(entry.name, stat.st_blocks * 512, stat.st_mtime))
    return p.FileList(tuple(sorted(found, key=lambda f: f.name)))


def folder_stats(folder: Path) -> p.PoolStats:
    return _stats(folder)


def _folder(pool: p.PoolRef) -> Path:
    if pool.kind not in KINDS:
        raise p.OperationFailed(f"This host cannot serve pools of type {pool.kind}.")
    if not pool.path.startswith("/") or ".." in Path(pool.path).parts:
        raise p.OperationFailed(f"{pool.path[:80]!r} is not an absolute path.")
    return Path(pool.path)


def _check_marker(pool: p.PoolRef, marker: Path) -> None:
    try:
        found = json.loads(marker.read_text())["uuid"]
    except (ValueError, KeyError, OSError) as error:
        raise p.OperationFailed(f"{marker} cannot be read: {error}") from error
    if found != pool.uuid:
        raise p.OperationFailed(f"{marker.parent} belongs to pool {found}, not {pool.uuid}.")


def _stats(folder: Path) -> p.PoolStats:
    room = os.statvfs(folder)
    capacity = room.f_blocks * room.f_frsize
    return p.PoolStats(capacity, capacity - room.f_bavail * room.f_frsize)


def _sweep(folder: Path, older_than_s: float = 86_400) -> None:
    """Half-made files that nobody writes any more."""
    latest = time.time() - older_than_s
    for entry in os.scandir(folder):
        if is_part(entry.name) and entry.stat(follow_symlinks=False).st_mtime <= latest:
            Path(entry.path).unlink(missing_ok=True)
