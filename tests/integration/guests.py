"""Boots the tiny guest in a bare QEMU of its own, without libvirt and without the portal."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

BOOT_TIMEOUT_S = 90


def wait_until(condition: Callable[[], Any], what: str, timeout_s: float = BOOT_TIMEOUT_S) -> Any:
    """The first true answer of ``condition``; AssertionError naming ``what`` when none came."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.2)
    raise AssertionError(f"{what}: not within {timeout_s:.0f} s")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class BareGuest:
    """A guest on QEMU's user networking (10.0.2.15, SSH at a port of the loopback) or in a
    network namespace ``netns``, which has a tap device ``tap0`` and leases ``address``.

    As a context manager it boots on entry and is killed on exit. ``folder`` keeps its
    overlay disk, serial log and sockets; a second guest on the same folder finds the disk
    as the first left it.
    """

    def __init__(
        self,
        image: Path,
        folder: Path,
        *arguments: str,
        memory: str = "128",
        netns: str = "",
        address: str = "127.0.0.1",
    ) -> None:
        self.folder = folder
        self.key = folder / "key"
        self._image = image
        self._arguments = arguments
        self._memory = memory
        self._enter = ["ip", "netns", "exec", netns] if netns else []
        self._address = address
        self._ssh_port = 22 if netns else free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        disk = self.folder / "root.qcow2"
        if not disk.exists():
            subprocess.run(
                ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2"]
                + ["-b", str(self._image), str(disk)],
                check=True,
            )
        if not self.key.exists():
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)], check=True
            )
        self._process = subprocess.Popen(self._command(disk), stdin=subprocess.DEVNULL)
        self._monitor = self._open_monitor()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process
        self._monitor.close()
        self._process.kill()
        self._process.wait()

    def _command(self, disk: Path) -> list[str]:
        (self.folder / "serial.log").unlink(missing_ok=True)
        tty = f"path={self.folder}/tty,server=on,wait=off"
        return [
            *self._enter,
            *("qemu-system-x86_64", "-accel", "tcg", "-machine", "pc", "-cpu", "max"),
            *("-m", self._memory, "-display", "none", "-vga", "std"),
            *("-drive", f"file={disk},if=virtio"),
            *("-netdev", self._netdev()),
            *("-device", "virtio-net-pci,netdev=lan"),
            *("-chardev", f"socket,id=tty,{tty},logfile={self.folder}/serial.log"),
            *("-serial", "chardev:tty"),
            *("-qmp", f"unix:{self.folder}/qmp,server=on,wait=off"),
            *self._arguments,
        ]

    def _netdev(self) -> str:
        if self._enter:
            return "tap,id=lan,ifname=tap0,script=no,downscript=no"
        return f"user,id=lan,hostfwd=tcp:127.0.0.1:{self._ssh_port}-:22"

    def _open_monitor(self) -> socket.socket:
        monitor = socket.socket(socket.AF_UNIX)
        path = str(self.folder / "qmp")

        def connected() -> bool:
            try:
                monitor.connect(path)
            except (FileNotFoundError, ConnectionRefusedError):
                return False
            return True

        wait_until(connected, "QEMU's monitor", 10)
        self._answers = monitor.makefile("r")
        self._answers.readline()
        self._send(monitor, "qmp_capabilities", {})
        return monitor

    def _send(self, monitor: socket.socket, command: str, arguments: dict[str, Any]) -> Any:
        monitor.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while True:
            answer = json.loads(self._answers.readline())
            if "event" not in answer:
                assert "error" not in answer, answer
                return answer["return"]

    def qmp(self, command: str, **arguments: Any) -> Any:
        """The answer of a QMP command; underscores in argument names stand for dashes."""
        named = {name.replace("_", "-"): value for name, value in arguments.items()}
        return self._send(self._monitor, command, named)

    def serial(self) -> str:
        return (self.folder / "serial.log").read_text(errors="replace")

    def wait_for(self, words: str, timeout_s: float = BOOT_TIMEOUT_S) -> str:
        """The serial output, once ``words`` are in it."""
        wait_until(lambda: words in self.serial(), f"{words!r} on the serial console", timeout_s)
        return self.serial()

    def type_on_serial(self, text: str) -> None:
        with socket.socket(socket.AF_UNIX) as tty:
            tty.connect(str(self.folder / "tty"))
            tty.sendall(text.encode())
            time.sleep(0.5)

    def ssh(
        self, command: str, *options: str, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._enter, "ssh", "-i", str(self.key), "-p", str(self._ssh_port)]
            + ["-o", "LogLevel=ERROR"]
            + ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
            + ["-o", "ConnectTimeout=10", *options, "-o", "BatchMode=yes"]
            + [f"root@{self._address}", command],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=environment,
        )

    def ssh_with_password(self, password: str, command: str) -> subprocess.CompletedProcess[str]:
        answer = self.folder / "askpass"
        answer.write_text(f"#!/bin/sh\nprintf '%s\\n' '{password}'\n")
        answer.chmod(0o700)
        with_password = {"SSH_ASKPASS": str(answer), "SSH_ASKPASS_REQUIRE": "force"}
        options = ("-o", "BatchMode=no", "-o", "PubkeyAuthentication=no")
        options += ("-o", "NumberOfPasswordPrompts=1")
        return self.ssh(command, *options, environment=os.environ | with_password)

    def run(self, command: str) -> str:
        """Standard output of ``command`` in the guest; waits for SSH to answer first."""
        done = wait_until(
            lambda: (answer := self.ssh(command)).returncode != 255 and answer,
            f"SSH for {command!r}",
        )
        return done.stdout.strip()

    def has_ended(self) -> bool:
        assert self._process
        return self._process.poll() is not None
