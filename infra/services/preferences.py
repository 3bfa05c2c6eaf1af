"""The zone that an account's new things go to when nobody names another."""

from __future__ import annotations

from accounts.models import Account
from core import live
from core.errors import InvalidParameter
from infra.models import DefaultZone, Zone


def set_default_zone(account: Account, zone: Zone) -> Account:
    if zone.domain is not None and not account.domain.path.startswith(zone.domain.path):
        raise InvalidParameter(f"Zone {zone} is not for account {account.name}.")
    DefaultZone.objects.update_or_create(account=account, defaults={"zone": zone})
    live.changed(account)
    return account


def default_zone(account: Account) -> Zone | None:
    found = DefaultZone.objects.filter(account=account, zone__removed=None)
    row = found.select_related("zone").first()
    return row.zone if row else None
