"""Fetch, verify, inspect and place an image in a store: all of it, or nothing."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from agent import protocol as p
from agent.images import checksums, egress, inspector
from agent.images.archives import Unfolding
from agent.storage import headers, images
from agent.storage.placing import whole_file
from agent.tasks import Task

CHUNK = 1024 * 1024
# Left free on a store's file system, so that the last byte is not an image's.
RESERVE_BYTES = 64 * 2**20


class Downloads:
    """See agent.drivers.fake_parts.FakeImages for what each method promises."""

    def __init__(self, client: egress.Egress) -> None:
        self._client = client

    def download(self, wanted: p.DownloadImage, task: Task) -> p.ImageInfo:
        done = images.present(wanted.target)
        if done is not None:
            return done
        wanted_format = wanted.format.upper()
        if wanted_format not in inspector.ACCEPTED:
            known = ", ".join(inspector.ACCEPTED)
            raise p.ImageRefused(f"{wanted_format} images do not run here; use {known}.")
        checksum = checksums.parse(wanted.checksum)
        final = images.path_of(wanted.target)
        with whole_file(final) as part:
            found = self._receive(wanted, checksum, part, task)
            what = inspector.inspect(part, wanted_format, wanted.max_virtual_bytes)
            info = p.ImageInfo(what.virtual_bytes, headers.physical_bytes(part), what.format, found)
            images.write_about(final, info)
        return info

    def delete(self, wanted: p.DeleteImage) -> None:
        images.delete(wanted.target)

    def _receive(
        self, wanted: p.DownloadImage, checksum: checksums.Checksum, part: Path, task: Task
    ) -> str:
        """Write the unfolded bytes to ``part``; return the checksum of what came."""
        answer = self._open(wanted, task)
        _need_room(part.parent, answer.length)
        digest, came = checksum.begin(), 0
        unfolding = Unfolding(wanted.rules.max_bytes)
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            for chunk in answer.chunks:
                digest.update(chunk)
                came += len(chunk)
                for plain in unfolding.feed(chunk):
                    _write_sparse(file.fileno(), plain)
                task(_percent(came, answer.length), f"{came // 2**20} MiB")
            for plain in unfolding.end():
                _write_sparse(file.fileno(), plain)
            os.ftruncate(file.fileno(), unfolding.got)
        return checksum.verify(digest)

    def _open(self, wanted: p.DownloadImage, task: Task) -> egress.Answer:
        if urlsplit(wanted.url).scheme == "file":
            return _open_file(wanted)
        deadline = time.monotonic() + min(wanted.rules.timeout_s, task.remaining_s())
        return self._client.fetch(wanted.url, wanted.rules, deadline)


def _open_file(wanted: p.DownloadImage) -> egress.Answer:
    """A file of this host, for administrators."""
    if not wanted.rules.allow_file:
        raise p.DownloadRefused("file addresses are for administrators only.")
    parts = urlsplit(wanted.url)
    if parts.netloc not in ("", "localhost"):
        raise p.DownloadRefused("A file address names no host: file:///path.")
    path = Path(unquote(parts.path))
    try:
        # NONBLOCK: opening a FIFO must not wait for its writer.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise p.DownloadFailed(f"{path} cannot be read: {error.strerror}.") from error
    about = os.fstat(fd)
    if not stat.S_ISREG(about.st_mode) or about.st_size > wanted.rules.max_bytes:
        os.close(fd)
        raise p.DownloadRefused(f"{path} is not a plain file, or too large.")
    return egress.Answer(about.st_size, path.name, "", _read(fd))


def _read(fd: int) -> Iterator[bytes]:
    with os.fdopen(fd, "rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _write_sparse(fd: int, data: bytes) -> None:
    """Blocks of zeros become holes: a raw disk image is mostly empty."""
    block = 65536
    for start in range(0, len(data), block):
        piece = data[start : start + block]
        if len(piece) == block and piece.count(0) == block:
            os.lseek(fd, block, os.SEEK_CUR)
        else:
            view = memoryview(piece)
            while view:
                view = view[os.write(fd, view) :]


def _percent(came: int, length: int) -> float:
    """Without an announced length there is nothing to be a part of."""
    return min(99.0, 100.0 * came / length) if length else 0.0


def _need_room(folder: Path, wanted_bytes: int) -> None:
    room = os.statvfs(folder)
    free = room.f_bavail * room.f_frsize - RESERVE_BYTES
    if wanted_bytes > free:
        raise p.NotEnoughSpace(
            f"{folder} has {max(0, free) // 2**20} MiB free; "
            f"the image needs {wanted_bytes // 2**20} MiB."
        )
