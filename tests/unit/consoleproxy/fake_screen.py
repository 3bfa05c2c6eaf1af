"""A hypervisor's screen for tests: VNC's opening, with or without a password, then an echo."""

from __future__ import annotations

import secrets
import socket
import threading

from consoleproxy import rfb


class Screen(threading.Thread):
    """Serves one visitor after the other; ``opened`` counts those who got through."""

    def __init__(self, password: str = "", refuses: str = "") -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.password = password
        self.refuses = refuses
        self.opened = 0
        self.start()

    def run(self) -> None:
        while True:
            try:
                visitor, _ = self.listener.accept()
            except OSError:
                return
            with visitor:
                if self._opens(visitor):
                    self.opened += 1
                    while data := visitor.recv(65536):
                        visitor.sendall(data)

    def _opens(self, visitor: socket.socket) -> bool:
        visitor.sendall(b"RFB 003.008\n")
        visitor.recv(12)
        if self.refuses:
            visitor.sendall(b"\0" + _text(self.refuses))
            return False
        kind = rfb.PASSWORD if self.password else rfb.OPEN
        visitor.sendall(bytes([1, kind]))
        if visitor.recv(1) != bytes([kind]):
            return False
        if self.password:
            challenge = secrets.token_bytes(16)
            visitor.sendall(challenge)
            if visitor.recv(16) != rfb.answer_to(challenge, self.password):
                visitor.sendall(b"\0\0\0\1" + _text("Authentication failed"))
                return False
        visitor.sendall(b"\0\0\0\0")
        return True

    def close(self) -> None:
        self.listener.close()


def _text(words: str) -> bytes:
    return len(words).to_bytes(4, "big") + words.encode()
