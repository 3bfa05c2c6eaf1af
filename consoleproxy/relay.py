"""The bytes between a browser's socket and a machine's screen or serial line.

The consumer has checked everything; from here on nothing is looked at. Messages go straight
between the ASGI server's ``receive``/``send`` and a stream, past Channels' dispatch, because
that dispatch costs more than the bytes (`bench/console`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

CHUNK = 256 * 1024

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Pipe(asyncio.Protocol):
    """The host's end. Bytes that arrive are sent on as they are, one message at a time;
    reading stops while the browser is slower than the machine."""

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.waiting = 0
        self.room = asyncio.Event()
        self.room.set()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.set_write_buffer_limits(high=CHUNK)

    def data_received(self, data: bytes) -> None:
        self.arrived.put_nowait(data)
        self.waiting += len(data)
        if self.waiting > 4 * CHUNK and self.transport is not None:
            self.transport.pause_reading()

    def taken(self, size: int) -> None:
        before = self.waiting
        self.waiting -= size
        if before > 4 * CHUNK >= self.waiting and self.transport is not None:
            self.transport.resume_reading()

    def pause_writing(self) -> None:
        self.room.clear()

    def resume_writing(self) -> None:
        self.room.set()

    def connection_lost(self, error: Exception | None) -> None:
        self.room.set()
        self.arrived.put_nowait(None)


async def connect(host: str, port: int, serial_path: str) -> Pipe:
    """Raises OSError when the host does not answer."""
    loop = asyncio.get_running_loop()
    if serial_path:
        _, pipe = await loop.create_unix_connection(Pipe, serial_path)
    else:
        _, pipe = await loop.create_connection(Pipe, host, port)
    return pipe


async def carry(pipe: Pipe, receive: Receive, send: Send) -> str:
    """Until one side ends; says which: "browser" or "machine"."""
    outward = asyncio.create_task(_to_browser(pipe, send))
    inward = asyncio.create_task(_to_machine(pipe, receive))
    try:
        done, _ = await asyncio.wait({outward, inward}, return_when=asyncio.FIRST_COMPLETED)
        return "browser" if inward in done else "machine"
    finally:
        if pipe.transport is not None:
            pipe.transport.close()
        for task in (outward, inward):
            task.cancel()
        # A browser that is gone makes the server's send fail; there is nobody to tell.
        await asyncio.gather(outward, inward, return_exceptions=True)


async def _to_browser(pipe: Pipe, send: Send) -> None:
    while True:
        data = await pipe.arrived.get()
        if data is None:
            return
        parts, size = [data], len(data)
        while size < CHUNK and not pipe.arrived.empty():
            more = pipe.arrived.get_nowait()
            if more is None:
                pipe.arrived.put_nowait(None)
                break
            parts.append(more)
            size += len(more)
        await send(
            {"type": "websocket.send", "bytes": b"".join(parts) if len(parts) > 1 else data}
        )
        pipe.taken(size)


async def _to_machine(pipe: Pipe, receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] != "websocket.receive":
            return
        data = message.get("bytes") or (message.get("text") or "").encode()
        if pipe.transport is None or pipe.transport.is_closing():
            return
        pipe.transport.write(data)
        if not pipe.room.is_set():
            await pipe.room.wait()
