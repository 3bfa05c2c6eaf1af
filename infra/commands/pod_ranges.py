"""Management addresses of pods."""

from __future__ import annotations

from typing import Annotated, Any

from accounts.caller import Caller
from core.commands import ADMIN, Between, Operate, Read, command
from core.responses import SUCCESS
from infra.models import Pod, Zone
from infra.responses import pod, podaddress
from infra.services import address_book, pod_ranges


@command(roles=ADMIN, event="MANAGEMENT.IP.RANGE.CREATE", response=pod)
def createManagementNetworkIpRange(
    caller: Caller,
    podid: Annotated[Pod, Operate, "The pod that gets the addresses"],
    gateway: Annotated[str, "Gateway of the pod's management network"],
    netmask: Annotated[str, "Netmask of the pod's management network"],
    startip: Annotated[str, "First address"],
    endip: Annotated[str, "Last address; the first one alone if left out"] = "",
    forsystemvms: Annotated[bool, "Only system machines get them"] = False,
    vlan: Annotated[str, "VLAN the addresses are in; untagged if left out"] = "",
) -> Pod:
    """Reserves one more range of management addresses for a pod."""
    wanted = address_book.checked(gateway, netmask, startip, endip)
    pod_ranges.add(podid, wanted, vlan=vlan, for_system_vms=forsystemvms)
    return podid


@command(roles=ADMIN, event="MANAGEMENT.IP.RANGE.UPDATE", response=SUCCESS)
def updatePodManagementNetworkIpRange(
    caller: Caller,
    podid: Annotated[Pod, Operate, "The pod whose range it is"],
    currentstartip: Annotated[str, "First address of the range as it is"],
    currentendip: Annotated[str, "Last address of the range as it is"],
    newstartip: Annotated[str, "First address it shall have"] = "",
    newendip: Annotated[str, "Last address it shall have"] = "",
) -> None:
    """Moves the ends of a range of a pod's management addresses."""
    row = pod_ranges.find(podid, currentstartip, currentendip)
    pod_ranges.resize(row, newstartip or row.start_ip, newendip or row.end_ip)


@command(roles=ADMIN, event="MANAGEMENT.IP.RANGE.DELETE", response=SUCCESS)
def deleteManagementNetworkIpRange(
    caller: Caller,
    podid: Annotated[Pod, Operate, "The pod whose range it is"],
    startip: Annotated[str, "First address of the range"],
    endip: Annotated[str, "Last address of the range"],
    vlan: Annotated[str, "VLAN of the range, or untagged"],
) -> None:
    """Gives back a range of a pod's management addresses that nobody uses."""
    pod_ranges.remove(podid, startip, endip, vlan)


@command(roles=ADMIN, event="NET.IPASSIGN", response=podaddress)
def acquirePodIpAddress(
    caller: Caller,
    zoneid: Annotated[Zone, Read, "The zone the address is in"],
    podid: Annotated[Pod | None, Read, "The pod the address is in; any of the zone's"] = None,
) -> dict[str, Any]:
    """Takes a management address of a pod for something outside the cloud."""
    taken = pod_ranges.take(zoneid, podid, holder=pod_ranges.ASKED_FOR)
    return {
        "id": taken.pk,
        "ipaddress": taken.address,
        "gateway": taken.ip_range.gateway,
        "cidr": taken.ip_range.cidr,
        "podid": taken.pod_id,
    }


@command(roles=ADMIN, event="NET.IPRELEASE", response=SUCCESS)
def releasePodIpAddress(
    caller: Caller,
    id: Annotated[int, Between(1), "The number that acquirePodIpAddress answered"],
) -> None:
    """Gives a management address back."""
    pod_ranges.release(id)
