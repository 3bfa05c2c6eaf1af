"""Management addresses of pods: reserved in ranges, taken and given back one by one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Sum

from core import live
from core.errors import InsufficientCapacity, InUse, InvalidParameter
from core.locking import locked
from infra.models import Pod, PodAddress, PodIpRange, Zone
from infra.services import address_book, capacities
from infra.services.address_book import Range
from infra.services.capacities import Amount
from infra.services.checks import ip

#: Holder of an address that somebody took for something outside the cloud.
ASKED_FOR = "API"
_SHOWN = 5


@transaction.atomic
def add(pod: Pod, wanted: Range, *, vlan: str = "", for_system_vms: bool = False) -> PodIpRange:
    """One more range. The zone is locked: of two who ask for the same range, one gets it."""
    locked(pod.zone)
    if pod.gateway and (pod.gateway, pod.netmask) != (wanted.gateway, wanted.netmask):
        raise InvalidParameter(
            f"Pod {pod} has gateway {pod.gateway} and netmask {pod.netmask}; its ranges have the "
            "same."
        )
    address_book.refuse_overlap(pod.zone, wanted.first, wanted.last)
    made = PodIpRange.objects.create(
        pod=pod, vlan=vlan, for_system_vms=for_system_vms, **wanted.fields()
    )
    live.changed(pod)
    return made


@transaction.atomic
def remove(pod: Pod, start_ip: str, end_ip: str, vlan: str = "") -> None:
    """Raises InUse naming who has addresses of the range."""
    row = find(pod, start_ip, end_ip)
    if _vlan(row.vlan) != _vlan(vlan):
        raise InvalidParameter(f"The range {row} of pod {pod} has VLAN {row.vlan or 'untagged'}.")
    row = locked(row)
    refuse_in_use(row.addresses.all(), f"Range {row} of pod {pod}")
    row.remove()
    live.changed(pod)


def _vlan(written: str) -> str:
    return "" if written in ("", "untagged", "vlan://untagged") else written.removeprefix("vlan://")


@transaction.atomic
def resize(row: PodIpRange, start_ip: str, end_ip: str) -> PodIpRange:
    """Other ends for a range; addresses somebody has must stay inside."""
    locked(row.pod.zone)
    wanted = address_book.checked(row.gateway, row.netmask, start_ip, end_ip)
    address_book.refuse_overlap(row.pod.zone, wanted.first, wanted.last, but=row)
    outside = row.addresses.exclude(number__gte=wanted.first, number__lte=wanted.last)
    refuse_in_use(outside, f"Range {row} of pod {row.pod}")
    row.start_ip, row.end_ip = wanted.start_ip, wanted.end_ip
    row.save()
    live.changed(row.pod)
    return row


def find(pod: Pod, start_ip: str, end_ip: str) -> PodIpRange:
    start, end = ip("startip", start_ip, 4), ip("endip", end_ip, 4)
    row = PodIpRange.objects.filter(pod=pod, start_ip=start, end_ip=end).first()
    if row is None:
        raise InvalidParameter(f"Pod {pod} has no range {start_ip} to {end_ip}.")
    return row


def refuse_in_use(addresses: object, what: str) -> None:
    rows = list(addresses.order_by("number")[: _SHOWN + 1])  # type: ignore[attr-defined]
    if rows:
        shown = ", ".join(f"{r} ({r.holder})" if r.holder else str(r) for r in rows[:_SHOWN])
        more = " and more" if len(rows) > _SHOWN else ""
        raise InUse(f"{what} is in use: {shown}{more}.")


@transaction.atomic
def take(
    zone: Zone, pod: Pod | None = None, *, holder: str, for_system_vms: bool = False
) -> PodAddress:
    """The lowest free address of the pod, or of any pod of the zone.

    ``for_system_vms`` takes from the ranges kept for system machines first. Raises
    InsufficientCapacity when there is none.
    """
    rows = PodIpRange.objects.filter(pod__zone=zone).select_related("pod")
    if pod is not None:
        rows = rows.filter(pod=pod)
    if not for_system_vms:
        rows = rows.filter(for_system_vms=False)
    for row in rows.order_by("-for_system_vms" if for_system_vms else "pk", "pk"):
        found = _first_free(locked(row, "pod"))
        if found is not None:
            return PodAddress.objects.create(
                ip_range=row, pod=row.pod, number=found, address=address_book.text(found),
                holder=holder,
            )  # fmt: skip
    where = f"pod {pod} of zone {zone}" if pod else f"the pods of zone {zone}"
    raise InsufficientCapacity(
        f"There is no free management address in {where}; add a range with "
        "createManagementNetworkIpRange."
    )


def _first_free(row: PodIpRange) -> int | None:
    taken = set(row.addresses.values_list("number", flat=True))
    return next((n for n in range(row.first, row.last + 1) if n not in taken), None)


@transaction.atomic
def release(key: int) -> None:
    """Give an address back, by its row's key, that somebody took by hand; a system machine's
    goes with the machine."""
    row = PodAddress.objects.select_for_update().filter(pk=key).first()
    if row is None:
        raise InvalidParameter(f"There is no management address with the id {key} in use.")
    if row.holder != ASKED_FOR:
        raise InUse(f"Address {row} belongs to {row.holder} and goes with it.")
    row.delete()


@capacities.register_provider
def capacity(level: str, where: dict[str, Any]) -> Iterable[Amount]:
    """Management addresses of zones and pods; clusters have none of their own."""
    if level not in ("zone", "pod") or set(where) - {"zone", "zone__in", "pod", "pod__in"}:
        return
    columns = capacities.grouping(level, "pod__")
    columns = [c.replace("pod__pod_id", "pod_id") for c in columns]
    within = {(k if k.startswith("pod") else f"pod__{k}"): v for k, v in where.items()}
    held = PodAddress.objects.filter(**within).values_list(*columns).order_by(*columns)
    used = {tuple(row[:-1]): row[-1] for row in held.annotate(n=Count("pk"))}
    ranges = PodIpRange.objects.filter(**within).values_list(*columns).order_by(*columns)
    for *place, total in ranges.annotate(n=Sum(F("last") - F("first") + 1)):
        n = used.get(tuple(place), 0)
        yield Amount(capacities.PRIVATE_IP, *place, total=int(total), used=n, allocated=n)
