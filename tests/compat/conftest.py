"""A whole portal on the simulator, as ``scripts/up`` starts it, on a free port of loopback."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

REPOSITORY = Path(__file__).resolve().parents[2]
PASSWORD = "a password of the tests"


@dataclass(frozen=True)
class Portal:
    """Where it is, and the first administrator's keys, got over the wire by log-in."""

    host: str
    port: int
    key: str
    secret: str

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/client/api"


class Running:
    """A portal with a data folder of its own, which can be started again and again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.pid = 0
        self.keys: tuple[str, str] | None = None

    @contextlib.contextmanager
    def start(self, *options: str) -> Iterator[Portal]:
        log = self.folder / "portal.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, str(REPOSITORY / "manage.py"), "up", *options], cwd=REPOSITORY,
                env=self._environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )  # fmt: skip
        self.pid = process.pid
        try:
            _wait(process, log)
            self.keys = self.keys or _keys(f"http://127.0.0.1:{self.port}/client/api")
            yield Portal("127.0.0.1", self.port, *self.keys)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "CLOUDPORTAL_DATA": str(self.folder / "data"),
            "CLOUDPORTAL_LISTEN": f"127.0.0.1:{self.port}",
            "CLOUDPORTAL_ADMIN_PASSWORD": PASSWORD,
            "CLOUDPORTAL_DATABASE_URL": "",
            "CLOUDPORTAL_VIRT": "simulator",
            "DJANGO_SETTINGS_MODULE": "cloudportal.settings",
            "PYTHONUNBUFFERED": "1",
        }


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with Running(tmp_path_factory.mktemp("portal")).start() as found:
        yield found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait(process: subprocess.Popen[bytes], log: Path, timeout_s: float = 300) -> None:
    end = time.monotonic() + timeout_s
    while "is ready after" not in log.read_text():
        assert process.poll() is None, f"the portal ended:\n{log.read_text()}"
        assert time.monotonic() < end, f"the portal is not ready:\n{log.read_text()}"
        time.sleep(0.1)


def _keys(url: str) -> tuple[str, str]:
    http = requests.Session()

    def call(command: str, **params: str) -> dict:
        response = http.post(url, {"command": command, "response": "json", **params}, timeout=30)
        ((_, body),) = response.json().items()
        assert response.status_code == 200, body
        return body

    user = call("login", username="admin", password=PASSWORD)
    made = call("registerUserKeys", id=user["userid"], sessionkey=user["sessionkey"])["userkeys"]
    call("logout", sessionkey=user["sessionkey"])
    return made["apikey"], made["secretkey"]
