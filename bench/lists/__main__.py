"""Delays of list calls over HTTP on a cloud of a given size, one client, nothing cached by it.

``python -m bench.lists --machines 100000 [--calls 40] [--lists listHosts,listUsers]``

CLOUDPORTAL_DATA (and CLOUDPORTAL_DATABASE_URL) name the database; an empty one is seeded
first. ``--json FILE`` keeps the figures for ``bench.lists.compare``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ.setdefault("CLOUDPORTAL_DATA", tempfile.mkdtemp(prefix="cloudportal-bench-"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudportal.settings")

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from accounts.caller import Caller  # noqa: E402
from accounts.models import User  # noqa: E402
from accounts.services.bootstrap import bootstrap  # noqa: E402
from api import dispatch  # noqa: E402
from bench.http import load  # noqa: E402
from bench.lists.things import Things  # noqa: E402
from bench.portal import Signer, before_all_else, cpu_seconds, serving  # noqa: E402
from cloudportal.simulation import Simulation, Wanted  # noqa: E402
from compute.models import VirtualMachine  # noqa: E402
from infra.models import Zone  # noqa: E402

LISTS = (
    "listVirtualMachines", "listHosts", "listVolumes", "listNetworks", "listAccounts",
    "listUsers", "listProjects", "listDomains", "listDomainChildren", "listProjectAccounts",
    "listProjectInvitations", "listEvents", "listAsyncJobs", "listAlerts", "listTags",
    "listAnnotations", "listSnapshots", "listTemplates", "listSSHKeyPairs", "listUserData",
    "listInstanceGroups", "listAffinityGroups", "listSecurityGroups", "listSessions",
    "listConsoleSessions", "listPublicIpAddresses", "listRouters", "listVlanIpRanges",
    "listDedicatedGuestVlanRanges", "listDedicatedHosts", "listPhysicalNetworks", "listPods",
    "listClusters", "listStoragePools", "listImageStores", "listRoles", "listRolePermissions",
    "listVirtualMachinesMetrics", "listVolumesMetrics", "listHostsMetrics", "listZonesMetrics",
    "listClustersMetrics", "listStoragePoolsMetrics",
)  # fmt: skip
#: What a list must be given.
NEEDS = {"listTemplates": {"templatefilter": "all"}}


@dataclass
class Row:
    call: str
    page: str
    size: int
    least: float
    p50: float
    p95: float
    cpu: float  # of the portal's process
    queries: int
    count: int


def prepare(machines: int) -> None:
    call_command("migrate", verbosity=0)
    bootstrap("a password of the bench")
    if not Zone.objects.exists():
        began = time.perf_counter()
        some = max(machines // 4, 10)
        wanted = Wanted(hosts=some, machines=machines, accounts=some, domains=some,
                        networks=some, projects=some, removed_each=20)  # fmt: skip
        Simulation(wanted).seed()
        Things(some).seed()
        print(f"seeded {machines} machines in {time.perf_counter() - began:.0f} s", flush=True)


def caller() -> Caller:
    users = User.objects.select_related("account__domain", "account__role")
    return Caller.of(users.get(username="admin", domain__level=0))


def questions(lists: list[str]) -> list[tuple[str, str, dict[str, str]]]:
    """(what it is called, command, parameters)"""
    zone = Zone.objects.order_by("pk")[0]
    account = VirtualMachine.objects.select_related("account__domain").order_by("pk")[7].account
    everything = {"listall": "true"}
    asked = [(name, name, {**everything, **NEEDS.get(name, {})}) for name in lists]
    if "listVirtualMachines" in lists:
        narrowed = {
            "by state": {"state": "Running"},
            "by zone": {"zoneid": str(zone.uuid)},
            "by keyword": {"keyword": "vm-00001"},
            "of an account": {"account": account.name, "domainid": str(account.domain.uuid)},
            "of all projects": {"projectid": "-1"},
            "of a domain": {"domainid": str(account.domain.uuid), "isrecursive": "true"},
        }
        asked += [
            (f"listVirtualMachines {what}", "listVirtualMachines", {**everything, **given})
            for what, given in narrowed.items()
        ]
    return asked


def count_of(command: str, given: dict[str, str]) -> int:
    found = dispatch.execute(caller(), command, {**given, "page": "1", "pagesize": "1"})
    return found.count


def queries_of(command: str, given: dict[str, str]) -> int:
    who, sent = caller(), []

    def seen(execute, sql, params, many, context):
        sent.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(seen):
        dispatch.execute(who, command, given)
    return len(sent)


def over_http(port: int, pid: int, signer: Signer, options: argparse.Namespace) -> list[Row]:
    rows = []
    for name, command, given in questions(options.lists.split(",")):
        count = count_of(command, given)
        for size in (20, 500):
            pages = {"first": 1, "deep": max(count // 2 // size, 1)}
            for page, number in pages.items():
                sent = {**given, "page": str(number), "pagesize": str(size)}
                request = load.request(signer.path(command, **sent))
                before = cpu_seconds(pid)
                result = load.count("127.0.0.1", port, request, calls=options.calls)
                cpu = (cpu_seconds(pid) - before) / (options.calls + 2) * 1000
                assert not result.failed, f"{name}: {result.failed} calls failed"
                rows.append(
                    Row(name, page, size, *_times(result), cpu, queries_of(command, sent), count)
                )
    return rows


def sorted_pages(options: argparse.Namespace) -> list[Row]:
    """Lists in the order of a column, as pages ask for them, without HTTP."""
    rows, who = [], caller()
    for sort in ("name", "-created", "zonename"):
        given = {"listall": "true", "page": "1", "pagesize": "500"}
        times = []
        for _ in range(options.calls):
            began = time.perf_counter()
            found = dispatch.execute(who, "listVirtualMachines", given, sort=sort)
            times.append((time.perf_counter() - began) * 1000)
        result = load.Result(times, sum(times) / 1000)
        name = f"listVirtualMachines sorted by {sort}"
        rows.append(Row(name, "first", 500, *_times(result), 0, 0, found.count))
    return rows


def _times(result: load.Result) -> tuple[float, float, float]:
    return min(result.times_ms), result.quantile(0.5), result.quantile(0.95)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--machines", type=int, default=100_000)
    parser.add_argument("--calls", type=int, default=40)
    parser.add_argument("--lists", default=",".join(LISTS))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--first", action="store_true", help="before all else here (root)")
    options = parser.parse_args()
    if options.first:
        before_all_else()
    prepare(options.machines)
    signer = Signer()
    with serving() as (port, pid):
        rows = over_http(port, pid, signer, options)
    if "listVirtualMachines" in options.lists:
        rows += sorted_pages(options)
    print(f"{connection.vendor}, {options.machines} machines seeded, {options.calls} calls each")
    print(
        f"{'call':<42}{'page':<6}{'rows':>5}{'least':>8}{'p50 ms':>8}{'p95 ms':>8}{'cpu ms':>8}"
        f"{'queries':>8}{'count':>8}"
    )
    for row in rows:
        print(
            f"{row.call:<42}{row.page:<6}{row.size:>5}{row.least:>8.1f}{row.p50:>8.1f}"
            f"{row.p95:>8.1f}{row.cpu or '':>8.4}{row.queries or '':>8}{row.count:>8}"
        )
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))


if __name__ == "__main__":
    sys.exit(main())
