"""Regions: other clouds with an API end point of their own, and this one."""

from __future__ import annotations

from urllib.parse import urlsplit

from core import live
from core.errors import InvalidParameter
from infra.models import Region
from infra.models.regions import LOCAL
from infra.services import checks
from infra.services.usage import refuse_if_used


def ensure_local() -> Region:
    """This cloud's own region."""
    return Region.objects.get_or_create(number=LOCAL, alive=True, defaults={"name": "Local"})[0]


def add(number: int, *, name: str, endpoint: str) -> Region:
    if number < 1:
        raise InvalidParameter(f"A region's id is a number from 1, not {number}.")
    if Region.objects.filter(number=number).exists():
        raise InvalidParameter(f"There is already a region {number}; choose another id.")
    region = Region.objects.create(
        number=number,
        name=checks.unused_name(Region.objects, "region", name),
        endpoint=_url(endpoint),
    )
    live.changed(region)
    return region


def update(number: int, *, name: str | None = None, endpoint: str | None = None) -> Region:
    region = numbered(number)
    if name is not None:
        region.name = checks.unused_name(Region.objects, "region", name, region)
    if endpoint is not None:
        region.endpoint = _url(endpoint)
    region.save(update_fields=["name", "endpoint"])
    live.changed(region)
    return region


def remove(number: int) -> None:
    """Raises InUse when portable addresses belong to it."""
    region = numbered(number)
    if region.number == LOCAL:
        raise InvalidParameter(f"Region {region} is this cloud itself; it cannot be removed.")
    refuse_if_used(region)
    region.remove()


def numbered(number: int) -> Region:
    region = Region.objects.filter(number=number).first()
    if region is None:
        raise InvalidParameter(f"There is no region {number}.")
    return region


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidParameter(f"endpoint must be a web address (https://…), not “{text}”.")
    return text
