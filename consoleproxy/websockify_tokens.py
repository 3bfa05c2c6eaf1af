"""A token plugin that makes stock websockify a console gateway on a hypervisor's host.

``websockify --token-plugin consoleproxy.websockify_tokens.PortalTokens \\
--token-source https://portal.example --cert … 6080``

In the environment: CLOUDPORTAL_GATEWAY_SECRET, the same as the portal's, and, where the portal
knows this host by another name than its own, CLOUDPORTAL_GATEWAY_HOST.

A token is a console ticket; the portal redeems it once. websockify serves each connection in a
process of its own, and this plugin works there: it opens the screen with its password, which
the browser never learns, asks the portal every few seconds whether the session may go on, and
tells it when it ended. Needs websockify and cryptography, and this file with ``rfb.py`` beside
it; nothing of Django.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import tempfile
import threading
import time
import urllib.error
import urllib.request
from typing import Any

from websockify.token_plugins import BasePlugin

from consoleproxy import rfb

ASK_EVERY_S = 3
#: A portal that restarts is back sooner; without its word for so long the console ends.
WITHOUT_WORD_S = 30
CHUNK = 256 * 1024


class PortalTokens(BasePlugin):
    """``source`` is the portal's address."""

    def lookup(self, token: str) -> tuple[str, str] | None:
        """Where websockify is to connect: this plugin's own socket. None refuses."""
        host = os.environ.get("CLOUDPORTAL_GATEWAY_HOST") or socket.gethostname()
        found = self._ask("", {"ticket": token, "host": host})
        if found is None:
            return None
        try:
            screen = socket.create_connection((found["host"], found["port"]), 5)
            rfb.drive(rfb.sign_in(found["password"]), _reader(screen), screen.sendall)
            screen.settimeout(None)
        except OSError:
            self._ended(found["session"])
            return None
        # Not a port of the loopback: a neighbour on this host could be quicker than websockify.
        folder = tempfile.mkdtemp()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(f"{folder}/screen")
        listener.listen(1)
        serving = (listener, folder, screen, found["session"])
        # Not a daemon: websockify's process waits for it, so that the end is told.
        threading.Thread(target=self._serve, args=serving).start()
        return "unix_socket", f"{folder}/screen"

    def _serve(
        self, listener: socket.socket, folder: str, screen: socket.socket, session: str
    ) -> None:
        listener.settimeout(10)
        try:
            browser, _ = listener.accept()
            threading.Thread(target=self._follow, args=(session, screen), daemon=True).start()
            browser.settimeout(10)
            rfb.drive(rfb.welcome(), _reader(browser), browser.sendall)
            browser.settimeout(None)
            threading.Thread(target=_pass_on, args=(browser, screen), daemon=True).start()
            _pass_on(screen, browser)
        except OSError:
            screen.close()
        finally:
            self._ended(session)
            listener.close()
            shutil.rmtree(folder, ignore_errors=True)

    def _follow(self, session: str, screen: socket.socket) -> None:
        """Closes the screen when the portal says so, or has said nothing for too long."""
        heard = time.monotonic()
        while time.monotonic() - heard < WITHOUT_WORD_S:
            time.sleep(ASK_EVERY_S)
            answer = self._ask("/session", {"session": session})
            if answer is not None:
                heard = time.monotonic()
                if not answer["open"]:
                    break
        _hang_up(screen)

    def _ended(self, session: str) -> None:
        self._ask("/session", {"session": session, "ended": True})

    def _ask(self, path: str, question: dict[str, Any]) -> dict[str, Any] | None:
        secret = os.environ.get("CLOUDPORTAL_GATEWAY_SECRET", "")
        request = urllib.request.Request(
            f"{self.source.rstrip('/')}/console/gateway{path}",
            data=json.dumps(question).encode(),
            headers={"Authorization": f"Bearer {secret}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                answer: dict[str, Any] = json.load(reply)
                return answer
        except (urllib.error.URLError, ValueError, OSError):
            return None


def _reader(end: socket.socket) -> Any:
    def read(count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = end.recv(count - len(data))
            if not part:
                raise rfb.Failed("the other side hung up")
            data += part
        return data

    return read


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK):
            sink.sendall(data)
    _hang_up(source)
    _hang_up(sink)


def _hang_up(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
