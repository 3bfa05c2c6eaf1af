"""What the database says of itself."""

from __future__ import annotations

import platform
from typing import Any

from django.db import connection
from django.utils import timezone


def is_local() -> bool:
    host = str(connection.settings_dict.get("HOST", ""))
    return connection.vendor == "sqlite" or host in ("", "localhost", "127.0.0.1", "::1")


def measures() -> dict[str, Any]:
    """Of MariaDB its own counters since its start; SQLite counts nothing."""
    found = _mariadb() if connection.vendor == "mysql" else _sqlite()
    return {"collectiontime": timezone.now(), "replicas": [], **found}


def _sqlite() -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()")
        (version,) = cursor.fetchone()
    return {"hostname": platform.node(), "version": version, "versioncomment": "SQLite"}


def _mariadb() -> dict[str, Any]:
    wanted = ("Queries", "Uptime", "Threads_connected")
    with connection.cursor() as cursor:
        cursor.execute(
            "SHOW GLOBAL STATUS WHERE Variable_name IN (%s, %s, %s)", list(wanted)
        )
        status = {name: int(value) for name, value in cursor.fetchall()}
        cursor.execute("SELECT @@hostname, @@version, @@version_comment")
        hostname, version, comment = cursor.fetchone()
    return {
        "hostname": hostname,
        "version": version,
        "versioncomment": comment,
        "queries": status["Queries"],
        "uptime": status["Uptime"],
        "connections": status["Threads_connected"],
    }
