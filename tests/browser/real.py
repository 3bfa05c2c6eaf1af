"""A portal with a real hypervisor, reached through a line of the tests' own that can be cut."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path

from tests.integration.portal import PORT, LabHost, LabPortal


class Tunnel(threading.Thread):
    """A port on the loopback, where browsers trust a page without TLS, that leads to another."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(daemon=True)
        self.target = (host, port)
        self.consoles: tuple[str, int] | None = None  # another place for those, to play a screen
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.open: set[socket.socket] = set()
        self.start()

    def run(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        self.open.add(near)
        try:
            first = near.recv(65536)
            console = first.startswith(b"GET /console/ws/")
            far = socket.create_connection((console and self.consoles) or self.target, 5)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        self.open.add(far)
        far.sendall(first)
        threading.Thread(target=self._pass_on, args=(far, near), daemon=True).start()
        self._pass_on(near, far)

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            self.open.discard(end)

    def cut(self) -> int:
        """Every connection that is open now breaks; new ones are taken. Returns how many."""
        cut = list(self.open)
        for end in cut:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        return len(cut) // 2

    def close(self) -> None:
        self.listener.close()
        self.cut()


class RealPortal(LabPortal):
    """``url`` is the near end of the tunnel."""

    def __init__(self, host: LabHost, images: Path, **environment: str) -> None:
        super().__init__(host, images, **environment)
        self.tunnel = Tunnel(host.address, PORT)
        self.url = self.tunnel.url

    def serial_log(self, uuid: str) -> str:
        """Everything the machine ever said on its serial line."""
        log = self.data / "agent" / "consoles" / f"{uuid}.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def python(self, code: str) -> str:
        return self.manage("shell", "-v0", "-c", code).strip()
