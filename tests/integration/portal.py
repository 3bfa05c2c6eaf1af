"""A whole portal, as `scripts/up` starts it, in a simulated host with its own network and
libvirtd: nothing it makes touches the machine's own bridges, and all of it dies together."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import cs

REPOSITORY = Path(__file__).resolve().parents[2]
HOSTS = REPOSITORY / "scripts" / "lab" / "hosts"
PASSWORD = "a password of the tests"
PORT = 8080


class LabHost:
    """``scripts/lab/hosts`` for one host, in a lab of its own name, and network by its name.

    A lab that another run of the tests is using is left to it: ``cpit2`` follows ``cpit``.
    """

    def __init__(self, name: str = "cpit") -> None:
        for lab in (name, *(f"{name}{n}" for n in range(2, 10))):
            # Always the same folders, so that ``down`` finds what a killed run left behind.
            self.folder = Path(tempfile.gettempdir()) / f"cp-lab-{lab}"
            self.folder.mkdir(exist_ok=True)
            self._lock = (self.folder / "in-use").open("w")
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
        else:
            raise AssertionError(f"all labs called {name} are in use")
        number = crc32(lab.encode())
        net = f"10.{216 + number % 32}.{number // 32 % 256}"
        self.environment = {
            **os.environ, "LAB_NAME": lab, "LAB_NET": net, "CLOUDPORTAL_DATA": str(self.folder),
        }  # fmt: skip
        self.address = f"{net}.11"
        self.outside = f"{net}.1"

    def new_folder(self) -> Path:
        """For a portal in this host; it stays to be looked at until the next run."""
        for old in self.folder.glob("portal-*"):
            shutil.rmtree(old, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix="portal-", dir=self.folder))

    def __call__(self, *words: str) -> str:
        done = subprocess.run(
            [str(HOSTS), *words], env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"hosts {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def enter(self) -> list[str]:
        """What to put before a command so that it runs in the host."""
        spaces = ["--mount", "--uts", "--net", "--pid", "--cgroup"]
        return ["nsenter", "-t", self("pid", "1"), *spaces, "--"]

    def run(self, *command: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
        inside = [*self.enter(), *command]
        return subprocess.run(
            inside, capture_output=True, text=True, timeout=timeout_s, check=False
        )

    def virsh(self, *words: str) -> str:
        return self.run("virsh", "-q", "-c", self.inner_uri, *words).stdout.strip()

    inner_uri = "qemu:///system"


class LabPortal:
    """``manage.py up`` in a lab host, with a data folder of its own."""

    program = (sys.executable, str(REPOSITORY / "manage.py"), "up")

    def __init__(self, host: LabHost, images: Path, **environment: str) -> None:
        self.host = host
        self.data = host.new_folder()
        (self.data / "images").symlink_to(images)
        self.log = self.data / "portal.log"
        self.url = f"http://{host.address}:{PORT}"
        self.environment = {
            **os.environ,
            "CLOUDPORTAL_DATA": str(self.data),
            "CLOUDPORTAL_LISTEN": f"{host.address}:{PORT}",
            "CLOUDPORTAL_ADMIN_PASSWORD": PASSWORD,
            "CLOUDPORTAL_LIBVIRT_URI": host.inner_uri,
            "CLOUDPORTAL_VIRT": "auto",
            "CLOUDPORTAL_LOG": "INFO",
            "DJANGO_SETTINGS_MODULE": "cloudportal.settings",
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, timeout_s: float = 120, options: Sequence[str] = ()) -> float:
        """Seconds until the address was printed. AssertionError with the log if it was not."""
        began = time.monotonic()
        before = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.host.enter(), *self.program, *options],
                cwd=REPOSITORY, env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log,
            )  # fmt: skip
        while time.monotonic() - began < timeout_s:
            said = self.log.read_bytes()[before:].decode(errors="replace")
            if "is ready after" in said:
                return time.monotonic() - began
            assert self.process.poll() is None, f"the portal ended:\n{said}"
            time.sleep(0.05)
        raise AssertionError(f"the portal is not ready after {timeout_s} s:\n{said}")

    @property
    def pid(self) -> int:
        """nsenter forks to enter the process namespace; its child is the portal."""
        assert self.process
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(children.read_text().split()[0])

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self._reap()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        os.kill(self.pid, number)
        self._reap()

    def _reap(self) -> None:
        assert self.process
        self.process.wait(30)
        self.process = None

    def client(
        self, key: str = "", secret: str = "", *, renew: bool = False, **more: Any
    ) -> cs.CloudStack:
        """The unmodified ``cs`` client; without keys those of the first administrator, made
        anew when ``renew`` (after a reset)."""
        if renew:
            del self._keys
        if not key:
            key, secret = self.admin_keys()
        return cs.CloudStack(
            endpoint=f"{self.url}/client/api", key=key, secret=secret, poll_interval=0.1,
            job_timeout=120, timeout=30, trace=False, **more,
        )  # fmt: skip

    def manage(self, *words: str) -> str:
        """A management command of this portal, from a second process."""
        done = subprocess.run(
            [*self.host.enter(), sys.executable, str(REPOSITORY / "manage.py"), *words],
            cwd=REPOSITORY, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def admin_keys(self) -> tuple[str, str]:
        if not hasattr(self, "_keys"):
            users = json.loads(self.manage("api", "listUsers", "username=admin"))
            userid = users["user"][0]["id"]
            made = json.loads(self.manage("api", "registerUserKeys", f"id={userid}"))
            keys = made["userkeys"]
            self._keys = (keys["apikey"], keys["secretkey"])
        return self._keys


def wait_until(condition: Any, what: str, timeout_s: float = 60) -> Any:
    """The first true answer; AssertionError naming ``what`` when none came in time."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {timeout_s:.0f} s")
