"""A whole portal on the simulator, as ``scripts/up`` starts it, with a data folder of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PASSWORD = "a password of the tests"
START_S = 120


class LivePortal:
    """The process and where it is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "portal.log"
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._opener: urllib.request.OpenerDirector | None = None
        self._key = ""
        environment = {
            **os.environ,
            "CLOUDPORTAL_DATA": str(folder / "data"),
            "CLOUDPORTAL_LISTEN": f"127.0.0.1:{self.port}",
            "CLOUDPORTAL_ADMIN_PASSWORD": PASSWORD,
            "CLOUDPORTAL_VIRT": "simulator",
            "DJANGO_SETTINGS_MODULE": "cloudportal.settings",
            "PYTHONUNBUFFERED": "1",
        }
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, str(REPOSITORY / "manage.py"), "up"], cwd=REPOSITORY,
                env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )  # fmt: skip
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + START_S
        while "is ready after" not in self.log.read_text():
            assert self.process.poll() is None, f"the portal ended:\n{self.log.read_text()}"
            assert time.monotonic() < end, f"the portal is not ready:\n{self.log.read_text()}"
            time.sleep(0.1)

    def ask(self, command: str, **given: str) -> dict:
        """A command in the administrator's name, for what a test needs but is not about."""
        if self._opener is None:
            cookies = urllib.request.HTTPCookieProcessor()
            self._opener = urllib.request.build_opener(cookies)
            signed_in = self._call("login", username="admin", password=PASSWORD)
            self._key = signed_in["sessionkey"]
        return self._call(command, sessionkey=self._key, **given)

    def _call(self, command: str, **given: str) -> dict:
        assert self._opener is not None
        form = urllib.parse.urlencode({"command": command, "response": "json", **given}).encode()
        with self._opener.open(f"{self.url}/client/api", form) as reply:
            (answer,) = json.load(reply).values()
        return answer

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
