"""The screen of a simulated guest: a few lines of text, drawn, and shown over RFB (RFC 6143)."""

from __future__ import annotations

import select
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress

WIDTH, HEIGHT = 640, 400
_CELL_W, _CELL_H = 12, 20
COLUMNS, LINES = WIDTH // _CELL_W, HEIGHT // _CELL_H
_INK, _PAPER = (0xC8, 0xE6, 0xC9), (0x10, 0x18, 0x14)
_PATIENCE_S = 30.0

#: Five columns of a glyph, the lowest bit on top, for each character from space to tilde.
_GLYPHS = bytes.fromhex(
    "000000000000005f00000007000700147f147f14242a7f2a12231308646236495620500008070300001c224100"
    "0041221c002a1c7f1c2a08083e080800807030000808080808000060600020100804023e5149453e00427f4000"
    "72494949462141494d331814127f1027454545393c4a49493141211109073649494936464949291e0000140000"
    "004034000000081422411414141414004122140802015909063e415d594e7c1211127c7f494949363e41414122"
    "7f4141413e7f494949417f090909013e414151737f0808087f00417f41002040413f017f081422417f40404040"
    "7f021c027f7f0408107f3e4141413e7f090909063e4151215e7f09192946264949493203017f01033f4040403f"
    "1f2040201f3f4038403f631408146303047804036159494d43007f4141410204081020004141417f0402010204"
    "4040404040000307080020545478407f284444383844444428384444287f385454541800087e090218a4a49c78"
    "7f0804047800447d40002040403d007f1028440000417f40007c047804787c080404783844444438fc18242418"
    "18242418fc7c08040408485454542404043f44243c4040207c1c2040201c3c4030403c44281028444c9090907c"
    "4464544c440008364100000077000000413608000201020402"
)

#: What the screen shows now, line by line; None when the guest is not running.
Lines = Callable[[], Sequence[str] | None]


def strip(text: str) -> bytes:
    """One line as WIDTH × _CELL_H bytes, 1 where there is ink."""
    rows = [bytearray(WIDTH) for _ in range(_CELL_H)]
    for column, character in enumerate(text[:COLUMNS]):
        code = ord(character) - 32
        if not 0 < code < 95:
            code = 0 if character == " " else ord("?") - 32
        for x, bits in enumerate(_GLYPHS[code * 5 : code * 5 + 5]):
            for y in range(8):
                if bits >> y & 1:
                    left = column * _CELL_W + 2 * x
                    for row in (2 * y + 2, 2 * y + 3):
                        rows[row][left] = rows[row][left + 1] = 1
    return b"".join(rows)


def png(lines: Sequence[str]) -> bytes:
    """The screen as a picture in two colours."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    picture = b"".join(strip(line) for line in _filled(lines))
    rows = [picture[at : at + WIDTH] for at in range(0, len(picture), WIDTH)]
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0)
    colours = bytes((*_PAPER, *_INK))
    parts = chunk(b"IHDR", header) + chunk(b"PLTE", colours)
    return b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def _filled(lines: Sequence[str]) -> list[str]:
    return [*lines, *[""] * LINES][:LINES]


class Keyboard:
    """What was typed at a guest; shown by all its screens."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.line = ""

    def press(self, key: int) -> None:
        """``key`` is an X keysym."""
        if key == 0xFF0D:
            self.said = [*self.said, self.line][-6:]
            self.line = ""
        elif key == 0xFF08:
            self.line = self.line[:-1]
        elif 32 <= key < 127:
            self.line = (self.line + chr(key))[-(COLUMNS - 8) :]


def show(name: str, lines: Lines, keyboard: Keyboard) -> int:
    """Serve the next visitor of a port of this machine's loopback; returns the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(_PATIENCE_S)
    serve = threading.Thread(
        target=_serve, args=(listener, name, lines, keyboard), name="simulated-screen", daemon=True
    )
    serve.start()
    port: int = listener.getsockname()[1]
    return port


def _serve(listener: socket.socket, name: str, lines: Lines, keyboard: Keyboard) -> None:
    with listener, suppress(OSError, EOFError):
        visitor, _ = listener.accept()
        with visitor:
            visitor.settimeout(_PATIENCE_S)
            Visit(visitor, name, lines, keyboard).go()


class Visit:
    """One viewer: the opening without a password, then pictures and keys until it leaves or the
    guest goes off."""

    def __init__(
        self, visitor: socket.socket, name: str, lines: Lines, keyboard: Keyboard
    ) -> None:
        self._socket = visitor
        self._name = name
        self._lines = lines
        self._keyboard = keyboard
        self._shown: list[str | None] = [None] * LINES
        self._wanted = False
        self._ink = self._paper = b""
        self._colours(struct.pack(">BBBBHHHBBBxxx", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0))

    def go(self) -> None:
        self._open()
        while True:
            lines = self._lines()
            if lines is None:
                return
            if self._wanted:
                self._draw(_filled(lines))
            ready, _, _ = select.select([self._socket], [], [], 1.0 - time.time() % 1.0)
            if ready:
                self._hear()

    def _open(self) -> None:
        self._socket.sendall(b"RFB 003.008\n")
        self._read(12)
        self._socket.sendall(b"\x01\x01")
        self._read(1)
        self._socket.sendall(b"\0\0\0\0")
        self._read(1)
        name = self._name.encode("latin-1", "replace")
        self._socket.sendall(
            struct.pack(">HH", WIDTH, HEIGHT) + self._format + struct.pack(">I", len(name)) + name
        )

    def _colours(self, pixel_format: bytes) -> None:
        """As the viewer wants them: section 7.4. Palettes are not served."""
        self._format = pixel_format
        bits, _, big, _, *maxima = struct.unpack(">BBBBHHHBBB", pixel_format[:13])
        size = max(1, bits // 8)

        def pixel(colour: tuple[int, int, int]) -> bytes:
            value = 0
            for part, most, shift in zip(colour, maxima[:3], maxima[3:], strict=True):
                value |= (part * most // 255) << shift
            return value.to_bytes(size, "big" if big else "little")

        self._ink, self._paper = pixel(_INK), pixel(_PAPER)

    def _hear(self) -> None:
        kind = self._read(1)[0]
        if kind == 0:
            self._read(3)
            self._colours(self._read(16))
            self._shown = [None] * LINES
        elif kind == 2:
            (count,) = struct.unpack(">xH", self._read(3))
            self._read(4 * count)
        elif kind == 3:
            (incremental,) = struct.unpack(">B8x", self._read(9))
            self._wanted = True
            if not incremental:
                self._shown = [None] * LINES
        elif kind == 4:
            down, key = struct.unpack(">BxxI", self._read(7))
            if down:
                self._keyboard.press(key)
        elif kind == 5:
            self._read(5)
        elif kind == 6:
            (length,) = struct.unpack(">xxxI", self._read(7))
            self._read(min(length, 2**20))
        else:
            raise EOFError

    def _draw(self, lines: list[str]) -> None:
        """The lines that are not as the viewer has them, each as one raw rectangle."""
        changed = [at for at, line in enumerate(lines) if self._shown[at] != line]
        if not changed:
            return
        colour = (self._paper, self._ink)
        parts = [struct.pack(">BxH", 0, len(changed))]
        for at in changed:
            parts.append(struct.pack(">HHHHi", 0, at * _CELL_H, WIDTH, _CELL_H, 0))
            parts.append(b"".join([colour[bit] for bit in strip(lines[at])]))
        self._socket.sendall(b"".join(parts))
        self._shown, self._wanted = list(lines), False

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self._socket.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data
