"""The two programs of a router: dnsmasq for each network, and the metadata server.

They are started in the router's namespace, let go of, and found again by their pid files:
they outlive this process, and a restarted one takes them over.
"""

from __future__ import annotations

import grp
import json
import os
import pwd
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from agent import processes
from agent import protocol as p
from agent.network import metadata_server
from agent.network.namespaces import Namespace
from agent.network.rendering import Dnsmasq
from agent.processes import ToolFailed
from agent.storage.placing import whole_file

STOP_WITHIN_S = 3.0
SERVER = Path(metadata_server.__file__)


def pid_in(path: Path) -> int:
    try:
        return int(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0


def write_if_changed(path: Path, text: str, mode: int = 0o644, owner: int = -1) -> bool:
    """Replace a file whole; False when it says so already."""
    with suppress(OSError):
        if path.read_text() == text:
            return False
    with whole_file(path, mode) as part:
        part.touch(mode=0o600)
        part.write_text(text)
        if owner >= 0:
            os.chown(part, owner, owner)
    return True


# -- dnsmasq ---------------------------------------------------------------------------


class DnsmasqProcess:
    def __init__(self, space: Namespace, folder: Path, device: str) -> None:
        self._space = space
        self._folder = folder
        self._device = device

    def _file(self, suffix: str) -> Path:
        return self._folder / f"{self._device}.{suffix}"

    def apply(self, wanted: Dnsmasq) -> None:
        """Config changed or not running: start anew. Only hosts changed: have it read them."""
        new_config = write_if_changed(self._file("conf"), wanted.config)
        new_hosts = [
            write_if_changed(self._file("hosts"), wanted.hosts),
            write_if_changed(self._file("dhcp"), wanted.dhcp),
            write_if_changed(self._file("options"), wanted.options),
        ]
        stale = self._stale_leases(wanted.pairs)
        if new_config or stale or not self.is_running():
            self.stop()
            self._drop_leases(stale)
            self._start()
        elif any(new_hosts):
            os.kill(self.pid(), signal.SIGHUP)

    def problems(self, wanted: Dnsmasq) -> list[str]:
        found = []
        if not self.is_running():
            found.append(f"dnsmasq of {self._device} is not running")
        texts = (("conf", wanted.config), ("dhcp", wanted.dhcp), ("hosts", wanted.hosts))
        for suffix, text in texts:
            path = self._file(suffix)
            if not path.is_file() or path.read_text() != text:
                found.append(f"{path.name} is not as wanted")
        return found

    def pid(self) -> int:
        return pid_in(self._file("pid"))

    def is_running(self) -> bool:
        pid = self.pid()
        return pid > 0 and self._space.has_process(pid, "dnsmasq")

    def stop(self) -> None:
        if self.is_running():
            _end(self.pid(), lambda: not self.is_running())
        self._file("pid").unlink(missing_ok=True)

    def remove(self) -> None:
        self.stop()
        for path in self._folder.glob(f"{self._device}.*"):
            path.unlink(missing_ok=True)

    def _start(self) -> None:
        user, group = _nobody()
        argv = ["dnsmasq", f"--conf-file={self._file('conf')}", f"--user={user}"]
        try:
            processes.run(self._space.enter([*argv, f"--group={group}"]), timeout_s=10)
        except ToolFailed as error:
            raise p.NetworkFailed(f"dnsmasq of {self._device}: {error.words}") from error

    def _stale_leases(self, pairs: dict[str, str]) -> set[str]:
        """Addresses leased to another card than the one that shall have them now: dnsmasq
        would hold them for the old one until the lease ends."""
        return {
            address for mac, address in self._leases() if address in pairs and pairs[address] != mac
        }

    def _leases(self) -> list[tuple[str, str]]:
        """(MAC, address) of the IPv4 leases; a line is: expiry mac address name client-id."""
        try:
            lines = self._file("leases").read_text().splitlines()
        except OSError:
            return []
        fields = [line.split() for line in lines]
        return [(f[1].lower(), f[2]) for f in fields if len(f) >= 4 and ":" not in f[2]]

    def _drop_leases(self, addresses: set[str]) -> None:
        path = self._file("leases")
        if addresses and path.exists():
            lines = path.read_text().splitlines(keepends=True)
            kept = [line for line in lines if not addresses & set(line.split()[2:3])]
            path.write_text("".join(kept))


@cache
def _nobody() -> tuple[str, str]:
    return "nobody", grp.getgrgid(pwd.getpwnam("nobody").pw_gid).gr_name


# -- the metadata server ---------------------------------------------------------------


class MetadataProcess:
    def __init__(self, space: Namespace, folder: Path) -> None:
        self._space = space
        self._folder = folder
        self._data = folder / "metadata.json"
        self._pid = folder / "metadata.pid"
        self._taken = folder / "taken"

    def apply(self, text: str) -> None:
        """The running server sees the new file by itself."""
        uid = metadata_server.UID
        self._taken.mkdir(mode=0o700, exist_ok=True)
        os.chown(self._taken, uid, uid)
        write_if_changed(self._data, text, 0o400, uid)
        if not self.is_running():
            self._start()

    def taken(self, text: str) -> tuple[str, ...]:
        """Addresses whose guest has confirmed the password that ``text`` holds for it.

        Marks of passwords that are no longer in the text are swept.
        """
        guests = json.loads(text)["guests"]
        marks = {
            metadata_server.mark(address, guest["password"]): address
            for address, guest in guests.items()
            if guest["password"]
        }
        found = []
        with suppress(FileNotFoundError):
            for name in os.listdir(self._taken):
                if name in marks:
                    found.append(marks[name])
                else:
                    (self._taken / name).unlink(missing_ok=True)
        return tuple(sorted(found))

    def problems(self, text: str) -> list[str]:
        found = [] if self.is_running() else ["the metadata server is not running"]
        if not self._data.is_file() or self._data.read_text() != text:
            found.append("the metadata is not as wanted")
        return found

    def is_running(self) -> bool:
        pid = pid_in(self._pid)
        return pid > 0 and self._space.has_process(pid, metadata_server.NAME)

    def stop(self) -> None:
        if self.is_running():
            _end(pid_in(self._pid), lambda: not self.is_running())
        self._pid.unlink(missing_ok=True)

    def _start(self) -> None:
        # Its starter returns when the file is there: one of a dead server must not be.
        self._pid.unlink(missing_ok=True)
        argv = [sys.executable, "-I", "-S", str(SERVER), str(self._folder)]
        try:
            processes.run(self._space.enter(argv), timeout_s=10)
        except ToolFailed as error:
            raise p.NetworkFailed(f"The metadata server: {error.words}") from error


def _end(pid: int, is_gone: Callable[[], bool]) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + STOP_WITHIN_S
        while not is_gone():
            if time.monotonic() > end:
                os.kill(pid, signal.SIGKILL)
                end += STOP_WITHIN_S
            time.sleep(0.005)
