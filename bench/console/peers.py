"""The two ends of a console in the benchmark: a machine that talks, a browser that listens."""

from __future__ import annotations

import base64
import os
import socket
import struct
import threading

BLOCK = os.urandom(256 * 1024)


class Machine(threading.Thread):
    """Stands where QEMU's VNC server does. First byte from the browser: ``G`` sends without
    end, ``E`` echoes, anything else stays silent."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]

    def run(self) -> None:
        while True:
            connection, _ = self.listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        try:
            wish = connection.recv(1)
            while wish == b"G":
                connection.sendall(BLOCK)
            while True:
                data = connection.recv(65536)
                if not data:
                    return
                if wish == b"E":
                    connection.sendall(data)
        except OSError:
            return


class Direct:
    """A browser without anything between."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray(len(BLOCK))

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self) -> int:
        """Bytes that were there; into one buffer, so that memory is not what is measured."""
        return self.socket.recv_into(self.buffer)

    def receive_message(self, size: int) -> None:
        left = size
        while left:
            left -= len(self.socket.recv(left))

    def close(self) -> None:
        self.socket.close()


class Browser(Direct):
    """A WebSocket that counts what arrives; framing is 4 to 10 bytes a message."""

    def __init__(self, port: int, path: str) -> None:
        super().__init__(port)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: binary\r\nOrigin: http://127.0.0.1:{port}\r\n\r\n".encode()
        )
        reply = b""
        while b"\r\n\r\n" not in reply:
            part = self.socket.recv(1)
            if not part:
                raise ConnectionError(reply.decode("latin-1"))
            reply += part
        if b" 101 " not in reply.split(b"\r\n")[0]:
            raise ConnectionError(reply.decode("latin-1"))

    def send(self, data: bytes) -> None:
        mask = b"\0\0\0\0"  # a zero mask: the work of masking is not what is measured
        self.socket.sendall(struct.pack("!BB", 0x82, 0x80 | len(data)) + mask + data)

    def receive_message(self, size: int) -> None:
        super().receive_message(2 + size)
