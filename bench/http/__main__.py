"""Calls per second and delays of a light API call against bare views of the same server, in
turns within one run. ``python -m bench.http [--clients 16] [--seconds 4] [--turns 3]``

Give CLOUDPORTAL_DATA a folder of its own (and CLOUDPORTAL_DATABASE_URL another database than
SQLite); what is missing there is made: one zone and the first administrator.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile

os.environ.setdefault("CLOUDPORTAL_DATA", tempfile.mkdtemp(prefix="cloudportal-bench-"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudportal.settings")

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from accounts.services.bootstrap import bootstrap  # noqa: E402
from bench.http import load  # noqa: E402
from bench.portal import Signer, before_all_else, serving  # noqa: E402
from infra.models import Zone  # noqa: E402


def prepare() -> Signer:
    call_command("migrate", verbosity=0)
    bootstrap("a password of the bench")
    if not Zone.objects.exists():
        Zone.objects.create(name="zone-1", network_type="Advanced", dns1="9.9.9.9",
                            internal_dns1="9.9.9.9")  # fmt: skip
    return Signer()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--first", action="store_true", help="before all else here (root)")
    options = parser.parse_args()
    if options.first:
        before_all_else()
    signer = prepare()
    asked = {
        "bare view": load.request("/bare"),
        "listZones by hand": load.request(f"/handwritten?apiKey={signer.key}"),
        "listZones": load.request(signer.path("listZones")),
        "listCapabilities": load.request(signer.path("listCapabilities")),
        "listApis": load.request(signer.path("listApis")),
    }
    found: dict[str, list[load.Result]] = {name: [] for name in asked}
    with serving() as (port, _):
        load.run("127.0.0.1", port, list(asked.values()), clients=options.clients, seconds=1)
        for _ in range(options.turns):
            for name, request in asked.items():
                found[name].append(
                    load.run(
                        "127.0.0.1", port, [request], clients=options.clients,
                        seconds=options.seconds,
                    )  # fmt: skip
                )
    print(f"{connection.vendor}, {options.clients} clients, {options.turns} turns")
    print(f"{'call':<20}{'calls/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'failed':>8}")
    for name, results in found.items():
        middle = sorted(results, key=lambda r: r.per_second)[len(results) // 2]
        print(
            f"{name:<20}{statistics.median(r.per_second for r in results):>9.0f}"
            f"{middle.quantile(0.5):>9.1f}{middle.quantile(0.99):>9.1f}"
            f"{sum(r.failed for r in results):>8}"
        )


if __name__ == "__main__":
    main()
