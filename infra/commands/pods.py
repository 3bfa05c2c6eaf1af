"""Pods."""

from __future__ import annotations

from typing import Annotated

from django.db.models import QuerySet

from accounts.caller import Caller
from core.commands import ADMIN, RESOURCE_ADMIN, Filter, Operate, Use, command, listing
from core.responses import SUCCESS
from infra.commands.zones import State, given, with_capacities
from infra.models import Pod, Zone
from infra.responses import pod
from infra.services import pods


@command(roles=ADMIN, event="POD.CREATE", response=pod)
def createPod(
    caller: Caller,
    name: Annotated[str, "Name of the pod"],
    zoneid: Annotated[Zone, Use, "The zone it stands in"],
    gateway: Annotated[str, "Gateway of its management network"] = "",
    netmask: Annotated[str, "Netmask of its management network"] = "",
    startip: Annotated[str, "First address for system machines"] = "",
    endip: Annotated[str, "Last address for system machines"] = "",
    allocationstate: Annotated[State, "Whether new resources may be placed in it"] = "Enabled",
) -> Pod:
    """Creates a pod."""
    return pods.create(
        zoneid,
        name=name,
        gateway=gateway,
        netmask=netmask,
        start_ip=startip,
        end_ip=endip,
        allocation_state=allocationstate,
    )


@command(roles=ADMIN, event="POD.EDIT", response=pod)
def updatePod(
    caller: Caller,
    id: Annotated[Pod, Operate, "The pod to change"],
    name: Annotated[str | None, "New name"] = None,
    gateway: Annotated[str | None, "Gateway of its management network"] = None,
    netmask: Annotated[str | None, "Netmask of its management network"] = None,
    startip: Annotated[str | None, "First address for system machines"] = None,
    endip: Annotated[str | None, "Last address for system machines"] = None,
    allocationstate: Annotated[State | None, "Whether new resources may be placed in it"] = None,
) -> Pod:
    """Changes a pod."""
    return pods.update(
        id,
        **given(
            name=name,
            gateway=gateway,
            netmask=netmask,
            start_ip=startip,
            end_ip=endip,
            allocation_state=allocationstate,
        ),
    )


@command(roles=ADMIN, event="POD.DELETE", response=SUCCESS)
def deletePod(caller: Caller, id: Annotated[Pod, Operate, "The empty pod to delete"]) -> None:
    """Deletes a pod that has no clusters."""
    pods.delete(id)


@listing(Pod, response=pod, roles=RESOURCE_ADMIN, groups=with_capacities)
def listPods(
    caller: Caller,
    rows: QuerySet,
    name: Annotated[str | None, Filter("name"), "Only of this name"] = None,
    zoneid: Annotated[Zone | None, Filter("zone"), "Only in this zone"] = None,
    allocationstate: Annotated[
        State | None, Filter("allocation_state"), "Only open, or only closed, pods"
    ] = None,
    showcapacities: Annotated[bool, "Show what each pod has and has given away"] = False,
) -> QuerySet:
    """Lists pods."""
    return rows
