"""The cloud's own machines, in zones of simulated hosts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from django.db.models import QuerySet

from accounts.caller import Caller
from compute.models import ServiceOffering, SystemVm
from compute.responses.metrics import usagehistory
from compute.responses.system_vms import systemvm
from compute.services import samples, system_vms
from core.commands import ADMIN, RESOURCE_ADMIN, Filter, Operate, command, listing
from core.errors import InvalidParameter
from core.steps import Plan
from infra.models import Host, Pod, Zone
from storage.models import StoragePool

_ID = "The system VM"


@listing(
    SystemVm, response=systemvm, roles=RESOURCE_ADMIN,
    keyword=(system_vms.NAME, "type", "host__name"),
)  # fmt: skip
def listSystemVms(
    caller: Caller,
    rows: QuerySet,
    systemvmtype: Annotated[
        Literal["consoleproxy", "secondarystoragevm"] | None, Filter("type"), "Only of this type"
    ] = None,
    name: Annotated[str | None, "Only the one of this name, as in s-1-VM"] = None,
    state: Annotated[str | None, Filter("state__iexact"), "Only in this state"] = None,
    zoneid: Annotated[Zone | None, Filter("zone"), "Only in this zone"] = None,
    podid: Annotated[Pod | None, Filter("pod"), "Only in this pod"] = None,
    hostid: Annotated[Host | None, Filter("host"), "Only on this host"] = None,
    storageid: Annotated[
        StoragePool | None, Filter("volume__pool"), "Only with a disk on this pool"
    ] = None,
    arch: Annotated[str | None, Filter("host__arch"), "Only on hosts of this architecture"] = None,
) -> QuerySet:
    """Lists system VMs."""
    return system_vms.named(rows, name) if name else rows


@command(roles=ADMIN, event="SSVM.START", response=systemvm)
def startSystemVm(caller: Caller, id: Annotated[SystemVm, Operate, _ID]) -> Plan:
    """Starts a system VM."""
    return system_vms.start(id)


@command(roles=ADMIN, event="SSVM.STOP", response=systemvm)
def stopSystemVm(
    caller: Caller,
    id: Annotated[SystemVm, Operate, _ID],
    forced: Annotated[bool, "Cut the power if the guest does not shut down"] = False,
) -> Plan:
    """Stops a system VM; it stays off until somebody starts it."""
    return system_vms.stop(id, forced=forced)


@command(roles=ADMIN, event="SSVM.REBOOT", response=systemvm)
def rebootSystemVm(
    caller: Caller,
    id: Annotated[SystemVm, Operate, _ID],
    forced: Annotated[bool, "Reset the guest if it does not restart"] = False,
) -> Plan:
    """Restarts a system VM."""
    return system_vms.reboot(id, forced=forced)


@command(roles=ADMIN, event="SSVM.DESTROY", response=systemvm)
def destroySystemVm(caller: Caller, id: Annotated[SystemVm, Operate, _ID]) -> Plan:
    """Destroys a system VM; while its zone is enabled another one takes its place."""
    return system_vms.destroy(id)


@command(roles=ADMIN, event="VM.MIGRATE", response=systemvm)
def migrateSystemVm(
    caller: Caller,
    virtualmachineid: Annotated[SystemVm, Operate, _ID],
    hostid: Annotated[Host | None, Operate, "The host it goes to"] = None,
    autoselect: Annotated[bool, "Have a host with room chosen"] = False,
) -> Plan:
    """Moves a system VM to another host, where it starts anew."""
    return system_vms.migrate(virtualmachineid, host=hostid, autoselect=autoselect)


@command(roles=ADMIN, event="VM.UPGRADE", response=systemvm)
def scaleSystemVm(
    caller: Caller,
    id: Annotated[SystemVm, Operate, _ID],
    serviceofferingid: Annotated[ServiceOffering, Operate, "The system offering from now on"],
) -> Plan:
    """Gives a system VM another system offering; one that runs starts anew."""
    return system_vms.scale(id, serviceofferingid)


@command(roles=ADMIN, event="VM.UPGRADE", response=systemvm)
def changeServiceForSystemVm(
    caller: Caller,
    id: Annotated[SystemVm, Operate, _ID],
    serviceofferingid: Annotated[ServiceOffering, Operate, "The system offering from now on"],
) -> SystemVm:
    """Gives a system VM that is off another system offering."""
    return system_vms.resize(id, serviceofferingid)


@command(roles=ADMIN, response=usagehistory, paged=True)
def listSystemVmsUsageHistory(
    caller: Caller,
    id: Annotated[SystemVm | None, "Of this system VM"] = None,
    ids: Annotated[list[SystemVm] | None, "Of these system VMs"] = None,
    name: Annotated[str | None, "Only of the one of this name, as in s-1-VM"] = None,
    startdate: Annotated[datetime | None, "From this moment on"] = None,
    enddate: Annotated[datetime | None, "Until this moment"] = None,
) -> list:
    """Shows the measurements of system VMs, oldest first."""
    if id is not None and ids:
        raise InvalidParameter("Give id or ids, not both.")
    rows = SystemVm.objects.order_by("pk")
    chosen = [id] if id is not None else ids
    if chosen:
        rows = rows.filter(pk__in=[vm.pk for vm in chosen])
    if name:
        rows = system_vms.named(rows, name)
    return samples.history_of_system_vms(rows, startdate, enddate)
