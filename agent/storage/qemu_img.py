"""qemu-img, with explicit formats and under rlimits, never guessing what a file is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from agent import processes
from agent import protocol as p
from agent.processes import Limits, ToolFailed
from agent.tasks import Task

# Creating and resizing touch metadata only; converting reads and writes everything.
SMALL = Limits(address_space_mb=2048, cpu_s=60)
CONVERT_ADDRESS_SPACE_MB = 4096
CONVERT_CPU_S = 4 * 3600

PREALLOCATION = {"thin": "off", "sparse": "metadata", "fat": "falloc"}
# qemu-img's names for CloudStack's image formats.
FORMATS = {
    "QCOW2": "qcow2", "RAW": "raw", "ISO": "raw", "VHD": "vpc", "VHDX": "vhdx", "VMDK": "vmdk",
}  # fmt: skip

_PERCENT = re.compile(rb"\(([0-9.]+)/100%\)")


def create(path: Path, image_format: str, size_bytes: int, provisioning: str = "thin") -> None:
    argv = ["qemu-img", "create", "-q", "-f", image_format]
    preallocation = preallocation_of(provisioning)
    if preallocation != "off" and not (image_format == "raw" and preallocation == "metadata"):
        argv += ["-o", f"preallocation={preallocation}"]
    _run([*argv, str(path), str(size_bytes)], SMALL, timeout_s=600)


def create_overlay(path: Path, base: Path, base_format: str, size_bytes: int) -> None:
    """The base is named relative to the overlay: both lie in one pool."""
    argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", base_format, "-b", base.name]
    _run([*argv, str(path), str(size_bytes)], SMALL, timeout_s=60)


def resize(path: Path, image_format: str, size_bytes: int, *, shrink: bool) -> None:
    argv = ["qemu-img", "resize", "-q", "-f", image_format]
    if shrink:
        argv.append("--shrink")
    _run([*argv, str(path), str(size_bytes)], SMALL, timeout_s=120)


def convert(
    source: Path,
    source_format: str,
    target: Path,
    target_format: str,
    task: Task,
    *,
    provisioning: str = "thin",
    most_bytes: int = 0,
    progress: Callable[[float], None] | None = None,
) -> None:
    """A flattened copy. ``most_bytes`` caps the target's length (RLIMIT_FSIZE)."""
    argv = ["qemu-img", "convert", "-p", "-f", source_format, "-O", target_format]
    preallocation = preallocation_of(provisioning)
    if preallocation != "off" and target_format == "qcow2":
        argv += ["-o", f"preallocation={preallocation}"]
    report = progress or (lambda percent: task(percent))

    def on_output(chunk: bytes) -> None:
        found = _PERCENT.findall(chunk)
        if found:
            report(float(found[-1]))

    limits = Limits(CONVERT_ADDRESS_SPACE_MB, CONVERT_CPU_S, most_bytes)
    try:
        processes.run_long(
            [*argv, str(source), str(target)], task, limits=limits, on_output=on_output
        )
    except ToolFailed as error:
        raise translated(error) from error


def preallocation_of(provisioning: str) -> str:
    try:
        return PREALLOCATION[provisioning]
    except KeyError:
        raise p.OperationFailed(
            f"{provisioning!r} is not a provisioning type; use thin, sparse or fat."
        ) from None


def translated(error: ToolFailed) -> p.AgentError:
    if error.out_of_space:
        return p.NotEnoughSpace(f"The disk is full: {error.words}")
    if "Failed to get" in error.words and "lock" in error.words:
        return p.VolumeInUse(f"A running domain has it: {error.words}")
    return p.OperationFailed(f"{error.program} said: {error.words}")


def _run(argv: list[str], limits: Limits, timeout_s: float) -> None:
    try:
        processes.run(argv, limits=limits, timeout_s=timeout_s)
    except ToolFailed as error:
        raise translated(error) from error
