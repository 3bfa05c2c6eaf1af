"""From an empty installation to three zones of simulated hosts with 300 machines, and back to an
empty one: with nothing but ``cs``, twice."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from cs import CloudStack

from tests.compat import zones
from tests.compat.conftest import Portal, Running

pytestmark = pytest.mark.compat

MACHINES = 100

#: Tables of what happened, which outlives what it happened to.
HISTORY = {
    "accounts_session": "sign-ins",
    "compute_systemvmsample": "measurements",
    "compute_vmsample": "measurements",
    "compute_volumesample": "measurements",
    "infra_alert": "alerts",
    "infra_capacitypoint": "measurements",
    "infra_hostsample": "measurements",
    "jobs_asyncjob": "jobs",
    "jobs_event": "events",
    "jobs_jobstep": "steps of jobs",
    "jobs_lease": "numbers that must go on rising",
    "jobs_schedule": "when things were last done",
    "jobs_worker": "processes of the portal",
    "jobs_workersample": "measurements",
    "sqlite_sequence": "the database's own",
}

#: Table → which of its rows stand for something that is there.
LIVING = {
    "accounts_resourcecount": "used > 0",
    "compute_securitygroup": "removed IS NULL AND name != 'default'",  # made at its first use
    "storage_templatecopy": "store_id IS NOT NULL",  # the others say where a template was
}


def tables(folder: Path) -> dict[str, int]:
    """Table → its rows, without those that are kept as removed."""
    file = folder / "data" / "cloudportal.sqlite3"
    database = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)
    names = [n for (n,) in database.execute("SELECT name FROM sqlite_master WHERE type='table'")]
    found = {}
    for name in names:
        columns = {row[1] for row in database.execute(f"PRAGMA table_info({name})")}
        living = LIVING.get(name, "removed IS NULL" if "removed" in columns else "true")
        rows = database.execute(f"SELECT count(*) FROM {name} WHERE {living}")
        (found[name],) = rows.fetchone()
    database.close()
    return {name: count for name, count in found.items() if name not in HISTORY}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory):
    """A portal without a zone, and its data folder."""
    folder = tmp_path_factory.mktemp("empty")
    with Running(folder).start("--no-zone") as portal:
        yield portal, folder


def client(portal: Portal) -> CloudStack:
    return CloudStack(
        endpoint=portal.url, key=portal.key, secret=portal.secret, timeout=60, poll_interval=0.1,
        job_timeout=zones.PATIENCE_S,
    )  # fmt: skip


@pytest.mark.parametrize("time", ["first", "second"])
def test_three_zones_come_and_go(empty, time, capsys):
    portal, folder = empty
    api = client(portal)
    assert api.listZones() == {}
    before = tables(folder)
    with capsys.disabled():
        zones.run(api, MACHINES, say=lambda line: print(f"  {time}: {line}"))
    left = {n: (before.get(n), c) for n, c in tables(folder).items() if before.get(n) != c}
    assert left == {}
