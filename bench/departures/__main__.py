"""An account with many machines is deleted, and a neighbour goes on working beside it.

``python -m bench.departures [--machines 1000]``: a whole portal of its own with simulated hosts,
asked over HTTP only. ``CLOUDPORTAL_DATABASE_URL`` as of ``manage.py up``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from cs import CloudStack

from bench.departures.portal import ROOT, free_port, keys_of_admin, wait_until_ready

FACTORS = ("cpu.overprovisioning.factor", "mem.overprovisioning.factor",
           "storage.overprovisioning.factor")  # fmt: skip
DEPLOYS_EVERY_S = 1.0
LISTS_EVERY_S = 0.05


class Client:
    """A ``cs`` client for each thread: an idle connection of another one may just be closing."""

    def __init__(self, *how: str) -> None:
        self._how = how
        self._own = threading.local()

    def __getattr__(self, command: str) -> Any:
        if not hasattr(self._own, "client"):
            endpoint, key, secret = self._how
            self._own.client = CloudStack(endpoint, key, secret, timeout=60)
        return getattr(self._own.client, command)


@contextlib.contextmanager
def portal() -> Iterator[Client]:
    with tempfile.TemporaryDirectory(prefix="cp-departures-") as folder:
        port = free_port()
        environment = {
            **os.environ, "CLOUDPORTAL_DATA": folder, "CLOUDPORTAL_VIRT": "simulator",
            "CLOUDPORTAL_LISTEN": f"127.0.0.1:{port}", "CLOUDPORTAL_ADMIN_PASSWORD": "bench-1234",
        }  # fmt: skip
        log = Path(folder) / "portal.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, stdout=out,
                stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            wait_until_ready(process, port, log)
            key, secret = keys_of_admin(port, "bench-1234")
            yield Client(f"http://127.0.0.1:{port}/client/api", key, secret)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


class Tenant:
    """An account without limits, asked for by the administrator."""

    def __init__(self, cloud: Client, name: str) -> None:
        self.cloud = cloud
        self.name = name
        self.zone = cloud.listZones()["zone"][0]["id"]
        self.domain = cloud.createDomain(name=name)["domain"]["id"]
        made = cloud.createAccount(
            username=name, password=f"{name}-Pw-1", email="a@example.org", firstname="A",
            lastname="B", account=name, domainid=self.domain,
        )["account"]  # fmt: skip
        self.id = made["id"]
        for kind in (0, 1, 2, 6, 8, 9, 10):
            cloud.updateResourceLimit(resourcetype=kind, max=-1, domainid=self.domain)
            cloud.updateResourceLimit(
                resourcetype=kind, max=-1, domainid=self.domain, account=name
            )
        self.template = cloud.listTemplates(templatefilter="executable")["template"][0]["id"]
        self.offering = cloud.createServiceOffering(
            name=f"small-{name}", displaytext="small", cpunumber=1, cpuspeed=100, memory=128
        )["serviceoffering"]["id"]
        kind = "DefaultIsolatedNetworkOfferingWithSourceNatService"
        offering = cloud.listNetworkOfferings(name=kind)
        self.network = cloud.createNetwork(
            name=name, displaytext=name, zoneid=self.zone, account=name, domainid=self.domain,
            networkofferingid=offering["networkoffering"][0]["id"],
            gateway="10.1.0.1", netmask="255.255.0.0",
        )["network"]["id"]  # fmt: skip

    def deploy(self) -> str:
        """The machine's id, once it runs."""
        asked = self.cloud.deployVirtualMachine(
            zoneid=self.zone, templateid=self.template, serviceofferingid=self.offering,
            networkids=self.network, account=self.name, domainid=self.domain,
        )  # fmt: skip
        self.wait(asked["jobid"])
        return asked["id"]

    def wait(self, jobid: str) -> dict[str, Any]:
        while True:
            job = self.cloud.queryAsyncJobResult(jobid=jobid)
            if job["jobstatus"]:
                assert job["jobstatus"] == 1, job["jobresult"]
                return job
            time.sleep(0.02)

    def list(self) -> None:
        self.cloud.listVirtualMachines(domainid=self.domain, account=self.name, pagesize=20, page=1)


class Beside:
    """What a neighbour meets, in milliseconds."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.lists: list[float] = []
        self.deploys: list[float] = []
        self._over = threading.Event()

    def __enter__(self) -> Beside:
        self._threads = [
            threading.Thread(target=self._again, args=args)
            for args in (
                (self.tenant.list, self.lists, LISTS_EVERY_S),
                (self.tenant.deploy, self.deploys, DEPLOYS_EVERY_S),
            )
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _again(self, call: Callable[[], object], times: list[float], pause_s: float) -> None:
        while not self._over.wait(pause_s):
            began = time.perf_counter()
            call()
            times.append((time.perf_counter() - began) * 1000)

    def report(self, when: str) -> None:
        for what, times in (("list", self.lists), ("deploy", self.deploys)):
            marks = statistics.quantiles(times, n=20) if len(times) > 1 else times * 19
            print(f"neighbour's {what}, {when}: {len(times)} calls, p50 "
                  f"{statistics.median(times):.0f} ms, p95 {marks[18]:.0f} ms")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--machines", type=int, default=1000)
    parser.add_argument("--alone", type=float, default=10, help="seconds of the neighbour alone")
    wanted = parser.parse_args()
    with portal() as cloud:
        for name in FACTORS:
            cloud.updateConfiguration(name=name, value="100")
        for cluster in cloud.listClusters()["cluster"]:
            for name in FACTORS[:2]:
                cloud.updateConfiguration(name=name, value="100", clusterid=cluster["id"])
        large, neighbour = Tenant(cloud, "large"), Tenant(cloud, "neighbour")
        began = time.perf_counter()
        with ThreadPoolExecutor(12) as pool:
            list(pool.map(lambda _: large.deploy(), range(wanted.machines)))
        print(f"{wanted.machines} machines deployed in {time.perf_counter() - began:.1f} s")
        neighbour.deploy()
        with Beside(neighbour) as alone:
            time.sleep(wanted.alone)
        alone.report("alone")
        with Beside(neighbour) as beside:
            took, notes = delete(cloud, large)
        print(f"deleteAccount with {wanted.machines} machines: {took:.1f} s")
        for at, percent, note in notes:
            print(f"  {at:6.1f} s  {percent:5.1f} %  {note}")
        beside.report("meanwhile")


def delete(cloud: Client, tenant: Tenant) -> tuple[float, list[tuple[float, float, str]]]:
    """Seconds it took, and some of what its job said on the way."""
    began = time.perf_counter()
    jobid = cloud.deleteAccount(id=tenant.id)["jobid"]
    notes: list[tuple[float, float, str]] = []
    while True:
        job = cloud.queryAsyncJobResult(jobid=jobid)
        now = time.perf_counter() - began
        if job["jobstatus"]:
            assert job["jobstatus"] == 1, job["jobresult"]
            return now, notes
        steps = {s["name"]: s for s in job.get("steps", [])}
        step = steps.get("remove what the account has")
        if step and (not notes or now - notes[-1][0] > 2):
            notes.append((now, step.get("percent", 0), step.get("note", "")))
        time.sleep(0.2)


if __name__ == "__main__":
    main()
