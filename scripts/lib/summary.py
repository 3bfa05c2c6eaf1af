"""summary.py REPORTS STAGE...: what passed, failed and was skipped, and why.

REPORTS holds ``stages`` (lines "name exit-status seconds") and pytest's JUnit files. Exits 1
when something failed. A stage without a JUnit file counts as one: passed or failed.
"""

import sys
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

NO_TESTS = 5  # pytest's exit status


@dataclass
class Stage:
    name: str
    seconds: str
    passed: int = 0
    failures: list[str] = field(default_factory=list)
    skips: Counter[str] = field(default_factory=Counter)
    empty: bool = False


def read_stage(reports: Path, line: str) -> Stage:
    name, status_text, seconds = line.split()
    stage = Stage(name, seconds)
    status = int(status_text)
    junit = reports / f"{name}.xml"
    if junit.exists():
        read_junit(junit, stage)
    elif status == 0:
        stage.passed = 1
    if status == NO_TESTS:
        stage.empty = True
    elif status and not stage.failures:
        stage.failures.append(f"{name} ended with status {status}")
    return stage


def read_junit(junit: Path, stage: Stage) -> None:
    for case in ET.parse(junit).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            if name not in stage.failures:
                stage.failures.append(name)
        elif skip is not None and skip.get("type") != "pytest.xfail":
            stage.skips[(skip.get("message") or "no reason given").strip()] += 1
        else:
            stage.passed += 1


def outcome(stage: Stage) -> str:
    if stage.empty:
        return "no tests there"
    words = [f"{stage.passed} passed"]
    if stage.failures:
        words.append(f"{len(stage.failures)} failed")
    if stage.skips:
        words.append(f"{stage.skips.total()} skipped")
    return ", ".join(words)


def main() -> int:
    reports = Path(sys.argv[1])
    lines = (reports / "stages").read_text().splitlines()
    stages = [read_stage(reports, line) for line in lines]
    print("\n== summary")
    for stage in stages:
        print(f"  {stage.name:<13} {outcome(stage):<40} {stage.seconds:>7} s")
        for reason, times in stage.skips.most_common():
            print(f"      skipped {times}: {reason}")
        for failure in stage.failures:
            print(f"      failed: {failure}")
    missing = [name for name in sys.argv[2:] if name not in {stage.name for stage in stages}]
    failed = sum(len(stage.failures) for stage in stages) + len(missing)
    for name in missing:
        print(f"  {name:<13} did not run")
    print(f"{sum(stage.passed for stage in stages)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
