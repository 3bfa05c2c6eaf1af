"""Prepares MariaDB or MySQL: what ``cloudstack-setup-databases`` does for CloudStack."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import MySQLdb
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from cloudportal import environment
from cloudportal.steps import Teller


class Command(BaseCommand):
    help = "Creates database and user, makes the tables and fills in the defaults."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--database-url",
            required=True,
            help="mysql://user:password@host:port/name — what the portal will use",
        )
        parser.add_argument(
            "--deploy-as",
            default="",
            help="user:password of an account that may create databases; "
            "without it, database and user must exist",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        teller = Teller()
        os.environ["CLOUDPORTAL_DATABASE_URL"] = options["database_url"]
        wanted = environment.database("CLOUDPORTAL_DATABASE_URL", settings.DATA / "unused")
        if "mariadb" not in wanted["ENGINE"]:
            raise CommandError("initdb is for MariaDB and MySQL; SQLite needs no preparation.")
        if options["deploy_as"]:
            with teller.step(f"create database {wanted['NAME']} and user {wanted['USER']}"):
                create(wanted, *options["deploy_as"].partition(":")[::2])
        with teller.step("make the tables and fill in the defaults") as step:
            self._migrate()
            step.say("done")
        teller.line("Ready. Start the portal with this CLOUDPORTAL_DATABASE_URL.")

    def _migrate(self) -> None:
        """In a process of its own, whose settings have the new address from the start."""
        for arguments in (["migrate", "-v0"], ["make_defaults"]):
            subprocess.run(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments], check=True
            )


def create(wanted: dict[str, Any], user: str, password: str) -> None:
    """Idempotent: an existing database and user are kept; the password is set again."""
    for what in ("NAME", "USER"):
        if not re.fullmatch(r"[A-Za-z0-9_]{1,32}", wanted[what]):
            raise CommandError(
                f"“{wanted[what]}”: database and user names are letters, digits and _ here."
            )
    options = {k: v for k, v in wanted["OPTIONS"].items() if k == "unix_socket"}
    place = {} if options else {"host": wanted["HOST"] or "localhost",
                                "port": int(wanted["PORT"] or 3306)}  # fmt: skip
    try:
        connection = MySQLdb.connect(user=user, passwd=password, **place, **options)
    except MySQLdb.Error as error:
        raise CommandError(f"{user} cannot sign in to the database server: {error}") from error
    try:
        with connection.cursor() as cursor:
            _make(cursor, wanted["NAME"], wanted["USER"], wanted["PASSWORD"])
        connection.commit()
    except MySQLdb.Error as error:
        raise CommandError(f"{user} may not create databases and users: {error}") from error
    finally:
        connection.close()


def _make(cursor: Any, name: str, who: str, password: str) -> None:
    """``%`` is MariaDB's any host; it is doubled where the driver formats the text."""
    cursor.execute(
        f"CREATE DATABASE IF NOT EXISTS `{name}` "
        "CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
    )
    for host in ("localhost", "%%"):
        account = f"`{who}`@`{host}`"
        cursor.execute(f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY %s", (password,))
        cursor.execute(f"ALTER USER {account} IDENTIFIED BY %s", (password,))
        cursor.execute(f"GRANT ALL ON `{name}`.* TO {account.replace('%%', '%')}")
