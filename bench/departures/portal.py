"""A portal of the bench's own, from its start to a pair of keys."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + 120
    while b"cloudportal is ready" not in log.read_bytes():
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"The portal did not start:\n{log.read_text()}")
        time.sleep(0.2)
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
        pass


def keys_of_admin(port: int, password: str) -> tuple[str, str]:
    opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def ask(**given: str) -> dict[str, Any]:
        body = urlencode({**given, "response": "json"}).encode()
        with opener.open(f"http://127.0.0.1:{port}/client/api", body, 60) as reply:
            return next(iter(json.load(reply).values()))

    begun = ask(command="login", username="admin", password=password)
    made = ask(
        command="registerUserKeys", id=begun["userid"], sessionkey=begun["sessionkey"]
    )["userkeys"]  # fmt: skip
    return made["apikey"], made["secretkey"]
