"""Images that come compressed: gz, bz2 and xz, told by their first bytes, unfolded as they come."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Iterator
from typing import Protocol

from agent import protocol as p

# A dictionary of xz -9 needs 65 MiB; more than this is a bomb.
XZ_MEMORY_BYTES = 160 * 2**20
# No output of one call may be larger, however small the input was.
STEP_BYTES = 4 * 2**20


class _Unfolder(Protocol):
    def feed(self, data: bytes) -> Iterator[bytes]: ...
    def finished(self) -> bool: ...


class Unfolding:
    """``feed`` compressed (or plain) bytes, get plain bytes; ``end`` refuses a cut stream.

    Raises ImageRefused for damage and for more than ``most_bytes`` in all.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._head = b""
        self._unfolder: _Unfolder | None = None
        self._decided = False
        self.kind = ""
        self.got = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        if not self._decided:
            self._head += data
            if len(self._head) < 6:
                return
            data, self._head = self._head, b""
            self._decide(data)
        yield from self._counted(self._plain(data))

    def end(self) -> Iterator[bytes]:
        if self._head:
            self._decided = True
            yield from self._counted(iter((self._head,)))
        if self._unfolder is not None and not self._unfolder.finished():
            raise p.ImageRefused(f"The {self.kind} file ends too early; it is damaged.")

    def _decide(self, head: bytes) -> None:
        self._decided = True
        if head.startswith(b"\x1f\x8b"):
            self.kind, self._unfolder = "gz", _Gzip()
        elif head.startswith(b"BZh"):
            self.kind, self._unfolder = "bz2", _Bzip2()
        elif head.startswith(b"\xfd7zXZ\x00"):
            self.kind, self._unfolder = "xz", _Xz()

    def _plain(self, data: bytes) -> Iterator[bytes]:
        if self._unfolder is None:
            yield data
            return
        try:
            yield from self._unfolder.feed(data)
        except (zlib.error, OSError, EOFError, ValueError, lzma.LZMAError) as error:
            raise p.ImageRefused(f"The {self.kind} file is damaged: {error}.") from error

    def _counted(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.got += len(chunk)
            if self.got > self._most:
                raise p.ImageRefused(f"The file unfolds to more than {self._most / 2**30:.1f} GiB.")
            yield chunk


class _Gzip:
    """Several members may follow each other (RFC 1952); what is not one ends the file."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(31)
        self._pending = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._pending += data
        while self._pending:
            if self._inner.eof:
                if not self._pending.startswith(b"\x1f"):
                    self._pending = b""  # Padding, which gzip ignores too.
                    return
                self._inner = zlib.decompressobj(31)
            out = self._inner.decompress(self._pending, STEP_BYTES)
            self._pending = self._inner.unconsumed_tail or self._inner.unused_data
            if out:
                yield out
            elif not self._inner.eof:
                return

    def finished(self) -> bool:
        return self._inner.eof


class _Stepwise:
    """bz2 and lzma keep unread input themselves and say when they want more."""

    def __init__(self) -> None:
        self._inner = self.fresh()

    def fresh(self) -> bz2.BZ2Decompressor | lzma.LZMADecompressor:
        raise NotImplementedError

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            if self._inner.eof:
                data = self._inner.unused_data + data
                data = data.lstrip(b"\0")
                if not data:
                    return
                self._inner = self.fresh()
            out = self._inner.decompress(data, STEP_BYTES)
            data = b""
            if out:
                yield out
            if self._inner.eof and not self._inner.unused_data:
                return
            if not self._inner.eof and self._inner.needs_input:
                return

    def finished(self) -> bool:
        return self._inner.eof


class _Bzip2(_Stepwise):
    def fresh(self) -> bz2.BZ2Decompressor:
        return bz2.BZ2Decompressor()


class _Xz(_Stepwise):
    def fresh(self) -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY_BYTES)
