"""A network namespace, or the machine's own network, spoken to with ip, nft and sysctl."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from agent import names, processes
from agent import protocol as p
from agent.processes import ToolFailed

NETNS = Path("/run/netns")


class Namespace:
    """``name`` "" is the network this process runs in. Failures are NetworkFailed."""

    def __init__(self, name: str = "") -> None:
        self.name = names.namespace(name) if name else ""

    # -- itself ------------------------------------------------------------------------

    def exists(self) -> bool:
        return not self.name or (NETNS / self.name).exists()

    def create(self) -> None:
        if not self.exists():
            _run(["ip", "netns", "add", self.name])
        self.batch(["link set lo up"])

    def delete(self) -> None:
        if self.name and self.exists():
            _run(["ip", "netns", "del", self.name])

    def inode(self) -> int:
        """Tells this namespace from a later one of the same name; 0 when there is none."""
        try:
            return os.stat(NETNS / self.name if self.name else "/proc/self/ns/net").st_ino
        except OSError:
            return 0

    def has_process(self, pid: int, program: str) -> bool:
        """Does ``pid`` run ``program`` in here?"""
        try:
            inside = os.stat(f"/proc/{pid}/ns/net").st_ino == self.inode()
            return inside and Path(f"/proc/{pid}/comm").read_text().strip() == program
        except OSError:
            return False

    def processes(self) -> list[int]:
        if not self.name or not self.exists():
            return []
        return [int(word) for word in _run(["ip", "netns", "pids", self.name]).split()]

    # -- what is in it -----------------------------------------------------------------

    def enter(self, argv: Iterable[str]) -> list[str]:
        prefix = ["nsenter", f"--net={NETNS / self.name}", "--"] if self.name else []
        return [*prefix, *argv]

    def ip(self, *arguments: str) -> list[dict[str, Any]]:
        """``ip -j``. Raises NetworkFailed, also for a device that is not there."""
        where = ["-n", self.name] if self.name else []
        said = _run(["ip", *where, "-j", *arguments])
        return list(json.loads(said)) if said.strip() else []

    def link(self, device: str) -> dict[str, Any] | None:
        """One device, or None."""
        return self.devices([names.device(device)]).get(device)

    def devices(self, wanted: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Those of the devices that are there, with addresses and details, in one process."""
        return self._shown(f"addr show dev {device}" for device in wanted)[0]

    def all_devices(self) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
        """Every device, and the IPv4 default routes."""
        return self._shown(["addr show", "route show default"])

    def _shown(
        self, questions: Iterable[str]
    ) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
        where = ["-n", self.name] if self.name else []
        argv = ["ip", *where, "-j", "-d", "-force", "-batch", "-"]
        try:
            said = processes.run(argv, stdin="\n".join(questions) + "\n", accept=(0, 1))
        except ToolFailed as error:
            raise p.NetworkFailed(f"ip: {error.words}") from error
        devices, routes, decoder = {}, [], json.JSONDecoder()
        text = said.lstrip()
        while text:
            entries, end = decoder.raw_decode(text)
            for entry in entries:
                if "ifname" in entry:
                    devices[str(entry["ifname"])] = entry
                elif "dst" in entry:
                    routes.append(entry)
            text = text[end:].lstrip()
        return devices, routes

    def batch(self, commands: Iterable[str]) -> None:
        """Several ip commands in one process; stops at the first that fails."""
        script = "\n".join(commands)
        if script:
            where = ["-n", self.name] if self.name else []
            _run(["ip", *where, "-batch", "-"], script + "\n")

    def nft(self, rules: str) -> None:
        """Applied as one transaction: all of it or nothing."""
        _run(self.enter(["nft", "-f", "-"]), rules)

    def nft_table(self, family: str, table: str) -> str:
        """The table as the kernel has it, without counters; "" when there is none."""
        try:
            return _run(self.enter(["nft", "-s", "list", "table", family, table]))
        except p.NetworkFailed as error:
            if "No such file or directory" in error.message:
                return ""
            raise

    def sysctl(self, values: Mapping[str, str]) -> None:
        """Keys are paths below /proc/sys (device names may hold dots)."""
        if not self.name:
            for key, value in values.items():
                _write(Path("/proc/sys") / key, value)
        elif values:
            settings = [f"{key}={value}" for key, value in values.items()]
            _run(self.enter(["sysctl", "-q", "-w", *settings]))

    def read_sysctl(self, key: str) -> str:
        if not self.name:
            try:
                return (Path("/proc/sys") / key).read_text().strip()
            except OSError:
                return ""
        return _run(self.enter(["sysctl", "-n", "-e", key])).strip()


def _write(path: Path, value: str) -> None:
    try:
        path.write_text(value)
    except OSError as error:
        raise p.NetworkFailed(f"{path} cannot be set to {value}: {error.strerror}.") from error


def _run(argv: list[str], stdin: str = "") -> str:
    try:
        return processes.run(argv, stdin=stdin, timeout_s=20)
    except ToolFailed as error:
        raise p.NetworkFailed(f"{' '.join(argv[:4])}: {error.words}") from error
