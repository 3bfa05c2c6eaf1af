"""Ansible's CloudStack collection, unmodified: a playbook's second run changes nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.compat.conftest import Portal, Running

pytestmark = pytest.mark.compat

PLAYBOOKS = Path(__file__).with_name("ansible")
TEMPLATE = "CentOS 5.6 (64-bit) no GUI (Simulator)"
_RECAP = re.compile(r"localhost\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)")


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("ansible")
    with Running(folder).start("--no-zone") as portal:
        yield portal, folder


def public_key() -> str:
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    line = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return f"{line.decode()} ada@example.org"


def play(name: str, portal: Portal, folder: Path, **given: str) -> tuple[int, int, str]:
    """(tasks that went well, of these changes, all that was said) of a run of the playbook."""
    variables = {"ansible_python_interpreter": sys.executable, **given}
    run = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,",
         str(PLAYBOOKS / name), *(f"-e{k}='{v}'" for k, v in variables.items())],
        env={
            **os.environ, "LC_ALL": "C.UTF-8", "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "False",
            "CLOUDSTACK_ENDPOINT": portal.url, "CLOUDSTACK_KEY": portal.key,
            "CLOUDSTACK_SECRET": portal.secret, "CLOUDSTACK_METHOD": "post",
            "CLOUDSTACK_TIMEOUT": "60",
        },
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    recap = _RECAP.search(run.stdout)
    assert run.returncode == 0, run.stdout + run.stderr
    assert recap is not None
    assert (recap[3], recap[4]) == ("0", "0"), run.stdout
    return int(recap[1]), int(recap[2]), run.stdout


def test_the_second_run_changes_nothing(empty):
    portal, folder = empty
    given = {"template": TEMPLATE, "public_key": public_key()}
    tasks, changed, said = play("cloud.yml", portal, folder, **given)
    assert changed == tasks, said
    again, changed, said = play("cloud.yml", portal, folder, **given)
    assert (again, changed) == (tasks, 0), said
    tasks, changed, said = play("away.yml", portal, folder)
    assert changed == tasks, said
    again, changed, said = play("away.yml", portal, folder)
    assert (again, changed) == (tasks, 0), said
    tasks, changed, said = play("tenant_away.yml", portal, folder)
    assert changed == tasks, said
