"""Could this machine serve as a host? Named checks, each with its cure; nothing is changed."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from agent import processes
from agent import protocol as p
from agent.drivers.libvirt.context import Context, takes_direct_io
from agent.drivers.libvirt.host import dotted

OLDEST_LIBVIRT = (8, 0, 0)
OLDEST_QEMU = (6, 0, 0)
CLOCK_TOLERANCE_S = 10.0
LEAST_FREE_BYTES = 2 * 2**30
TOOLS = {
    "qemu-img": "qemu-utils", "ip": "iproute2", "nft": "nftables", "dnsmasq": "dnsmasq-base",
    "tc": "iproute2", "prlimit": "util-linux", "setpriv": "util-linux", "nsenter": "util-linux",
}  # fmt: skip

# (name, required, check): a check returns what it saw, or raises _Bad.
Check = Callable[[p.Preflight], str]


class _Bad(Exception):
    def __init__(self, seen: str, cure: str) -> None:
        super().__init__(seen)
        self.seen = seen
        self.cure = cure


class Checks:
    def __init__(self, context: Context) -> None:
        self._context = context

    def run(self, wanted: p.Preflight) -> p.PreflightReport:
        checks: list[tuple[str, bool, Check]] = [
            ("libvirt", True, self._libvirt),
            ("hypervisor", True, self._hypervisor),
            ("acceleration", False, self._acceleration),
            ("tools", True, _tools),
            ("clock", True, _clock),
            ("storage", True, _storage),
            ("direct-io", False, _direct_io),
            ("tap-devices", True, _tap_devices),
            ("bridges", True, _bridges),
            ("namespaces", True, _namespaces),
            ("nat", True, _nat),
            ("rate-limits", False, _rate_limits),
        ]
        return p.PreflightReport(tuple(_judge(*check, wanted) for check in checks))

    def _libvirt(self, _: p.Preflight) -> str:
        try:
            with self._context.connection.use("ask for its version") as conn:
                version = conn.getLibVersion()
        except p.AgentError as error:
            raise _Bad(
                error.message,
                "Install libvirt-daemon-system and start libvirtd; this user must be root or "
                "in the group libvirt.",
            ) from error
        _at_least("libvirt", version, OLDEST_LIBVIRT)
        return f"libvirt {dotted(version)} at {self._context.config.libvirt_uri}"

    def _hypervisor(self, _: p.Preflight) -> str:
        if not Path(self._context.emulator).exists():
            raise _Bad(f"{self._context.emulator} is missing", "Install qemu-system-x86.")
        try:
            with self._context.connection.use("ask QEMU's version") as conn:
                version = conn.getVersion()
                arch, kind = "x86_64", "qemu"
                conn.getDomainCapabilities(self._context.emulator, arch, "pc", kind, 0)
        except p.AgentError as error:
            raise _Bad(error.message, "Install qemu-system-x86 and restart libvirtd.") from error
        _at_least("QEMU", version, OLDEST_QEMU)
        return f"QEMU {dotted(version)}"

    def _acceleration(self, _: p.Preflight) -> str:
        choice = self._context.accelerator.choice()
        if not choice.accelerated:
            raise _Bad(
                choice.reason,
                "Machines run, but slowly. Enable VT-x or AMD-V in the firmware (or nested "
                "virtualisation on the machine below) and load kvm_intel or kvm_amd.",
            )
        return choice.reason


def _judge(name: str, required: bool, check: Check, wanted: p.Preflight) -> p.Check:
    try:
        return p.Check(name, True, check(wanted), required=required)
    except _Bad as bad:
        return p.Check(name, False, bad.seen, bad.cure, required)
    except processes.ToolFailed as error:
        return p.Check(name, False, error.words, f"See what {error.program} says.", required)


def _at_least(what: str, version: int, oldest: tuple[int, int, int]) -> None:
    number = oldest[0] * 1_000_000 + oldest[1] * 1000 + oldest[2]
    if version < number:
        raise _Bad(f"{what} {dotted(version)}", f"Install {what} {dotted(number)} or newer.")


def _tools(_: p.Preflight) -> str:
    missing = sorted(name for name in TOOLS if shutil.which(name, path=_path()) is None)
    if missing:
        packages = " ".join(sorted({TOOLS[name] for name in missing}))
        raise _Bad(f"not installed: {', '.join(missing)}", f"apt install {packages}")
    return ", ".join(TOOLS)


def _path() -> str:
    return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _clock(wanted: p.Preflight) -> str:
    if not wanted.portal_time:
        return "not compared"
    apart = time.time() - wanted.portal_time
    if abs(apart) > CLOCK_TOLERANCE_S:
        ahead = "ahead of" if apart > 0 else "behind"
        raise _Bad(
            f"{abs(apart):.0f} s {ahead} the portal",
            "Synchronise the clocks (install chrony on both machines).",
        )
    return f"{apart:+.1f} s against the portal"


def _storage(wanted: p.Preflight) -> str:
    if not wanted.pool_path:
        return "not asked"
    folder = _existing_parent(Path(wanted.pool_path))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _Bad(f"{folder} may not be written", f"Let the agent's user write to {folder}.")
    room = os.statvfs(folder)
    free = room.f_bavail * room.f_frsize
    if free < LEAST_FREE_BYTES:
        raise _Bad(
            f"{free / 2**30:.1f} GiB free at {folder}",
            f"Free at least {LEAST_FREE_BYTES / 2**30:.0f} GiB, or choose another folder.",
        )
    return f"{free / 2**30:.0f} GiB free at {folder}"


def _direct_io(wanted: p.Preflight) -> str:
    if not wanted.pool_path:
        return "not asked"
    folder = _existing_parent(Path(wanted.pool_path))
    with suppress(StopIteration):
        some_file = next(path for path in folder.iterdir() if path.is_file())
        if not takes_direct_io(str(some_file)):
            raise _Bad(
                f"the file system of {folder} has no direct I/O",
                "Machines run with the host's cache; use ext4 or xfs to do without.",
            )
        return f"{folder} takes direct I/O"
    return "no file to try it on yet"


def _existing_parent(folder: Path) -> Path:
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder


def _tap_devices(_: p.Preflight) -> str:
    if not Path("/dev/net/tun").exists():
        raise _Bad("/dev/net/tun is missing", "Load the module: modprobe tun")
    return "/dev/net/tun"


def _bridges(_: p.Preflight) -> str:
    """Tried in a network of its own that is gone with the command."""
    try:
        _in_throwaway_network(["ip", "link", "add", "name", "cpcheck", "type", "bridge"])
    except processes.ToolFailed as error:
        raise _Bad(
            error.words, "Run the agent as root; load the module: modprobe bridge"
        ) from error
    return "bridges can be made"


def _namespaces(_: p.Preflight) -> str:
    try:
        _in_throwaway_network(["ip", "link", "add", "cpa", "type", "veth", "peer", "cpb"])
    except processes.ToolFailed as error:
        raise _Bad(error.words, "Run the agent as root; load the module: modprobe veth") from error
    return "network namespaces and veth pairs can be made"


def _nat(_: p.Preflight) -> str:
    rules = (
        "table inet cpcheck { chain c { type nat hook postrouting priority 100;\nmasquerade\n}\n}\n"
    )
    try:
        _in_throwaway_network(["nft", "-f", "-"], rules)
    except processes.ToolFailed as error:
        cure = "Install nftables; load the modules: modprobe nf_tables nft_masq"
        raise _Bad(error.words, cure) from error
    return "nftables masquerades"


def _rate_limits(_: p.Preflight) -> str:
    bucket = ["tc", "qdisc", "replace", "dev", "lo", "root", "tbf"]
    rules = (
        'table netdev cpcheck { chain c { type filter hook ingress device "lo" priority 0; '
        "limit rate over 1000 bytes/second burst 9000 bytes drop\n }\n}\n"
    )
    try:
        rate = ["rate", "10mbit", "burst", "64000", "latency", "50ms"]
        _in_throwaway_network([*bucket, *rate])
        _in_throwaway_network(["nft", "-f", "-"], rules)
    except processes.ToolFailed as error:
        cure = "Limits of network offerings do not hold; load: modprobe sch_tbf nft_limit"
        raise _Bad(error.words, cure) from error
    return "network rates can be limited"


def _in_throwaway_network(argv: list[str], stdin: str = "") -> None:
    processes.run(["unshare", "--net", *argv], stdin=stdin)
