"""The portal's web server as a process of its own, for a database that was made before."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from accounts.models import User
from accounts.services import keys
from api import signature


def before_all_else() -> None:
    """This process, and those it starts, run before whatever else the machine does (root).

    By its weight, not in real time: the kernel takes a real-time process off its core for 50 ms
    of each second, which is what one would then measure.
    """
    os.setpriority(os.PRIO_PROCESS, 0, -20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def serving(*options: str, **environment: str) -> Iterator[tuple[int, int]]:
    """(port, process id) of a server with this process's data folder and database."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.http.server", *options],
        env={**os.environ, "CLOUDPORTAL_LISTEN": f"127.0.0.1:{port}", **environment},
        cwd=Path(__file__).resolve().parent.parent,
    )
    try:
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if time.monotonic() > end or process.poll() is not None:
                raise RuntimeError("the server did not start")
            time.sleep(0.05)
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


class Signer:
    """Paths of signed calls as the first administrator."""

    def __init__(self) -> None:
        user = User.objects.get(username="admin", domain__level=0)
        self.key, self.secret = keys.register(user)

    def path(self, command: str, **params: Any) -> str:
        sent = {"command": command, "response": "json", "apiKey": self.key, **params}
        sent = {name: str(value) for name, value in sent.items()}
        sent["signature"] = signature.signature_of(self.secret, sent)
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in sent.items())
        return f"/client/api?{query}"


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far: what a figure costs, whatever else the machine does."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
