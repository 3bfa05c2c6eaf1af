"""``kill -9`` for real: a worker's process dies in a step, and the next one goes on.

Every step and moment is walked in ``test_runner``, with a worker that only seems to die.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from django.db import connection

from core.steps import Plan
from jobs.models import AsyncJob, JobStatus, Lease, Worker
from jobs.submit import submit
from tests.factories import make_account
from tests.unit.jobs import victim

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[3]


def database_url() -> str:
    """This test's database, for another process."""
    facts = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{facts['NAME']}"
    options = {k: v for k, v in facts["OPTIONS"].items() if k == "unix_socket"}
    who = f"{quote(facts['USER'])}:{quote(facts['PASSWORD'])}@{facts['HOST']}:{facts['PORT']}"
    return f"mysql://{who}/{facts['NAME']}?{urlencode(options)}"


def work(kill_at: str = "") -> int:
    """A worker in a process of its own, until no job is left or it dies; its exit status."""
    environment = {
        **os.environ,
        "CLOUDPORTAL_DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"],
        "KILL_AT": kill_at,
    }
    code = "import django; django.setup(); from tests.unit.jobs import victim; victim.main()"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, cwd=ROOT, timeout=60, capture_output=True)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode


def ask(folder: Path, *, fails: bool) -> AsyncJob:
    account = make_account()
    plan = Plan(victim.files, account, {"folder": str(folder), "fails": fails})
    return submit(plan, account=account, command="toyCommand")


def assert_clean(job: AsyncJob) -> None:
    job.refresh_from_db()
    assert job.worker is None
    assert not Lease.objects.exclude(job=None).exists()
    assert not Worker.objects.exists()


@pytest.mark.parametrize("moment", ["first:before", "third:after"])
def test_the_next_process_finishes_the_job(tmp_path, moment):
    job = ask(tmp_path, fails=False)
    assert work(moment) == -signal.SIGKILL
    job.refresh_from_db()
    assert job.status == JobStatus.PENDING
    assert work() == 0
    assert_clean(job)
    assert job.status == JobStatus.DONE
    assert {f.name for f in tmp_path.iterdir()} == {"first", "second", "third"}


def test_the_next_process_unwinds_the_job(tmp_path):
    job = ask(tmp_path, fails=True)
    assert work("second:undo") == -signal.SIGKILL
    assert work() == 0
    assert_clean(job)
    assert (job.status, job.error_text) == (JobStatus.FAILED, "No room.")
    assert list(tmp_path.iterdir()) == []
