"""uvicorn's WebSocket with a shortcut for consoles.

It offers an ASGI extension: ``scope["extensions"][CARRY]`` is a function that takes a connected
socket and what was typed so far, and carries bytes until one side ends. uvicorn's own way does
it too (``relay.carry``), with a queue, two task switches and a copy for each message.
"""

from __future__ import annotations

import socket

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

from consoleproxy.relay import BEHIND, Pipe

CARRY = "cloudportal.carry"


class ConsoleSocket(WebSocketsSansIOProtocol):
    _pipe: Pipe | None = None

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # it has none when the handshake was refused
            self.scope["extensions"][CARRY] = self.carry

    async def carry(self, end: socket.socket, typed: bytes = b"") -> str:
        """See ``Pipe.ended``. Called after the socket was accepted; closes ``end``."""
        while not self.queue.empty():
            typed += self.queue.get_nowait().get("bytes") or b""
        if self.disconnected or self.close_sent:
            end.close()
            return "browser"
        self.transport.set_write_buffer_limits(high=BEHIND)
        self._pipe = pipe = Pipe(end, self.transport)
        if typed:
            pipe.type(typed)
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        try:
            return await pipe.ended()
        finally:
            self._pipe = None

    def send_receive_event_to_app(self) -> None:
        if self._pipe is None:
            super().send_receive_event_to_app()
            return
        data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        self.frames = []
        self._pipe.type(data)

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        self._left()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._left()

    def _left(self) -> None:
        if self._pipe is not None:
            self._pipe.end("browser")

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._pipe is not None:
            self._pipe.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._pipe is not None:
            self._pipe.resume()
