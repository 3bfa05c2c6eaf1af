"""Machines from start to end."""

from __future__ import annotations

from typing import Annotated

from accounts.caller import Caller
from accounts.services.scoping import own_uuid
from compute.models import SecurityGroup, ServiceOffering, UserData, VirtualMachine
from compute.responses import virtualmachine
from compute.services import machines, reinstall, scaling, securitygroups
from compute.services.places import Choice
from core.commands import (
    USER,
    AdminOnly,
    Between,
    Details,
    Length,
    Operate,
    Use,
    command,
)
from core.responses import SUCCESS
from core.steps import Plan
from infra.models import Cluster, Host, OsType, Pod
from storage.models import DiskOffering, Template, Volume


@command(roles=USER, event="VM.START", response=virtualmachine)
def startVirtualMachine(
    caller: Caller,
    id: Annotated[VirtualMachine, Operate, "The virtual machine to start"],
    hostid: Annotated[Host | None, AdminOnly, "On this host"] = None,
    clusterid: Annotated[Cluster | None, AdminOnly, "In this cluster"] = None,
    podid: Annotated[Pod | None, AdminOnly, "In this pod"] = None,
    considerlasthost: Annotated[bool, AdminOnly, "Try the host it was on last first"] = True,
) -> Plan:
    """Starts a virtual machine."""
    choice = Choice(hostid, clusterid, podid)
    return machines.start(caller, id, choice=choice, near=considerlasthost)


@command(roles=USER, event="VM.STOP", response=virtualmachine)
def stopVirtualMachine(
    caller: Caller,
    id: Annotated[VirtualMachine, Operate, "The virtual machine to stop"],
    forced: Annotated[bool, "Cut the power if the guest does not shut down"] = False,
) -> Plan:
    """Stops a virtual machine."""
    return machines.stop(caller, id, forced=forced)


@command(roles=USER, event="VM.REBOOT", response=virtualmachine)
def rebootVirtualMachine(
    caller: Caller,
    id: Annotated[VirtualMachine, Operate, "The virtual machine to restart"],
    forced: Annotated[bool, "Reset it if the guest does not restart"] = False,
) -> Plan:
    """Restarts the guest of a running virtual machine."""
    return machines.reboot(caller, id, forced=forced)


@command(roles=USER, event="VM.DESTROY", response=virtualmachine)
def destroyVirtualMachine(
    caller: Caller,
    id: Annotated[VirtualMachine, Operate, "The virtual machine to destroy"],
    expunge: Annotated[bool, "Without the time in which it can be recovered"] = False,
    volumeids: Annotated[list[Volume] | None, Operate, "Data disks that go with it"] = None,
) -> Plan:
    """Destroys a virtual machine; it can be recovered until it is expunged."""
    return machines.destroy(caller, id, expunge=expunge, with_volumes=volumeids or [])


@command(roles=USER, event="VM.RECOVER", response=virtualmachine)
def recoverVirtualMachine(
    caller: Caller,
    id: Annotated[VirtualMachine, Operate, "The virtual machine to bring back"],
) -> VirtualMachine:
    """Brings back a destroyed virtual machine that is not expunged yet."""
    return machines.recover(caller, id)


@command(roles=USER, event="VM.EXPUNGE", response=SUCCESS)
def expungeVirtualMachine(
    caller: Caller,
    id: Annotated[VirtualMachine, Operate, "The destroyed virtual machine"],
) -> Plan:
    """Deletes a destroyed virtual machine for good, with its root disk."""
    return machines.expunge(caller, id)


