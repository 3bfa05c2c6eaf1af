"""KVM or emulation: decided by booting a guest, not by looking for /dev/kvm.

On some nested machines /dev/kvm opens and QEMU starts, but no stock kernel ever boots. So a
tiny probe guest must print its marker under KVM first. The answer is kept until the kernel,
QEMU or the processor changes.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from agent import protocol as p
from agent.config import AgentConfig

log = logging.getLogger("agent.libvirt")

KVM = Path("/dev/kvm")
# KVM boots the probe in about a second; a machine that emulates KVM badly never ends.
PROBE_TIMEOUT_S = 20.0
PROBE_MEMORY_MB = 160


@dataclass(frozen=True, slots=True)
class Choice:
    accelerated: bool
    reason: str


class Accelerator:
    def __init__(self, config: AgentConfig, emulator: str) -> None:
        if config.virt not in ("auto", "kvm", "qemu"):
            raise p.OperationFailed(f"{config.virt!r} is not a mode; use auto, kvm or qemu.")
        self._config = config
        self._emulator = emulator
        self._guard = threading.Lock()
        self._choice: Choice | None = None

    def choice(self) -> Choice:
        """Decided once per process; the first call under ``auto`` may take 20 s."""
        with self._guard:
            if self._choice is None:
                self._choice = self._decide()
                log.info("accelerator: %s", self._choice.reason)
            return self._choice

    def _decide(self) -> Choice:
        if self._config.virt == "qemu":
            return Choice(False, "emulation, as configured")
        if self._config.virt == "kvm":
            return Choice(True, "KVM, as configured")
        if not os.access(KVM, os.R_OK | os.W_OK):
            return Choice(False, f"emulation: {KVM} is missing or may not be opened")
        probe = _probe_guest(self._config.images_path)
        if probe is None:
            where = self._config.images_path
            return Choice(False, f"emulation: no probe guest in {where} to try KVM with")
        return self._remembered() or self._remember(self._try_kvm(probe))

    # -- the probe ---------------------------------------------------------------------

    def _try_kvm(self, probe: _Probe) -> Choice:
        argv = [
            self._emulator, "-accel", "kvm", "-cpu", "host", "-machine", "pc",
            "-m", str(PROBE_MEMORY_MB), "-nodefaults", "-no-user-config", "-display", "none",
            "-no-reboot", "-serial", "stdio", "-kernel", str(probe.kernel),
            "-initrd", str(probe.initrd), "-append", probe.options,
        ]  # fmt: skip
        started = time.monotonic()
        said = _run_until(argv, probe.marker, PROBE_TIMEOUT_S)
        took = time.monotonic() - started
        if probe.marker in said:
            return Choice(True, f"KVM: a probe guest booted in {took:.1f} s")
        last = said.strip().splitlines()[-1][:160] if said.strip() else "nothing"
        return Choice(
            False,
            f"emulation: {KVM} opens, but a probe guest did not boot under it within "
            f"{took:.0f} s; it said: {last}",
        )

    # -- its answer, kept --------------------------------------------------------------

    @property
    def _file(self) -> Path:
        return self._config.data / "accelerator.json"

    def _remembered(self) -> Choice | None:
        try:
            kept = json.loads(self._file.read_text())
            if kept["machine"] == self._machine():
                return Choice(bool(kept["accelerated"]), str(kept["reason"]))
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return None

    def _remember(self, choice: Choice) -> Choice:
        self._config.data.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps({**asdict(choice), "machine": self._machine()}))
        fresh.replace(self._file)
        return choice

    def _machine(self) -> str:
        """What the answer depends on. The emulator's time stands for its version: asking it
        would cost more than all the rest."""
        emulator = os.stat(self._emulator)
        return " ".join(
            (os.uname().release, str(emulator.st_size), str(emulator.st_mtime_ns), _cpu_model())
        )


@dataclass(frozen=True, slots=True)
class _Probe:
    kernel: Path
    initrd: Path
    options: str
    marker: str


def _probe_guest(folder: Path) -> _Probe | None:
    """``guest.json`` as scripts/lab/build-guest writes it."""
    try:
        about = json.loads((folder / "guest.json").read_text())
        probe = _Probe(
            folder / Path(about["kernel"]).name,
            folder / Path(about["initrd"]).name,
            about["probe"]["kernel_options"],
            about["probe"]["marker"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return probe if probe.kernel.is_file() and probe.initrd.is_file() else None


def _run_until(argv: list[str], marker: str, timeout_s: float) -> str:
    """What the guest printed, until ``marker`` was among it, it ended, or time was over."""
    said: list[bytes] = []
    process = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    watchdog = threading.Timer(timeout_s, process.kill)
    watchdog.start()
    try:
        for line in process.stdout:
            said.append(line)
            if marker.encode() in line:
                break
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        process.stdout.close()
    return b"".join(said).decode(errors="replace")


def _cpu_model() -> str:
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return ""
