"""Running other programs: argument lists, limits, progress, and no survivors.

A program started here dies with this process (PR_SET_PDEATHSIG), so that a portal that is
killed leaves no qemu-img writing behind the back of its successor.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.tasks import Task

MIB = 2**20
POLL_S = 0.2
OUTPUT_CAP = 4 * MIB


class ToolFailed(Exception):
    """A program ended badly. ``words`` is what it said on stderr, shortened."""

    def __init__(self, program: str, code: int, words: str) -> None:
        super().__init__(f"{program} failed ({code}): {words}")
        self.program = program
        self.code = code
        self.words = words

    @property
    def out_of_space(self) -> bool:
        return "No space left on device" in self.words or "File too large" in self.words


@dataclass(frozen=True, slots=True)
class Limits:
    """rlimits of a program; 0 leaves one alone."""

    address_space_mb: int = 0
    cpu_s: int = 0
    file_bytes: int = 0

    def prefix(self) -> list[str]:
        flags = []
        if self.address_space_mb:
            flags.append(f"--as={self.address_space_mb * MIB}")
        if self.cpu_s:
            flags.append(f"--cpu={self.cpu_s}")
        if self.file_bytes:
            flags.append(f"--fsize={self.file_bytes}")
        return ["prlimit", *flags, "--core=0", "--"] if flags else []


def run(
    argv: Sequence[str],
    *,
    stdin: str = "",
    timeout_s: float = 30.0,
    limits: Limits | None = None,
    accept: tuple[int, ...] = (0,),
) -> str:
    """Run to the end and return stdout. Raises ToolFailed unless it ends as ``accept`` has it."""
    command = _command(argv, limits)
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=timeout_s,
            errors="replace", env=_environment(),
        )  # fmt: skip
    except FileNotFoundError as error:
        raise ToolFailed(argv[0], 127, f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise ToolFailed(argv[0], -1, f"no end within {timeout_s:.0f} s") from error
    if done.returncode not in accept:
        raise ToolFailed(argv[0], done.returncode, _shorten(done.stderr or done.stdout))
    return done.stdout


def run_long(
    argv: Sequence[str],
    task: Task,
    *,
    limits: Limits | None = None,
    on_output: Callable[[bytes], None] | None = None,
    on_tick: Callable[[], None] | None = None,
) -> None:
    """Run something that takes its time, until it ends or ``task`` is stopped.

    ``on_output`` receives stdout as it comes; ``on_tick`` is called a few times a second.
    Raises ToolFailed, and whatever ``task.check`` raises, after the program is gone.
    """
    command = ["setpriv", "--pdeathsig", "KILL", "--", *_command(argv, limits)]
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=_environment(),
        )  # fmt: skip
    except FileNotFoundError as error:
        raise ToolFailed(argv[0], 127, f"{argv[0]} is not installed") from error
    said: list[bytes] = []
    reader = threading.Thread(target=_drain, args=(process, said), daemon=True)
    reader.start()
    try:
        _watch(process, task, on_output, on_tick)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        reader.join()
        assert process.stdout is not None
        process.stdout.close()
    if process.returncode:
        raise ToolFailed(
            argv[0], process.returncode, _shorten(b"".join(said).decode(errors="replace"))
        )


def _watch(
    process: subprocess.Popen[bytes],
    task: Task,
    on_output: Callable[[bytes], None] | None,
    on_tick: Callable[[], None] | None,
) -> None:
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            task.check()
            if selector.select(POLL_S):
                chunk = os.read(process.stdout.fileno(), 65536)
                if not chunk:
                    break
                if on_output is not None:
                    on_output(chunk)
            if on_tick is not None:
                on_tick()
    while process.poll() is None:
        task.sleep(0.01)


def _drain(process: subprocess.Popen[bytes], said: list[bytes]) -> None:
    assert process.stderr is not None
    kept = 0
    with process.stderr as stream:
        while chunk := os.read(stream.fileno(), 65536):
            if kept < OUTPUT_CAP:
                said.append(chunk)
                kept += len(chunk)


def _command(argv: Sequence[str], limits: Limits | None) -> list[str]:
    return [*(limits.prefix() if limits else ()), *argv]


def _environment() -> dict[str, str]:
    """English words to look for in errors; no proxies, nothing of ours that is secret."""
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C.UTF-8",
    }


def _shorten(words: str) -> str:
    words = " ".join(words.split())
    return words if len(words) <= 600 else words[:600] + "…"
