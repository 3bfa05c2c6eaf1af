"""The cloud in numbers, from the database alone. Names that begin with ``cloudstack_`` are
those of CloudStack's exporter, with its labels, so that dashboards made for it go on working.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator

from django.db.models import Count

from accounts.models import Account, User
from api.watching.exposition import Family, Sample, gauge
from api.watching.latency import REQUESTS
from compute.models import VirtualMachine
from infra.models import Alert, Host, HostCapacity, Zone
from infra.services import capacities, loads, servers
from jobs.models import AsyncJob, JobStatus, Schedule, Trouble
from storage.models import StoragePool, Volume
from storage.services.space import limit_bytes

_GIB = 2**30


def families() -> Iterator[Family]:
    """One after the other, each with a query or two; none grows with anything but hosts and
    pools."""
    for source in _SOURCES:
        yield from source()
    yield REQUESTS.family()


def _hosts() -> Iterator[Family]:
    rows = list(
        Host.objects.values_list("zone__name", "status").order_by("zone").annotate(n=Count("pk"))
    )
    by_filter: dict[tuple[str, str], int] = {}
    for zone, status, n in rows:
        for name in ("total", "online" if status == "Up" else "offline"):
            by_filter[zone, name] = by_filter.get((zone, name), 0) + n
    yield gauge(
        "cloudstack_hosts_total", "Hosts by zone: online, offline and total.",
        (({"zone": zone, "filter": name}, n) for (zone, name), n in by_filter.items()),
    )  # fmt: skip
    yield gauge(
        "cloudportal_hosts", "Hosts by zone and state.",
        (({"zone": zone, "state": status}, n) for zone, status, n in rows),
    )  # fmt: skip


def _each_host() -> Iterator[Family]:
    rows = HostCapacity.objects.filter(host__removed=None).values_list(
        "host", "host__zone__name", "host__name", "host__address", "cpu_used_mhz",
        "cpu_limit_mhz", "memory_used_mb", "memory_limit_mb", "cores_used", "cores_total",
    )  # fmt: skip
    found = list(rows.order_by("host"))
    running = loads.guests([row[0] for row in found])
    vms: list[Sample] = []
    mhz: list[Sample] = []
    memory: list[Sample] = []
    cores: list[Sample] = []
    for key, zone, name, address, *amounts in found:
        labels = {"zone": zone, "hostname": name, "ip": address}
        vms.append((labels, running.get(key, (0, 0))[1]))
        for series, (used, total) in zip(
            (mhz, memory, cores), zip(amounts[::2], amounts[1::2], strict=True), strict=True
        ):
            series.append(({**labels, "filter": "used"}, used))
            series.append(({**labels, "filter": "total"}, total))
    yield gauge("cloudstack_host_vms_total", "Virtual machines on each host.", vms)
    yield gauge("cloudstack_host_cpu_usage_mhz_total", "MHz given away by each host.", mhz)
    yield gauge("cloudstack_host_memory_mibs_total", "MiB given away by each host.", memory)
    yield gauge("cloudstack_host_cpu_usage_cores_total", "Cores given away by each host.", cores)


def _machines() -> Iterator[Family]:
    for name, help, model in (
        ("cloudstack_vms_total", "Virtual machines by zone and state.", VirtualMachine),
        ("cloudstack_volumes_total", "Volumes by zone and state.", Volume),
    ):
        rows = model.objects.values_list("zone__name", "state").order_by("zone", "state")
        counted = rows.annotate(n=Count("pk"))
        yield gauge(name, help, (
            ({"zone": zone or "", "filter": state.lower()}, n) for zone, state, n in counted
        ))  # fmt: skip


def _pools() -> Iterator[Family]:
    samples: list[Sample] = []
    for pool in StoragePool.objects.select_related("zone", "host").order_by("pk"):
        labels = {
            "zone": pool.zone.name,
            "name": pool.name,
            "address": pool.host.address if pool.host else "",
            "type": "local" if pool.host_id else "shared",
        }
        for word, size_bytes in (
            ("used", pool.used_bytes),
            ("allocated", pool.allocated_bytes),
            ("total", pool.capacity_bytes),
            ("limit", limit_bytes(pool)),
        ):
            samples.append(({**labels, "filter": word}, size_bytes / _GIB))
    yield gauge("cloudstack_storage_pool_gibs_total", "GiB of each primary pool.", samples)


def _capacity() -> Iterator[Family]:
    zones = dict(Zone.objects.values_list("pk", "name"))
    samples: list[Sample] = []
    for amount in capacities.amounts("zone"):
        kind = capacities.NAMES.get(amount.type, str(amount.type))
        labels = {"zone": zones.get(amount.zone_id, ""), "type": kind}
        samples.append(({**labels, "filter": "used"}, amount.used))
        samples.append(({**labels, "filter": "total"}, amount.total))
    yield gauge("cloudportal_capacity", "What zones have and have given away.", samples)


def _tenants() -> Iterator[Family]:
    accounts = Account.objects.filter(state="enabled").count()
    users = User.objects.filter(state="enabled").count()
    yield gauge("cloudstack_active_accounts_total", "Accounts that are enabled.", [({}, accounts)])
    yield gauge("cloudstack_active_users_total", "Users that are enabled.", [({}, users)])


def _work() -> Iterator[Family]:
    pending = AsyncJob.objects.filter(status=JobStatus.PENDING).values_list("phase")
    yield gauge(
        "cloudportal_jobs", "Jobs that have not ended, by phase.",
        (({"phase": phase}, n) for phase, n in pending.order_by("phase").annotate(n=Count("pk"))),
    )  # fmt: skip
    ended = AsyncJob.objects.exclude(status=JobStatus.PENDING).values_list("status")
    words = {int(status): status.label.lower() for status in JobStatus}
    yield gauge(
        "cloudportal_jobs_ended", "Jobs that have ended and are not forgotten yet.",
        (({"status": words[s]}, n) for s, n in ended.order_by("status").annotate(n=Count("pk"))),
    )  # fmt: skip
    workers: dict[str, int] = {}
    for worker in servers.found():
        state = worker.state if servers.is_alive(worker) else "Down"
        workers[state] = workers.get(state, 0) + 1
    yield gauge(
        "cloudportal_workers", "Processes of the portal by state.",
        (({"state": state}, n) for state, n in sorted(workers.items())),
    )  # fmt: skip
    yield gauge(
        "cloudportal_schedule_seconds", "How long what recurs took the last time.",
        (({"name": name}, ms / 1000) for name, ms in
         Schedule.objects.order_by("name").values_list("name", "last_duration_ms")),
    )  # fmt: skip


def _attention() -> Iterator[Family]:
    alerts = Alert.objects.filter(resolved=None, archived=False)
    troubles = Trouble.objects.filter(closed=None).count()
    yield gauge("cloudportal_alerts_open", "Alerts by whether somebody has taken them on.", [
        ({"acknowledged": "no"}, alerts.filter(acknowledged=None).count()),
        ({"acknowledged": "yes"}, alerts.exclude(acknowledged=None).count()),
    ])  # fmt: skip
    yield gauge("cloudportal_troubles_open", "What needs a person's attention.", [({}, troubles)])


def _process() -> Iterator[Family]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    yield Family(
        "process_cpu_seconds_total", "counter", "CPU time of this process.",
        [("", {}, usage.ru_utime + usage.ru_stime)],
    )  # fmt: skip
    yield gauge(
        "process_max_resident_memory_bytes", "Most memory this process ever had.",
        [({}, usage.ru_maxrss * 1024)],
    )  # fmt: skip
    yield gauge("process_uptime_seconds", "Since this process began.", [({}, _uptime())])


_BEGAN = time.monotonic()


def _uptime() -> float:
    return round(time.monotonic() - _BEGAN, 1)


_SOURCES: tuple[Callable[[], Iterator[Family]], ...] = (
    _hosts, _each_host, _machines, _pools, _capacity, _tenants, _work, _attention, _process,
)  # fmt: skip
