"""A thousand machines at once on simulated hosts, up and down again, and what is left of them.

``python -m bench.thousand [--machines 1000] [--workers 2] [--threads 8]`` with
CLOUDPORTAL_DATABASE_URL at an empty MariaDB (``--workers`` are processes of
``manage.py worker``; the web server is one more) and CLOUDPORTAL_DATA at an empty folder. The
clock runs from the first call of deployVirtualMachine to the end of the last job.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudportal.settings")

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import Avg, ExpressionWrapper, F, fields  # noqa: E402

from accounts.resources import Resource  # noqa: E402
from accounts.services import limits, recounting  # noqa: E402
from bench.portal import Signer, before_all_else, cpu_seconds, serving  # noqa: E402
from cloudportal import defaults, hosts  # noqa: E402
from cloudportal.simulation import Simulation, Wanted  # noqa: E402
from compute.models import VirtualMachine  # noqa: E402
from compute.services.recount import recount_hosts  # noqa: E402
from infra.models import HostCapacity  # noqa: E402
from jobs.models import AsyncJob, JobStatus, JobStep, Lease, Trouble  # noqa: E402
from network.models import GuestAddress  # noqa: E402
from storage.models import PoolTemplate, Volume  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
CLIENTS = 8


class Cloud:
    """200 hosts in five clusters, fifty accounts with a network each, nothing in them."""

    def __init__(self) -> None:
        call_command("migrate", verbosity=0)
        defaults.ensure()
        self.simulation = Simulation(
            Wanted(hosts=200, machines=0, accounts=50, domains=25, networks=50, zones=1)
        )
        self.simulation.seed()
        hosts.world().ledger.put_all(self.simulation.picture())
        for account in self.simulation.accounts:
            for resource in Resource:
                limits.set_limit(account, resource, -1)
        self.signer = Signer()

    def order(self, number: int) -> str:
        """The path of a call that deploys machine ``number``."""
        network = self.simulation.networks[number % 50]
        return self.signer.path(
            "deployVirtualMachine", zoneid=self.simulation.zones[0].uuid,
            templateid=self.simulation.templates[0].uuid,
            serviceofferingid=self.simulation.sizes[0].uuid, networkids=network.uuid,
            account=network.account.name, domainid=network.account.domain.uuid,
        )  # fmt: skip


@contextlib.contextmanager
def workers(count: int, threads: int) -> Iterator[list[int]]:
    command = [sys.executable, "manage.py", "worker", "--threads", str(threads)]
    running = [subprocess.Popen(command, cwd=ROOT) for _ in range(count)]
    try:
        time.sleep(3)
        yield [process.pid for process in running]
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(20)


def send(port: int, paths: list[str]) -> None:
    """All of them, from several clients that each wait for the answer."""

    def client(mine: list[str]) -> None:
        http = HTTPConnection("127.0.0.1", port, timeout=120)
        for path in mine:
            http.request("GET", path)
            reply = http.getresponse()
            body = reply.read()
            assert reply.status == 200, body

    with ThreadPoolExecutor(CLIENTS) as pool:
        for done in [pool.submit(client, paths[i::CLIENTS]) for i in range(CLIENTS)]:
            done.result()


def wait_for_jobs(timeout_s: float = 600) -> None:
    end = time.monotonic() + timeout_s
    while AsyncJob.objects.filter(status=JobStatus.PENDING).exists():
        assert time.monotonic() < end, "jobs are still at work"
        time.sleep(0.2)


def measured(name: str, port: int, paths: list[str], pids: dict[str, list[int]]) -> None:
    before = {who: sum(map(cpu_seconds, ids)) for who, ids in pids.items()}
    began = time.perf_counter()
    send(port, paths)
    accepted = time.perf_counter() - began
    wait_for_jobs()
    whole = time.perf_counter() - began
    spent = {who: sum(map(cpu_seconds, ids)) - before[who] for who, ids in pids.items()}
    words = ", ".join(f"{who} {seconds:.1f}" for who, seconds in spent.items())
    print(f"{name}: {len(paths)} accepted after {accepted:.1f} s, done after {whole:.1f} s; "
          f"processor seconds: {words}", flush=True)  # fmt: skip


def steps() -> None:
    took = ExpressionWrapper(F("completed") - F("started"), output_field=fields.DurationField())
    rows = JobStep.objects.exclude(completed=None).values("job__command", "name")
    for row in rows.annotate(mean=Avg(took)).order_by("job__command", "name"):
        mean_ms = row["mean"].total_seconds() * 1000
        print(f"    {row['job__command']:24} {row['name']:24} {mean_ms:7.1f} ms")


def leaks() -> dict[str, int]:
    """What is still there and should not be."""
    world = hosts.world()
    return {
        "machines": VirtualMachine.objects.count(),
        "volumes": Volume.objects.count(),
        "addresses": GuestAddress.objects.count(),
        "leases": Lease.objects.exclude(job=None).count(),
        "troubles": Trouble.objects.filter(closed=None).count(),
        "failed jobs": AsyncJob.objects.filter(status=JobStatus.FAILED).count(),
        "hosts that count wrong": recount_hosts(),
        "hosts that count something": HostCapacity.objects.filter(cores_used__gt=0).count(),
        "accounts that count wrong": recounting.mend(),
        "domains on hosts": world.ledger.count("domains"),
        "files but templates": world.ledger.count("files") - len(PoolTemplate.objects.all()),
    }


def mariadb() -> list[int]:
    if connection.vendor != "mysql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@pid_file, @@datadir")
        name, folder = cursor.fetchone()
    return [int((Path(folder) / name).read_text())]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--machines", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--first", action="store_true", help="before all else here (root)")
    options = parser.parse_args()
    cloud = Cloud()
    if options.first:
        before_all_else()
        for pid in mariadb():
            for thread in Path(f"/proc/{pid}/task").iterdir():
                os.setpriority(os.PRIO_PROCESS, int(thread.name), -20)
    connection.close()
    with serving() as (port, web), workers(options.workers, options.threads) as ids:
        pids = {"web": [web], "workers": ids, "database": mariadb()}
        up = [cloud.order(i) for i in range(options.machines)]
        measured("up", port, up, pids)
        running = VirtualMachine.objects.filter(state="Running")
        print(f"    {running.count()} of {options.machines} run")
        down = [
            cloud.signer.path("destroyVirtualMachine", id=uuid, expunge="true")
            for uuid in VirtualMachine.objects.values_list("uuid", flat=True)
        ]
        measured("down", port, down, pids)
        steps()
    left: dict[str, Any] = {name: count for name, count in leaks().items() if count}
    print(f"left behind: {left or 'nothing'}")


if __name__ == "__main__":
    main()
