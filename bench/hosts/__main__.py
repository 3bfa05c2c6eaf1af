"""Simulated hosts that report every minute, and what hearing them costs.

``python -m bench.hosts [--hosts 10000] [--machines 100000] [--seconds 60]``; CLOUDPORTAL_DATA (and
CLOUDPORTAL_DATABASE_URL) name the database; an empty one is filled first. The portal's own
monitor runs in this process, as it does in the portal, and nothing else.
"""

from __future__ import annotations

import argparse
import os
import resource
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudportal.settings")

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import Min  # noqa: E402

from bench.portal import before_all_else, cpu_seconds  # noqa: E402
from bench.thousand.__main__ import mariadb  # noqa: E402
from cloudportal import hosts  # noqa: E402
from infra.models import Host, HostSample  # noqa: E402
from infra.services.monitor import ROUND_S, SIMULATED_PER_ROUND, Monitor  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--machines", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--first", action="store_true", help="before all else here (root)")
    options = parser.parse_args()
    call_command("migrate", verbosity=0)
    if not Host.objects.exists():
        call_command("simulate", hosts=options.hosts, machines=options.machines, zones=4)
    hosts.plug_in()
    began = time.perf_counter()
    hosts.world()
    print(f"the simulator's world read in {time.perf_counter() - began:.1f} s", flush=True)
    if options.first:
        before_all_else()
    watch(Monitor(), options.seconds, -(-options.hosts // SIMULATED_PER_ROUND))


def watch(monitor: Monitor, seconds: int, rounds: int) -> None:
    """The monitor as it runs by itself, after a first pass over all hosts, and how old the
    oldest report is at the end."""
    monitor.start()
    time.sleep(rounds * ROUND_S)
    database = mariadb()
    own, theirs = time.process_time(), sum(map(cpu_seconds, database))
    began = time.monotonic()
    time.sleep(max(seconds, rounds * ROUND_S))
    took = time.monotonic() - began
    own, theirs = time.process_time() - own, sum(map(cpu_seconds, database)) - theirs
    monitor.stop()
    oldest = HostSample.objects.aggregate(at=Min("at"))["at"]
    heard = Host.objects.filter(status="Up").count()
    print(
        f"{heard} hosts, {connection.vendor}: {own / took:.2f} cores of the portal, "
        f"{theirs / took:.2f} of the database, over {took:.0f} s; the oldest report is "
        f"{(time.time() - oldest.timestamp()):.0f} s old; resident "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB"
    )


if __name__ == "__main__":
    main()
