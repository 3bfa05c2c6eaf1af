"""Screen and serial line of a running domain."""

from __future__ import annotations

import struct
import zlib
from typing import Any

from agent import protocol as p
from agent.drivers.libvirt.context import Context, live_xml

CHUNK = 262_120
# A screen of 4096 x 4096 is more than any console here shows.
MAX_BYTES = 64 * 2**20


class Console:
    def __init__(self, context: Context) -> None:
        self._context = context

    def address(self, uuid: str) -> p.ConsoleAddress:
        with self._context.running(uuid, f"find the console of domain {uuid}") as domain:
            root = live_xml(domain, secure=True)
        graphics = root.find("./devices/graphics[@type='vnc']")
        serial = root.find("./devices/serial/source")
        port = int(graphics.get("port", "0")) if graphics is not None else 0
        return p.ConsoleAddress(
            vnc_host="127.0.0.1" if port > 0 else "",
            vnc_port=max(0, port),
            vnc_password=graphics.get("passwd", "") if graphics is not None else "",
            serial_path=serial.get("path", "") if serial is not None else "",
        )

    def screenshot(self, uuid: str) -> p.Screenshot:
        with self._context.running(uuid, f"take a picture of domain {uuid}") as domain:
            stream = domain.connect().newStream()
            kind = domain.screenshot(stream, 0)
            data = _read(stream)
            stream.finish()
        return p.Screenshot(data if "png" in kind else png_from_ppm(data))


def _read(stream: Any) -> bytes:
    data = bytearray()
    while chunk := stream.recv(CHUNK):
        data += chunk
        if len(data) > MAX_BYTES:
            stream.abort()
            raise p.OperationFailed("The screen is too large for a picture.")
    return bytes(data)


def png_from_ppm(data: bytes) -> bytes:
    """PNG from the binary PPM (P6, 8 bits) that older QEMU gives."""
    fields = data.split(None, 4)
    if len(fields) < 5 or fields[0] != b"P6" or fields[3] != b"255":
        raise p.OperationFailed("The hypervisor gave a picture in a format that is not known.")
    width, height = int(fields[1]), int(fields[2])
    start = data.index(b"255", data.index(fields[2])) + 4
    pixels, row = data[start:], width * 3
    lines = b"".join(b"\0" + pixels[y * row : (y + 1) * row] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, body)
        for kind, body in (
            (b"IHDR", header), (b"IDAT", zlib.compress(lines, 3)), (b"IEND", b""),
        )
    )  # fmt: skip


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
