"""Programs the agent runs: limits, time, and no survivors."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from agent import processes
from agent import protocol as p
from agent.processes import Limits, ToolFailed
from agent.tasks import Task, unhurried


def test_what_it_said_comes_back():
    assert processes.run(["cat"], stdin="hello") == "hello"


def test_a_failure_carries_its_words_and_not_too_many():
    script = "import sys; sys.stderr.write('No space left on device ' * 99); sys.exit(3)"
    with pytest.raises(ToolFailed) as failure:
        processes.run([sys.executable, "-c", script])
    assert (failure.value.code, failure.value.out_of_space) == (3, True)
    assert len(failure.value.words) < 700


@pytest.mark.parametrize("run", [processes.run, lambda argv: processes.run_long(argv, unhurried())])
def test_a_missing_program_is_named(run):
    with pytest.raises(ToolFailed, match="no-such-program"):
        run(["no-such-program"])


def test_time_is_limited():
    with pytest.raises(ToolFailed, match="no end within"):
        processes.run(["sleep", "10"], timeout_s=0.05)


def test_memory_and_file_size_are_limited(tmp_path):
    hungry = "x = bytearray(2**30)"
    with pytest.raises(ToolFailed):
        processes.run([sys.executable, "-c", hungry], limits=Limits(address_space_mb=512))
    big = tmp_path / "big"
    argv = ["dd", "if=/dev/zero", f"of={big}", "bs=1M", "count=4"]
    with pytest.raises(ToolFailed):
        processes.run(argv, limits=Limits(file_bytes=2**20))
    assert big.stat().st_size <= 2**20


def test_no_secret_of_the_portal_reaches_a_program(monkeypatch):
    monkeypatch.setenv("CLOUDPORTAL_SECRET", "hunter2")
    assert "hunter2" not in processes.run(["env"])


def test_a_long_program_is_heard_as_it_speaks():
    heard = []
    processes.run_long(["printf", "a\nb\n"], unhurried(), on_output=heard.append)
    assert b"".join(heard) == b"a\nb\n"


def test_a_long_program_ends_when_its_task_is_stopped():
    task = Task(60)
    threading.Timer(0.05, task.stop).start()
    began = time.monotonic()
    with pytest.raises(p.Cancelled):
        processes.run_long(["sleep", "30"], task)
    assert time.monotonic() - began < 10


def test_a_program_dies_with_the_process_that_runs_it():
    """A portal that is killed leaves no copy running behind its successor's back."""
    script = (
        "from agent.processes import run_long\n"
        "from agent.tasks import unhurried\n"
        "run_long(['sleep', '61.5'], unhurried())\n"
    )
    portal = subprocess.Popen([sys.executable, "-c", script])
    try:
        child = _wait_for(lambda: _child_of(portal.pid))
        portal.send_signal(signal.SIGKILL)
        portal.wait()
        assert _wait_for(lambda: not _is_alive(child))
    finally:
        portal.kill()


def _wait_for(condition, seconds: float = 10.0):
    end = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.01)
    return found


def _child_of(pid: int) -> int:
    """The sleeping child; before its exec it is still setpriv."""
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                with open(f"/proc/{name}/stat") as file:
                    fields = file.read().rsplit(")", 1)
            except OSError:
                continue
            if int(fields[1].split()[1]) == pid and fields[0].endswith("(sleep"):
                return int(name)
    return 0


def _is_alive(pid: int) -> bool:
    """A dead process that nobody reaped yet is dead."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except OSError:
        return False
