"""Values from the environment, each read through one helper that names it when it is wrong."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} is “{value}”; it may be {', '.join(allowed)}.")
    return value


def listen(name: str, default: str) -> tuple[str, int]:
    """``host:port``; the host may be an IPv6 address in brackets."""
    value = text(name, default)
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ImproperlyConfigured(f"{name} is “{value}”; it must be like {default}.")
    return host.strip("[]"), int(port)


def secret_file(path: Path, *, fernet: bool = False) -> str:
    """A random secret, made at first use and readable by its owner only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = Fernet.generate_key().decode() if fernet else secrets.token_urlsafe(64)
        # O_EXCL: of two processes starting at once, one makes it and the other reads it.
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(made)
        except FileExistsError:
            pass
    return path.read_text().strip()


def database(name: str, default_file: Path) -> dict[str, Any]:
    """Django's database dict from ``sqlite:///path`` or ``mysql://user:pw@host:port/name``.

    ``?unix_socket=…`` reaches a local MariaDB.
    """
    url = text(name, f"sqlite:///{default_file}")
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return _sqlite(Path(parts.path[1:] if parts.path.startswith("//") else parts.path))
    if parts.scheme in ("mysql", "mariadb"):
        return {
            "ENGINE": "cloudportal.mariadb",
            "NAME": parts.path.strip("/"),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": 300,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": {
                "charset": "utf8mb4",
                "isolation_level": "read committed",
                # Of more than 200 keys MariaDB would guess by averages, and read whole tables.
                "init_command": "SET sql_mode='STRICT_TRANS_TABLES', eq_range_index_dive_limit=0",
                **dict(parse_qsl(parts.query)),
            },
            "TEST": {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_unicode_ci"},
        }
    raise ImproperlyConfigured(f"{name}: “{parts.scheme}” is neither sqlite nor mysql.")


def _sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                "PRAGMA cache_size=-20000; PRAGMA mmap_size=134217728;"
            ),
        },
    }
