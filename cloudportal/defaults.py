"""Rows that exist in every installation, made when they are missing, never overwritten."""

from __future__ import annotations

from collections.abc import Callable

from accounts.services import bootstrap
from compute.services import offerings as service_offerings
from infra.services import guests
from network.services import offerings as network_offerings
from storage.services import offerings as disk_offerings

_BUILT_IN: tuple[Callable[[], object], ...] = (
    guests.ensure_built_in,
    network_offerings.ensure_built_in,
    disk_offerings.ensure_built_in,
    service_offerings.ensure_built_in,
)


def ensure(admin_password: str = "") -> str:
    """Returns the first administrator's password when that user was made now, else ""."""
    password = bootstrap.bootstrap(admin_password)
    for make in _BUILT_IN:
        make()
    return password
