"""Looks at an installation that misbehaves, and says in words what is wrong and what to do."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

from agent.protocol import AgentError, Check, Preflight
from cloudportal import hosts
from cloudportal.server import port_is_free
from core.units import size


class Command(BaseCommand):
    help = "Diagnoses a broken installation: ports, database, libvirt, storage, permissions."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        checks = [check() for check in _CHECKS]
        checks += _host_checks()
        for check in checks:
            mark = "✓" if check.passed else ("✗" if check.required else "!")
            print(f"  {mark} {check.name}: {check.seen}")
            if not check.passed and check.cure:
                print(f"      {check.cure}")
        broken = [c for c in checks if not c.passed and c.required]
        print(f"{len(broken)} problems" if broken else "All well")
        sys.exit(1 if broken else 0)


def _python() -> Check:
    seen = sys.version.split()[0]
    return Check("Python", sys.version_info >= (3, 11), seen, "Install Python 3.11 or newer.")


def _data_folder() -> Check:
    data: Path = settings.DATA
    fine = os.access(data, os.R_OK | os.W_OK | os.X_OK)
    return Check(
        "data folder",
        fine,
        f"{data} is {'writable' if fine else 'not writable'}",
        f"Make {data} belong to the user that runs the portal.",
    )


def _secrets() -> Check:
    loose = [
        f.name
        for f in (settings.DATA / "secret.key", settings.DATA / "secrets.key")
        if f.exists() and f.stat().st_mode & 0o077
    ]
    seen = "keys are private" if not loose else f"{', '.join(loose)} can be read by others"
    return Check("key files", not loose, seen, "chmod 600 them, then change all API keys.")


def _disk() -> Check:
    usage = shutil.disk_usage(settings.DATA)
    seen = f"{size(usage.free)} free of {size(usage.total)}"
    return Check("disk space", usage.free > 2 * 2**30, seen, "Free at least 2 GiB.")


def _port() -> Check:
    host, port = settings.LISTEN
    free = port_is_free(host, port)
    seen = f"{host}:{port} is {'free' if free else 'in use'}"
    return Check("port", free, seen, "Fine if the portal runs now; else choose another port "
                 "with CLOUDPORTAL_LISTEN.", required=False)  # fmt: skip


def _database() -> Check:
    try:
        began = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        took_ms = (time.monotonic() - began) * 1000
    except Error as error:
        return Check("database", False, str(error), "Start the database server, and check "
                     "CLOUDPORTAL_DATABASE_URL; manage.py initdb prepares a new one.")  # fmt: skip
    return Check("database", True, f"{connection.vendor} answers in {took_ms:.1f} ms")


def _migrations() -> Check:
    try:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error as error:
        return Check("tables", False, str(error), "Mend the database connection first.")
    seen = f"{len(plan)} migrations are missing" if plan else "up to date"
    return Check("tables", not plan, seen, "Run manage.py migrate (scripts/up does it).")


def _clock() -> Check:
    year = time.gmtime().tm_year
    return Check("clock", year >= 2025, time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
                 "Set the clock; signatures and tickets depend on it.")  # fmt: skip


def _pages() -> Check:
    missing = [n for n in ("htmx.org", "@novnc/novnc") if not (settings.NPM / n).is_dir()]
    seen = "libraries are there" if not missing else f"{', '.join(missing)} not installed"
    return Check("pages", not missing, seen, "Run scripts/setup.")


def _host_checks() -> list[Check]:
    if settings.VIRT == "simulator":
        return [Check("hypervisor", True, "the simulator, as CLOUDPORTAL_VIRT says")]
    try:
        report = hosts.preflight(Preflight(time.time(), str(settings.DATA / "primary")))
    except AgentError as error:
        return [Check("hypervisor", False, error.message, "Run scripts/setup, which starts it.")]
    return list(report.checks)


_CHECKS: tuple[Callable[[], Check], ...] = (
    _python,
    _data_folder,
    _secrets,
    _disk,
    _port,
    _database,
    _migrations,
    _clock,
    _pages,
)
