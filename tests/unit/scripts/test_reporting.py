"""What scripts/test says about a run must be what happened in it."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]

ONE_OF_EACH = """
import pytest

def test_passes(): pass
def test_fails(): assert False
@pytest.mark.skip(reason="no moon tonight")
def test_skipped(): pass
@pytest.mark.xfail
def test_expected_failure(): assert False
"""


def run_pytest(folder: Path, *options: str) -> int:
    """Exit status of pytest on ONE_OF_EACH; its JUnit file is ``unit.xml``."""
    (folder / "test_each.py").write_text(ONE_OF_EACH)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", str(folder)]
        + ["-p", "no:django", "-p", "no:cacheprovider", "--junitxml", str(folder / "unit.xml")]
        + [*options, str(folder)],
        cwd=REPOSITORY,
        capture_output=True,
        check=False,
    )
    return done.returncode


def summarise(folder: Path, stages: str, *wanted: str) -> subprocess.CompletedProcess[str]:
    (folder / "stages").write_text(stages)
    return subprocess.run(
        [sys.executable, str(REPOSITORY / "scripts/lib/summary.py"), str(folder), *wanted],
        capture_output=True,
        text=True,
        check=False,
    )


def test_skips_are_counted_with_their_reason(tmp_path):
    status = run_pytest(tmp_path)
    said = summarise(tmp_path, f"unit {status} 1.0\n", "unit")
    assert "skipped 1: no moon tonight" in said.stdout
    assert said.stdout.splitlines()[-1] == "2 passed, 1 failed"
    assert said.returncode == 1


def test_where_nothing_may_be_skipped_a_skip_is_a_failure(tmp_path):
    status = run_pytest(tmp_path, "-p", "tests.plugins.noskip")
    said = summarise(tmp_path, f"unit {status} 1.0\n", "unit")
    assert "test_each::test_skipped" in said.stdout
    assert said.stdout.splitlines()[-1] == "2 passed, 2 failed"


def test_a_stage_that_breaks_without_a_report_has_failed(tmp_path):
    said = summarise(tmp_path, "ruff 0 0.1\nmypy 2 0.1\n", "ruff", "mypy")
    assert said.stdout.splitlines()[-1] == "1 passed, 1 failed"
    assert said.returncode == 1


def test_a_stage_that_never_ran_has_failed(tmp_path):
    said = summarise(tmp_path, "ruff 0 0.1\n", "ruff", "mypy")
    assert said.stdout.splitlines()[-1] == "1 passed, 1 failed"


def test_a_stage_without_tests_is_neither(tmp_path):
    said = summarise(tmp_path, "ruff 0 0.1\ncompat 5 0.0\n", "ruff", "compat")
    assert "no tests there" in said.stdout
    assert said.stdout.splitlines()[-1] == "1 passed, 0 failed"
    assert said.returncode == 0
