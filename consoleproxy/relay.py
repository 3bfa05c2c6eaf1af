"""The bytes between a browser's socket and a machine's screen or serial line.

The consumer has checked everything; from here on nothing is looked at. Messages go straight
between the ASGI server's ``receive``/``send`` and a socket, past Channels' dispatch and past
asyncio's streams, because each of these costs more than the bytes (`bench/console`).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

#: Read at most so much at a time. Nearly all of a console's cost is the kernel's, per call:
#: against 64 KiB, 1 MiB halves the processor time for a byte. Memory is taken only while
#: there are bytes to read.
CHUNK = 1024 * 1024

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


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


async def carry(end: socket.socket, receive: Receive, send: Send) -> str:
    """Until one side ends; says which: "browser" or "machine"."""
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
        message = await receive()
        if message["type"] != "websocket.receive":
            return
        await loop.sock_sendall(end, message.get("bytes") or (message.get("text") or "").encode())
