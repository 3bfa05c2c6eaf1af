"""The bytes between a browser's socket and a machine's screen or serial line.

The consumer has checked everything; from here on nothing is looked at, except that a screen's
password is given on the browser's behalf (``rfb``). Two ways carry the bytes: ``Pipe``, which
`consoleproxy.server` drives from the event loop's callbacks without a task, a queue or a copy
between, and ``carry``, which needs nothing but ASGI and serves under any other server.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from consoleproxy import rfb

#: Read at most so much at a time. Nearly all of a console's cost is the kernel's, per call; below
#: this it shows, above it nothing is gained (`bench/README.md`). Memory is taken only while there
#: are bytes to read.
CHUNK = 512 * 1024
BEHIND = 1024 * 1024  # so much may wait for a slow browser before the machine is left to wait
OPENING_S = 10  # for a screen or a browser to get through VNC's first exchange

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Gone(Exception):
    """The browser left before the console was open."""


async def connect(host: str, port: int, serial_path: str) -> socket.socket:
    """The host's end, ready to read and write. Raises OSError when it does not answer."""
    loop = asyncio.get_running_loop()
    if serial_path:
        end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        address: Any = serial_path
    else:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        end = socket.socket(family, socket.SOCK_STREAM)
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        address = (host, port)
    end.setblocking(False)
    try:
        await asyncio.wait_for(loop.sock_connect(end, address), 5)
    except BaseException:
        end.close()
        raise
    return end


async def sign_in(end: socket.socket, password: str) -> None:
    """Opens a screen. Raises OSError when it does not speak VNC or refuses the password."""
    loop = asyncio.get_running_loop()

    async def read(count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = await loop.sock_recv(end, count - len(data))
            if not part:
                raise rfb.Failed("the screen hung up")
            data += part
        return data

    try:
        opening = rfb.follow(rfb.sign_in(password), read, lambda d: loop.sock_sendall(end, d))
        await asyncio.wait_for(opening, OPENING_S)
    except BaseException:
        end.close()
        raise


async def welcome(receive: Receive, send: Send) -> bytes:
    """Lets the browser in; returns what it sent beyond that. Raises Gone or OSError."""
    typed = bytearray()

    async def read(count: int) -> bytes:
        while len(typed) < count:
            typed.extend(_bytes_of(await receive()))
        taken = bytes(typed[:count])
        del typed[:count]
        return taken

    async def write(data: bytes) -> None:
        await send({"type": "websocket.send", "bytes": data})

    await asyncio.wait_for(rfb.follow(rfb.welcome(), read, write), OPENING_S)
    return bytes(typed)


async def carry(end: socket.socket, receive: Receive, send: Send, typed: bytes = b"") -> str:
    """Until one side ends; says which: "browser" or "machine"."""
    await asyncio.get_running_loop().sock_sendall(end, typed)
    outward = asyncio.create_task(_to_browser(end, send))
    inward = asyncio.create_task(_to_machine(end, receive))
    try:
        done, _ = await asyncio.wait({outward, inward}, return_when=asyncio.FIRST_COMPLETED)
        return "browser" if inward in done else "machine"
    finally:
        for task in (outward, inward):
            task.cancel()
        # A browser that is gone makes the server's send fail; there is nobody to tell.
        await asyncio.gather(outward, inward, return_exceptions=True)
        end.close()


async def _to_browser(end: socket.socket, send: Send) -> None:
    loop = asyncio.get_running_loop()
    while data := await loop.sock_recv(end, CHUNK):
        # Waits while the browser is slow, so the machine's bytes stay in the kernel.
        await send({"type": "websocket.send", "bytes": data})


async def _to_machine(end: socket.socket, receive: Receive) -> None:
    loop = asyncio.get_running_loop()
    while True:
        try:
            data = _bytes_of(await receive())
        except Gone:
            return
        await loop.sock_sendall(end, data)


def _bytes_of(message: dict[str, Any]) -> bytes:
    if message["type"] != "websocket.receive":
        raise Gone
    return message.get("bytes") or (message.get("text") or "").encode()


class Browser(Protocol):
    """What a Pipe needs of a server's connection."""

    def writelines(self, data: Any) -> None: ...
    def is_closing(self) -> bool: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


class Pipe:
    """One open console. The server says when the browser typed, lags, catches up or left."""

    def __init__(self, end: socket.socket, browser: Browser) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = end
        self._browser = browser
        self._typed = b""  # what the machine has not taken yet
        self._ended: asyncio.Future[str] = self._loop.create_future()
        self.resume()

    async def ended(self) -> str:
        """Until one side ends; says which: "browser" or "machine"."""
        try:
            return await self._ended
        finally:
            self.end("browser")

    def end(self, by: str) -> None:
        if self._end.fileno() >= 0:
            self._loop.remove_reader(self._end)
            self._loop.remove_writer(self._end)
            self._end.close()
        if not self._ended.done():
            self._ended.set_result(by)

    def pause(self) -> None:
        """The browser is slow: the machine's bytes stay in the kernel."""
        if self._end.fileno() >= 0:
            self._loop.remove_reader(self._end)

    def resume(self) -> None:
        if self._end.fileno() >= 0:
            self._loop.add_reader(self._end, self._show)

    def type(self, data: bytes) -> None:
        if self._typed:
            self._typed += data
            return
        sent = self._send(data)
        if sent < len(data):
            self._typed = data[sent:]
            self._browser.pause_reading()
            self._loop.add_writer(self._end, self._type_on)

    def _type_on(self) -> None:
        self._typed = self._typed[self._send(self._typed) :]
        if not self._typed and self._end.fileno() >= 0:
            self._loop.remove_writer(self._end)
            self._browser.resume_reading()

    def _send(self, data: bytes) -> int:
        try:
            return self._end.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            self.end("machine")
            return len(data)

    def _show(self) -> None:
        if self._browser.is_closing():
            self.end("browser")
            return
        try:
            data = self._end.recv(CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            self._browser.writelines((header(len(data)), data))
        else:
            self.end("machine")


def header(size: int) -> bytes:
    """Of a whole binary message from a server, RFC 6455, section 5.2."""
    if size < 126:
        return struct.pack("!BB", 0x82, size)
    if size < 65536:
        return struct.pack("!BBH", 0x82, 126, size)
    return struct.pack("!BBQ", 0x82, 127, size)