@command(roles=USER, event="VM.RESTORE", response=virtualmachine)
def restoreVirtualMachine(
    caller: Caller,
    virtualmachineid: Annotated[VirtualMachine, Operate, "The stopped virtual machine"],
    templateid: Annotated[Template | None, Use, "Another template or ISO to begin from"] = None,
    diskofferingid: Annotated[DiskOffering | None, Use, "What the root disk is"] = None,
    rootdisksize: Annotated[int | None, Between(1), "Size of the root disk in GiB"] = None,
    expunge: Annotated[bool, "Delete the old root disk for good"] = False,
) -> Plan:
    """Gives a stopped virtual machine a fresh root disk; the old one goes to the bin."""
    return reinstall.reinstall(
        virtualmachineid,
        template=templateid,
        root_offering=diskofferingid,
        size_gb=rootdisksize,
        expunge=expunge,
    )


@command(roles=USER, event="VM.UPDATE", response=virtualmachine)
def updateVirtualMachine(
    caller: Caller,
    id: Annotated[VirtualMachine, Operate, "The virtual machine to change"],
    name: Annotated[str | None, "A new name; the guest learns it at its next start"] = None,
    displayname: Annotated[str | None, "What lists call it"] = None,
    group: Annotated[str | None, "The instance group to put it in; empty for none"] = None,
    haenable: Annotated[bool | None, "Whether it is started again elsewhere if its host fails"] = None,  # noqa: E501
    ostypeid: Annotated[OsType | None, "The system that runs in it"] = None,
    userdata: Annotated[str | None, Length(1048576), "Data for the guest, in base64"] = None,
    userdataid: Annotated[UserData | None, Use, "Data that was registered"] = None,
    userdatadetails: Annotated[Details | None, "Values of its variables"] = None,
    details: Annotated[Details | None, "Details that replace those it has"] = None,
    cleanupdetails: Annotated[bool, "Take all details away"] = False,
    isdynamicallyscalable: Annotated[bool | None, "Whether it may grow while it runs"] = None,
    deleteprotection: Annotated[bool | None, "Refuse to destroy it"] = None,
    securitygroupids: Annotated[
        list[SecurityGroup] | None, Use, "Its security groups from now on, while it is stopped"
    ] = None,
    securitygroupnames: Annotated[list[str] | None, "The same by name"] = None,
    displayvm: Annotated[bool | None, AdminOnly, "Show it to its owner"] = None,
    customid: Annotated[str | None, AdminOnly, "Another uuid"] = None,
) -> VirtualMachine:
    """Changes what a virtual machine is called and how it is kept."""
    if securitygroupids is not None or securitygroupnames is not None:
        securitygroups.change(id, securitygroupids or [], securitygroupnames or [])
    return machines.update(
        id,
        name=name,
        display_name=displayname,
        group=group,
        ha_enabled=haenable,
        os_type=ostypeid,
        user_data=userdata,
        user_data_row=userdataid,
        user_data_values=userdatadetails,
        details=details,
        clean_details=cleanupdetails,
        dynamic_scaling=isdynamicallyscalable,
        delete_protection=deleteprotection,
        display=displayvm,
        uuid=own_uuid(customid, "customid") if customid else None,
    )


@command(roles=USER, event="VM.UPGRADE", response=virtualmachine)
def scaleVirtualMachine(
    caller: Caller,
    id: Annotated[VirtualMachine, Operate, "The stopped virtual machine"],
    serviceofferingid: Annotated[ServiceOffering, Use, "What it is to be from now on"],
    details: Annotated[Details | None, "cpuNumber, cpuSpeed, memory of custom offerings"] = None,
) -> Plan:
    """Gives a stopped virtual machine another service offering."""
    return scaling.scale_plan(id, serviceofferingid, details or {})


@command(roles=USER, event="VM.UPGRADE", response=virtualmachine)
def changeServiceForVirtualMachine(
    caller: Caller,
    id: Annotated[VirtualMachine, Operate, "The stopped virtual machine"],
    serviceofferingid: Annotated[ServiceOffering, Use, "What it is to be from now on"],
    details: Annotated[Details | None, "cpuNumber, cpuSpeed, memory of custom offerings"] = None,
) -> VirtualMachine:
    """Gives a stopped virtual machine another service offering."""
    return scaling.scale(id, serviceofferingid, details or {})
