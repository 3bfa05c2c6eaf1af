"""Starts the all-in-one portal, and builds what is missing for a working first zone."""

from __future__ import annotations

import logging
import shutil
import signal
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from agent.protocol import Preflight, PreflightReport
from cloudportal import defaults, environment, hosts
from cloudportal.firstzone import ZONE, FirstZone
from cloudportal.server import Portal, port_is_free
from cloudportal.steps import Teller
from core.errors import CloudError
from infra import agents
from infra.models import Zone
from storage.models import Template

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Starts everything on this machine: pages, API, workers, host agent, first zone."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reset", action="store_true", help="start over, after asking")
        parser.add_argument("--yes", action="store_true", help="do not ask before --reset")
        parser.add_argument("--no-zone", action="store_true", help="build no first zone")

    def handle(self, *args: Any, **options: Any) -> None:
        self.teller = Teller()
        host, port = settings.LISTEN
        if not port_is_free(host, port):
            raise CommandError(
                f"Port {port} of {host} is in use, perhaps by a portal that runs already. "
                "End it, or choose another with CLOUDPORTAL_LISTEN."
            )
        if options["reset"]:
            reset(self.teller, sure=options["yes"])
        password = self._database()
        portal = Portal()
        # A supervisor's SIGTERM ends it like Ctrl-C, also while the first zone is being built.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            with self.teller.step("workers, monitor and this machine's agent"):
                portal.start()
            if not options["no_zone"]:
                self._first_zone()
            portal.serve(lambda: self._ready(password))
        except KeyboardInterrupt:
            pass
        except CloudError as error:
            raise CommandError(_explain(error)) from error
        finally:
            self.teller.line("Stopping; guests go on running.")
            portal.stop()

    def _database(self) -> str:
        with self.teller.step("database") as step:
            executor = MigrationExecutor(connection)
            plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
            if plan:
                call_command("migrate", verbosity=0)
                step.say(f"{len(plan)} migrations applied")
            return defaults.ensure(environment.text("CLOUDPORTAL_ADMIN_PASSWORD"))

    def _first_zone(self) -> None:
        if Template.everything.exists() or Zone.everything.exclude(name=ZONE).exists():
            return  # it was finished once, or an administrator builds a cloud of another shape
        hypervisor = "Simulator" if settings.VIRT == "simulator" else "KVM"
        if hypervisor == "KVM":
            self._check_machine()
        FirstZone(hypervisor, self.teller).build()

    def _check_machine(self) -> None:
        with self.teller.step("checks of this machine") as step:
            report: PreflightReport = hosts.preflight(
                Preflight(pool_path=str(settings.DATA / "primary"))
            )
            failed = [c for c in report.checks if not c.passed and c.required]
            step.say(f"{len(report.checks) - len(failed)} of {len(report.checks)} passed")
            for check in report.checks:
                if not check.passed:
                    self.teller.line(f"    ✗ {check.name}: {check.seen}. {check.cure}")
        if failed:
            raise CommandError(
                "This machine cannot run guests yet; the lines above say what to mend. "
                "To look around without a hypervisor: CLOUDPORTAL_VIRT=simulator ./scripts/up"
            )

    def _ready(self, password: str) -> None:
        host, port = settings.LISTEN
        shown = f"[{host}]" if ":" in host else host
        self.teller.line()
        self.teller.line(f"  cloudportal is ready after {self.teller.elapsed_s:.1f} s")
        self.teller.line(f"  address   http://{shown}:{port}/")
        self.teller.line("  user      admin")
        if password:
            self.teller.line(f"  password  {password}   (shown this once)")
        else:
            self.teller.line("  password  as shown at the first start")
        self.teller.line("  Ctrl-C ends the portal; guests go on running.")


def reset(teller: Teller, *, sure: bool) -> None:
    """Removes the guests, networks and files of this installation, and its database."""
    if not sure:
        teller.line(f"This deletes every machine, disk and account in {settings.DATA}.")
        if input("Type “start over” to go on: ").strip() != "start over":
            raise CommandError("Nothing was changed.")
    with teller.step("remove guests and networks"):
        hosts.plug_in()
        if "infra_host" in connection.introspection.table_names():
            hosts.wipe()
        agents.close_links()
    with teller.step("remove the database and disks"):
        if connection.vendor == "sqlite":
            connection.close()
            for suffix in ("", "-wal", "-shm"):
                (settings.DATA / f"cloudportal.sqlite3{suffix}").unlink(missing_ok=True)
        else:
            call_command("flush", interactive=False, verbosity=0)
        for folder in ("primary", "secondary", "agent", "simulator"):
            shutil.rmtree(settings.DATA / folder, ignore_errors=True)


def _explain(error: CloudError) -> str:
    lines = [error.message]
    if isinstance(error.details, list):
        lines += [
            f"  ✗ {c.get('name')}: {c.get('seen')} {c.get('cure', '')}"
            for c in error.details
            if isinstance(c, dict) and not c.get("passed", False)
        ]
    return "\n".join(lines)
