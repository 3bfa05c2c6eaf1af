"""Ranges for storage traffic and portable addresses."""

from __future__ import annotations

from typing import Annotated

from django.db.models import QuerySet

from accounts.caller import Caller
from core.commands import ADMIN, Between, Filter, Operate, command, listing
from core.errors import InvalidParameter
from core.responses import SUCCESS
from infra.models import Pod, Region, Zone
from infra.services import address_book
from network.models import PortableIpRange, StorageIpRange
from network.responses import portableiprange, storagenetworkiprange
from network.services import house_ranges


@command(roles=ADMIN, event="STORAGE.IP.RANGE.CREATE", response=storagenetworkiprange)
def createStorageNetworkIpRange(
    caller: Caller,
    podid: Annotated[Pod, Operate, "The pod whose storage network it is"],
    gateway: Annotated[str, "Gateway of the storage network"],
    netmask: Annotated[str, "Netmask of the storage network"],
    startip: Annotated[str, "First address"],
    endip: Annotated[str, "Last address; the first one alone if left out"] = "",
    vlan: Annotated[int | None, Between(1, 4094), "VLAN; untagged if left out"] = None,
) -> StorageIpRange:
    """Reserves addresses of a pod for storage traffic."""
    wanted = address_book.checked(gateway, netmask, startip, endip)
    return house_ranges.add_storage(podid, wanted, vlan)


@command(roles=ADMIN, event="STORAGE.IP.RANGE.UPDATE", response=storagenetworkiprange)
def updateStorageNetworkIpRange(
    caller: Caller,
    id: Annotated[StorageIpRange, Operate, "The range to change"],
    startip: Annotated[str, "First address it shall have"] = "",
    endip: Annotated[str, "Last address it shall have"] = "",
    netmask: Annotated[str, "Netmask it shall have"] = "",
    vlan: Annotated[int | None, Between(1, 4094), "VLAN it shall have"] = None,
) -> StorageIpRange:
    """Changes a range of addresses for storage traffic."""
    return house_ranges.update_storage(
        id, vlan=vlan, start_ip=startip, end_ip=endip, netmask=netmask
    )


@command(roles=ADMIN, event="STORAGE.IP.RANGE.DELETE", response=SUCCESS)
def deleteStorageNetworkIpRange(
    caller: Caller, id: Annotated[StorageIpRange, Operate, "The range to delete"]
) -> None:
    """Gives back a range of addresses for storage traffic."""
    id.remove()


@listing(
    StorageIpRange, response=storagenetworkiprange, roles=ADMIN, keyword=("start_ip", "end_ip")
)
def listStorageNetworkIpRange(
    caller: Caller,
    rows: QuerySet,
    podid: Annotated[Pod | None, Filter("pod"), "Only of this pod"] = None,
    zoneid: Annotated[Zone | None, Filter("pod__zone"), "Only in this zone"] = None,
) -> QuerySet:
    """Lists ranges of addresses for storage traffic."""
    return rows


@command(roles=ADMIN, event="PORTABLE.IP.RANGE.CREATE", response=portableiprange)
def createPortableIpRange(
    caller: Caller,
    regionid: Annotated[int, Between(1), "The region's number; this cloud is 1"],
    gateway: Annotated[str, "Gateway of the subnet"],
    netmask: Annotated[str, "Netmask of the subnet"],
    startip: Annotated[str, "First address"],
    endip: Annotated[str, "Last address"],
    vlan: Annotated[str, "VLAN; untagged if left out"] = "",
) -> PortableIpRange:
    """Adds a range of public addresses that belong to a region and to no zone."""
    wanted = address_book.checked(gateway, netmask, startip, endip)
    return house_ranges.add_portable(_region(regionid), wanted, vlan)


def _region(number: int) -> Region:
    found = Region.objects.filter(number=number).first()
    if found is None:
        raise InvalidParameter(f"There is no region {number}; see listRegions.")
    return found


@command(roles=ADMIN, event="PORTABLE.IP.RANGE.DELETE", response=SUCCESS)
def deletePortableIpRange(
    caller: Caller, id: Annotated[PortableIpRange, Operate, "The range to delete"]
) -> None:
    """Deletes a range of portable addresses."""
    id.remove()


@listing(PortableIpRange, response=portableiprange, roles=ADMIN, keyword=("start_ip", "end_ip"))
def listPortableIpRanges(
    caller: Caller,
    rows: QuerySet,
    regionid: Annotated[int | None, Filter("region__number"), "Only of this region"] = None,
) -> QuerySet:
    """Lists ranges of portable addresses."""
    return rows
