"""Runs jobs beside a portal that has the same database: one more process for one more core.

For clouds of simulated hosts, whose world processes share. A real host is served by the process
that has its agent or its connection.
"""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cloudportal import hosts
from cloudportal.web import calm_garbage_collection
from infra import agents
from infra.models import Host
from jobs.worker import WorkerProcess


class Command(BaseCommand):
    help = "Runs jobs until it is ended; for a portal with MariaDB and simulated hosts."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--threads", type=int, default=8, help="jobs at the same time")

    def handle(self, *args: Any, **options: Any) -> None:
        over = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: over.set())
        real = Host.objects.exclude(link="simulated").first()
        if real is not None:
            raise CommandError(
                f"Host {real} is a real one: its jobs run where its agent is, in the portal."
            )
        agents.use_simulated(hosts.simulated)
        worker = WorkerProcess(options["threads"])
        worker.start()
        calm_garbage_collection()
        over.wait()
        worker.stop()
        agents.close_links()
