"""Addresses for storage traffic, and portable ones."""

from __future__ import annotations

from django.db import transaction

from core import live
from core.errors import InvalidParameter
from core.locking import locked
from infra.models import Pod, PodIpRange, Region
from infra.services import address_book
from infra.services.address_book import Range
from network.models import IpRange, PortableIpRange, StorageIpRange
from network.services import physical, vlans

# -- storage ---------------------------------------------------------------------------


@transaction.atomic
def add_storage(pod: Pod, wanted: Range, vlan: int | None = None) -> StorageIpRange:
    """Raises InvalidParameter in a zone without Storage traffic."""
    zone = locked(pod.zone)
    if physical.carrying(zone, "Storage") is None:
        raise InvalidParameter(
            f"No physical network of zone {zone} carries Storage traffic; add it with "
            "addTrafficType."
        )
    _check_vlan(pod, vlan)
    address_book.refuse_overlap(zone, wanted.first, wanted.last)
    made = StorageIpRange.objects.create(pod=pod, vlan=vlan, **wanted.fields())
    live.changed(made)
    return made


def _check_vlan(pod: Pod, vlan: int | None) -> None:
    if vlan is None:
        return
    user = vlans.user_of(pod.zone, int(vlans.checked(str(vlan))))
    if user:
        raise InvalidParameter(f"VLAN {vlan} is used by {user} in zone {pod.zone}.")


@transaction.atomic
def update_storage(
    row: StorageIpRange, *, vlan: int | None = None, **asked: str
) -> StorageIpRange:
    locked(row.pod.zone)
    fields = {"gateway": row.gateway, "netmask": row.netmask, "start_ip": row.start_ip,
              "end_ip": row.end_ip}  # fmt: skip
    wanted = address_book.checked(**fields | {k: v for k, v in asked.items() if v})
    address_book.refuse_overlap(row.pod.zone, wanted.first, wanted.last, but=row)
    if vlan is not None:
        _check_vlan(row.pod, vlan)
        row.vlan = vlan
    for name, value in wanted.fields().items():
        setattr(row, name, value)
    row.save()
    live.changed(row)
    return row


# -- portable --------------------------------------------------------------------------


@transaction.atomic
def add_portable(region: Region, wanted: Range, vlan: str = "") -> PortableIpRange:
    """They belong to no zone, so no zone may have any of them."""
    region = locked(region)
    _refuse_portable_overlap(wanted)
    made = PortableIpRange.objects.create(
        region=region, vlan=vlans.checked(vlan), **wanted.fields()
    )
    live.changed(made)
    return made


def _refuse_portable_overlap(wanted: Range) -> None:
    where = {"first__lte": wanted.last, "last__gte": wanted.first}
    for rows, words in (
        (PortableIpRange.objects.filter(**where), "the portable range"),
        (IpRange.objects.filter(network=None, **where), "the public range"),
        (PodIpRange.objects.filter(**where), "the addresses of a pod,"),
        (StorageIpRange.objects.filter(**where), "the storage addresses"),
    ):
        other = rows.first()
        if other is not None:
            raise InvalidParameter(
                f"{wanted.start_ip} to {wanted.end_ip} overlaps {words} {other}."
            )
