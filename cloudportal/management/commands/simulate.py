"""Fills the database with a cloud of simulated hosts, for trying out what size does."""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cloudportal import defaults, hosts
from cloudportal.simulation import Simulation, Wanted
from cloudportal.steps import Teller

_AT_ONCE = 5000


class Command(BaseCommand):
    help = "Adds simulated zones with hosts, accounts, networks and machines, quickly."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--hosts", type=int, default=100)
        parser.add_argument("--machines", type=int, default=1000)
        parser.add_argument("--accounts", type=int, default=0, help="a tenth of the machines")
        parser.add_argument("--domains", type=int, default=0, help="a tenth of the accounts")
        parser.add_argument("--networks", type=int, default=0, help="as many as accounts")
        parser.add_argument("--projects", type=int, default=0)
        parser.add_argument("--zones", type=int, default=1)
        parser.add_argument(
            "--database-only", action="store_true", help="nothing on the simulated hosts"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        teller = Teller()
        accounts = options["accounts"] or max(options["machines"] // 10, 1)
        wanted = Wanted(
            hosts=options["hosts"],
            machines=options["machines"],
            accounts=accounts,
            domains=options["domains"] or max(accounts // 10, 1),
            networks=options["networks"] or max(accounts, options["zones"]),
            projects=options["projects"],
            zones=options["zones"],
        )
        if wanted.refusal():
            raise CommandError(wanted.refusal())
        defaults.ensure()
        simulation = Simulation(wanted)
        with teller.step(f"{wanted.hosts} hosts and {wanted.machines} machines in the database"):
            simulation.seed()
        if not options["database_only"]:
            with teller.step("the same on the simulated hosts"):
                ledger, rows = hosts.world().ledger, simulation.picture()
                while some := list(islice(rows, _AT_ONCE)):
                    ledger.put_all(some)
