"""For which domains and zones: texts of ids as rows, and offerings narrowed by them."""

from __future__ import annotations

import uuid as uuids

from django.db.models import Model, QuerySet

from accounts.caller import Caller
from accounts.models import Domain
from core.errors import InvalidParameter, NoSuchObject
from infra.models import Zone
from storage.models import DiskOffering, StoragePool, Template, Volume


def domains(caller: Caller, command: str, text: str | None) -> list[Domain] | None:
    """``public`` → [] (for all), ids with commas → rows, None → None. Raises NoSuchObject."""
    return _rows(caller, Domain, command, "domainid", text, "public")


def zones(caller: Caller, command: str, text: str | None) -> list[Zone] | None:
    """The same for zones, where ``all`` is for all."""
    return _rows(caller, Zone, command, "zoneid", text, "all")


def _rows(
    caller: Caller, model: type[Model], command: str, parameter: str, text: str | None, all_: str
):
    if text is None:
        return None
    if text.strip().lower() in (all_, ""):
        return []
    found = []
    for part in text.split(","):
        row = _row(caller, model, part.strip())
        if row is None:
            raise NoSuchObject(command, parameter, part.strip())
        found.append(row)
    return found


def _row(caller: Caller, model, text: str):
    try:
        return model.objects.all().visible_to(caller).filter(uuid=uuids.UUID(text)).first()
    except ValueError:
        return None


def offerings(
    caller: Caller,
    rows: QuerySet,
    *,
    zone: Zone | None,
    domain: Domain | None,
    state: str,
    pool: StoragePool | None,
    volume: Volume | None,
    encrypt: bool | None,
) -> QuerySet:
    """Users see what is shown to them and Active; only administrators ask for the rest."""
    if state != "all" or not caller.is_domain_admin:
        rows = rows.filter(state=state if caller.is_domain_admin and state != "all" else "Active")
    if not caller.is_domain_admin:
        rows = rows.filter(display=True)
    if encrypt:
        return rows.none()
    if zone is not None:
        rows = rows.for_zone(zone)
    if domain is not None:
        rows = rows.for_domain(domain)
    if volume is not None:
        rows = rows.for_domain(volume.account.domain).for_zone(volume.zone)
        rows = rows.exclude(pk=volume.disk_offering_id)
        pool = pool or volume.pool
    if pool is not None:
        missing = [
            key
            for key, tags in DiskOffering.objects.values_list("pk", "tags")
            if set(tags) - set(pool.tags)
        ]
        rows = rows.exclude(pk__in=missing)
    return rows


def template_of(row: Template, kind: str) -> Template:
    """The row, if it is of this kind: templates and ISOs share their ids, not their commands."""
    if row.kind != kind:
        other = "an ISO" if row.is_iso else "a template"
        raise InvalidParameter(f"{row} is {other}; use the command for that.")
    return row
